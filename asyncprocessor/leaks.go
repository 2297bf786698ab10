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

// reportLeaks reports, once each, spans that have run for longer than the leak age: the oldest of each name, and
// how many more there are. More names than are reported at once come with the next report.
func (d *dispatcher) reportLeaks(spans []liveSpan, now time.Duration) {
	if len(spans) == 0 || d.pass.toldLeaks > 0 && now-d.pass.toldLeaks < reportInterval {
		return
	}
	d.pass.toldLeaks = now
	byName := make(map[string][]liveSpan)
	for _, s := range spans {
		if byName[s.name] != nil || len(byName) < maxWarnings {
			byName[s.name] = append(byName[s.name], s)
		}
	}
	for name, leaked := range byName {
		d.queue.noteLeaked(leaked)
		oldest := slices.MinFunc(leaked, func(a, b liveSpan) int { return cmp.Compare(a.startedAt, b.startedAt) })
		d.queue.reporter.warn(fmt.Errorf("%w: %q of scope %q has run for %s, and %d more of that name for longer than %s; is End called?",
			ErrLeakedSpan, name, oldest.live.InstrumentationScope().Name, (now - oldest.startedAt).Round(time.Second),
			len(leaked)-1, d.cfg.leakAge))
	}
}

func (q *queue) noteLeaked(spans []liveSpan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range spans {
		if r := spans[i].record; r.live == spans[i].live {
			r.leaked = true
		}
	}
}
