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

// maxLeaksTold is how many names of spans are reported at once. The others come with the next report.
const maxLeaksTold = maxWarnings

// reportLeaks reports, once each, the spans that run for longer than the leak age: the oldest of each name, and
// how many more there are.
func (d *dispatcher) reportLeaks(spans []liveSpan, now time.Duration) {
	if d.cfg.leakAge == 0 || d.pass.told > 0 && now-d.pass.told < reportInterval {
		return
	}
	byName := make(map[string][]*liveSpan)
	for i := range spans {
		s := &spans[i]
		if s.leaked || !s.tracked || now-s.startedAt < d.cfg.leakAge {
			continue
		}
		name := s.live.Name()
		if byName[name] == nil && len(byName) == maxLeaksTold {
			continue
		}
		byName[name] = append(byName[name], s)
	}
	for name, leaked := range byName {
		d.pass.told = now
		oldest := slices.MinFunc(leaked, func(a, b *liveSpan) int { return cmp.Compare(a.startedAt, b.startedAt) })
		d.queue.markLeaked(leaked)
		d.queue.reporter.warn(fmt.Errorf("%w: %q of scope %q has run for %s, and %d more of that name for longer than %s; is End called?",
			ErrLeakedSpan, name, oldest.live.InstrumentationScope().Name, (now - oldest.startedAt).Round(time.Second),
			len(leaked)-1, d.cfg.leakAge))
	}
}

func (q *queue) markLeaked(spans []*liveSpan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for _, s := range spans {
		if s.record.live == s.live {
			s.record.leaked = true
		}
	}
}
