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

// pass is the dispatcher's.
type pass struct {
	last   time.Duration // when it ran
	spans  []liveSpan    // to use again
	budget float64       // of updates, in bytes
}

// liveSpan is a running span as a pass sees it.
type liveSpan struct {
	record    *item
	live      sdktrace.ReadOnlySpan
	tracked   bool
	size      int
	constants bool // to be read, since its START waits
	read      *constants

	start       *startSpan // as it was delivered, if it was
	written     bool
	writtenAt   time.Duration
	startedAt   time.Duration
	leaked      bool
	fingerprint uint64
}

// nextPass is when the next pass is due. It is called with the queue's lock held.
func (d *dispatcher) nextPass() time.Duration {
	if d.queue.running == 0 {
		return noDeadline
	}
	return d.pass.last + passInterval
}

// runPass makes a pass if one is due. The SDK is asked without the queue's lock.
func (d *dispatcher) runPass() {
	q := d.queue
	now := q.now()
	if now < d.pass.last+passInterval {
		return
	}
	d.pass.last = now
	defer func() {
		if v := recover(); v != nil { // a span that is not the SDK's
			q.reporter.warn(fmt.Errorf("asyncprocessor: reading a running span panicked: %v", v))
		}
	}()
	spans, room := q.liveSpans(d.pass.spans[:0], nil)
	var held int64
	for i := range spans {
		if s := &spans[i]; s.tracked {
			s.size = startBytes + attrsSize(s.live.Attributes()) + eventsSize(s.live.Events()) + linksSize(s.live.Links())
			held += int64(s.size)
		}
	}
	// Those that are not tracked first, then the largest.
	slices.SortFunc(spans, func(a, b liveSpan) int {
		if a.tracked != b.tracked {
			if b.tracked {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.size, a.size)
	})
	n := 0
	for n < len(spans) && (!spans[n].tracked || held > room) {
		held -= int64(spans[n].size)
		if spans[n].constants {
			spans[n].read = readConstants(spans[n].live)
		}
		n++
	}
	q.letGoAll(spans[:n])
	d.reportLeaks(spans[n:], now)
	if d.cfg.unfinished {
		d.closeEnded(spans[n:])
	}
	d.writeUpdates(spans[n:], now)
	clear(spans)
	d.pass.spans = spans[:0]
}

// liveSpans appends to spans the running ones that the last pass saw too, or those that are chosen, and
// returns with them how many bytes tracked spans may hold.
func (q *queue) liveSpans(spans []liveSpan, choose func(*item) bool) ([]liveSpan, int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	if q.running == 0 {
		return spans, 0
	}
	if choose == nil {
		choose = (*item).seenAgain
	}
	for _, t := range q.traces.table.buckets {
		for ; t != nil; t = t.inBucket {
			spans = t.liveSpans(spans, choose)
		}
	}
	return spans, int64(q.most.bytes) - int64(q.bounds.amount().bytes)
}

func (t *traceQueue) liveSpans(spans []liveSpan, choose func(*item) bool) []liveSpan {
	t.spans.each(func(it *item) {
		r := it.record
		if r == nil || r.live == nil || !choose(r) {
			return
		}
		s := liveSpan{
			record: r, live: r.live, tracked: r.tracked, written: r.written, writtenAt: r.writtenAt,
			startedAt: r.startedAt, leaked: r.leaked, fingerprint: r.fingerprint,
			constants: !r.shared && it == r && r.start.constants == nil,
		}
		if r.shared && r.written {
			s.start = &r.start
		}
		spans = append(spans, s)
	})
	return spans
}

// seenAgain notes that a pass saw a record, and reports whether one did before.
func (r *item) seenAgain() bool {
	before := r.seen
	r.seen = true
	return before
}

// reportLeaks reports, once each, the spans that run for longer than the leak age: one of each name, and
// how many more there are.
func (d *dispatcher) reportLeaks(spans []liveSpan, now time.Duration) {
	if d.cfg.leakAge == 0 {
		return
	}
	found := make(map[string]int)
	for i := range spans {
		if s := &spans[i]; s.tracked && !s.leaked && now-s.startedAt >= d.cfg.leakAge {
			found[s.live.Name()]++
		}
	}
	if len(found) == 0 {
		return
	}
	for i := range spans {
		s := &spans[i]
		if !s.tracked || s.leaked || now-s.startedAt < d.cfg.leakAge {
			continue
		}
		d.queue.markLeaked(s)
		if n := found[s.live.Name()]; n > 0 {
			d.queue.reporter.warn(fmt.Errorf("%w: %q of scope %q has run for %s, and %d more of that name for as long; is End called?",
				ErrLeakedSpan, s.live.Name(), s.live.InstrumentationScope().Name, (now - s.startedAt).Round(time.Second), n-1))
			found[s.live.Name()] = 0
		}
	}
}

// ErrLeakedSpan is wrapped by what is reported of spans that run for longer than [WithLeakAge].
var ErrLeakedSpan = errors.New("asyncprocessor: a span does not end")

func (q *queue) markLeaked(s *liveSpan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.record.live == s.live {
		s.record.leaked = true
	}
}

// letGoAll lets go of live spans.
func (q *queue) letGoAll(spans []liveSpan) {
	q.mu.Lock()
	defer q.mu.Unlock()
	for i := range spans {
		s := &spans[i]
		r := s.record
		if r.live != s.live {
			continue // it ended meanwhile
		}
		if s.read != nil && r.phase == PhaseStart && !r.shared {
			if r.start.more != nil && r.start.more.parent != nil {
				s.read.parent = *r.start.more.parent
			}
			r.start.constants = s.read
		}
		if r.tracked {
			r.tracked = false
			q.tracked--
		}
		q.letGo(r)
		t := q.traces.of(r.key.trace)
		if it := t.spans.find(r.key.span); it != nil && it.state == settled {
			t.spans.remove(it)
			q.goOn(t)
		}
	}
}
