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

// reportLeaks reports, once each, the spans that run for longer than the leak age: the oldest of each name, and
// how many more there are. More names than are reported at once come with the next report.
func (d *dispatcher) reportLeaks(spans []liveSpan, now time.Duration) {
	age := d.cfg.leakAge
	if age == 0 || d.pass.toldLeaks > 0 && now-d.pass.toldLeaks < reportInterval {
		return
	}
	byName := make(map[string][]*liveSpan)
	for i := range spans {
		s, name := &spans[i], spans[i].live.Name()
		if !s.record.leaked && now-s.record.startedAt >= age && (byName[name] != nil || len(byName) < maxWarnings) {
			byName[name] = append(byName[name], s)
			s.record.leaked = true
		}
	}
	for name, leaked := range byName {
		d.pass.toldLeaks = now
		oldest := slices.MinFunc(leaked, func(a, b *liveSpan) int { return cmp.Compare(a.record.startedAt, b.record.startedAt) })
		d.queue.reporter.warn(fmt.Errorf("%w: %q of scope %q has run for %s, and %d more of that name for longer than %s; is End called?",
			ErrLeakedSpan, name, oldest.live.InstrumentationScope().Name, (now - oldest.record.startedAt).Round(time.Second), len(leaked)-1, age))
	}
}
