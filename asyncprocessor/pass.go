package asyncprocessor

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The queue keeps live spans: those whose START waits, since what never changes is read late, and
// those that are tracked, for updates. What the application adds to them is bounded here:
// once a second a pass over the running spans lets go of those that are not tracked, and estimates what
// the others hold; of what is above the byte bound, together with what is queued, the largest are
// let go. Spans that started since the last pass are left alone: most have ended by the next.

// passInterval is the time between two passes, while spans run.
const passInterval = time.Second

// ErrLeakedSpan is wrapped by what is reported of spans that run for longer than [WithLeakAge].
var ErrLeakedSpan = errors.New("asyncprocessor: a span does not end")

// liveSpan is a running span as a pass sees it. It is read without the queue's lock. If its END comes
// meanwhile, live is not its record's any more.
type liveSpan struct {
	record    *item
	live      sdktrace.ReadOnlySpan
	size      int
	ended     bool
	constants *constants

	writtenAt   time.Duration
	fingerprint uint64
	closes      bool // it is to be written as unfinished: it ended, and its END was lost
}

// nextPass is when the next pass is due. It is called with the queue's lock held.
func (d *dispatcher) nextPass() time.Duration {
	if d.queue.running == 0 {
		return noDeadline
	}
	return d.passed + passInterval
}

// runPass makes a pass if one is due.
func (d *dispatcher) runPass() {
	q := d.queue
	now := q.now()
	if now < d.passed+passInterval {
		return
	}
	d.passed = now
	defer func() {
		if v := recover(); v != nil { // a span that is not the SDK's
			q.reporter.warn(fmt.Errorf("asyncprocessor: reading a running span panicked: %v", v))
		}
	}()
	spans := q.liveSpans(func(r *item) bool {
		before := r.seen
		r.seen = true
		return before
	})
	for i := range spans {
		s := &spans[i]
		s.ended = !s.live.EndTime().IsZero()
		s.size = startBytes + attrsSize(s.live.Attributes()) + eventsSize(s.live.Events()) + linksSize(s.live.Links())
		if s.constants == nil {
			s.constants = readConstants(s.live)
		}
	}
	slices.SortFunc(spans, func(a, b liveSpan) int { return cmp.Compare(b.size, a.size) })
	due, leaked := q.pass(spans, now)
	d.reportLeaks(leaked, now)
	d.writeStates(due, now)
}

// liveSpans returns the running spans that are chosen.
func (q *queue) liveSpans(choose func(*item) bool) (spans []liveSpan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	if q.running == 0 {
		return nil
	}
	for _, it := range &q.traces.spans {
		for ; it != nil; it = it.inBucket {
			if r := it.record; r != nil && r.live != nil && choose(r) {
				spans = append(spans, liveSpan{record: r, live: r.live, constants: r.start.constants})
			}
		}
	}
	return spans
}

// pass lets go of spans, the largest of which come first, and returns those that are due to be written
// again, and those that leak.
func (q *queue) pass(spans []liveSpan, now time.Duration) (due, leaked []liveSpan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	above := int64(q.bounds.held().bytes) - int64(q.bounds.most.bytes)
	for i := range spans {
		if spans[i].record.tracked {
			above += int64(spans[i].size)
		}
	}
	for i := range spans {
		s, r := &spans[i], spans[i].record
		if r.live != s.live {
			continue
		}
		r.start.fix(s.constants)
		if !r.tracked || above > 0 {
			above -= int64(s.size)
			q.letGoTracked(r)
			continue
		}
		if !r.leaked && q.cfg.leakAge > 0 && now-r.startedAt >= q.cfg.leakAge {
			r.leaked = true
			leaked = append(leaked, *s)
		}
		s.writtenAt, s.fingerprint = r.writtenAt, r.fingerprint
		switch {
		case !r.written:
		case s.ended: // a pass later no END can be on its way any more
			s.closes = r.endSeen && q.cfg.unfinished && !q.closed
			r.endSeen = true
			if s.closes {
				due = append(due, *s)
			}
		case q.cfg.updateInterval > 0 && now-r.writtenAt >= q.cfg.updateInterval:
			due = append(due, *s)
		}
	}
	return due, leaked
}

// letGoTracked lets go of a span that runs on.
func (q *queue) letGoTracked(r *item) {
	q.untrack(r)
	q.letGo(r)
	if it := q.traces.find(r.key); it != nil && it.state == settled {
		q.traces.index.remove(it)
	}
}

// reportLeaks reports one span of each name, and how many more there are.
func (d *dispatcher) reportLeaks(leaked []liveSpan, now time.Duration) {
	more := make(map[string]int)
	for i := range leaked {
		more[leaked[i].live.Name()]++
	}
	for i := range leaked {
		s := leaked[i].live
		if n := more[s.Name()]; n > 0 {
			more[s.Name()] = 0
			d.queue.reporter.warn(fmt.Errorf("%w: %q of scope %q has run for %s, and %d more of that name for as long; is End called?",
				ErrLeakedSpan, s.Name(), s.InstrumentationScope().Name, (now - leaked[i].record.startedAt).Round(time.Second), n-1))
		}
	}
}
