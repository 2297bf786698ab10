package asyncprocessor

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"
)

// ErrLeakedSpan is wrapped by what is reported of spans that run for longer than [WithLeakAge].
var ErrLeakedSpan = errors.New("asyncprocessor: a span does not end")

// maxLeaks bounds the leaks in one report: other warnings find room.
const maxLeaks = maxWarnings / 2

// reportLeaks reports, once each, spans that have run for longer than the leak age: the oldest of each name, and
// how many more there are. More names than are reported at once come with the next reports.
func (d *dispatcher) reportLeaks(spans []liveSpan, now time.Duration) {
	byName := make(map[string][]liveSpan)
	for _, s := range spans {
		byName[s.name] = append(byName[s.name], s)
	}
	for name, leaked := range byName {
		oldest := slices.MinFunc(leaked, func(a, b liveSpan) int { return cmp.Compare(a.startedAt, b.startedAt) })
		if !d.queue.reporter.warnBelow(maxLeaks, fmt.Errorf(
			"%w: %q of scope %q has run for %s, and %d more of that name for longer than %s; is End called?",
			ErrLeakedSpan, name, oldest.live.InstrumentationScope().Name, (now-oldest.startedAt).Round(time.Second),
			len(leaked)-1, d.cfg.LeakAge)) {
			return
		}
		for i := range leaked {
			d.queue.note(&leaked[i], func(r *running) { r.leaked = true })
		}
	}
}
