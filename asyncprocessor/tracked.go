package asyncprocessor

import (
	"cmp"
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
	last  time.Duration // when it ran
	spans []liveSpan    // to use again
}

// liveSpan is a running span as a pass sees it.
type liveSpan struct {
	record    *item
	live      sdktrace.ReadOnlySpan
	tracked   bool
	size      int
	constants bool // to be read, since its START waits
	read      *constants
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
	spans, room := q.liveSpans(d.pass.spans[:0])
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
	clear(spans)
	d.pass.spans = spans[:0]
}

// liveSpans appends to spans the running ones that the last pass saw too, and returns with them how many
// bytes tracked spans may hold.
func (q *queue) liveSpans(spans []liveSpan) ([]liveSpan, int64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.running == 0 {
		return spans, 0
	}
	for _, t := range q.traces.table.buckets {
		for ; t != nil; t = t.inBucket {
			spans = t.liveSpans(spans)
		}
	}
	return spans, int64(q.most.bytes) - int64(q.bounds.amount().bytes)
}

func (t *traceQueue) liveSpans(spans []liveSpan) []liveSpan {
	t.spans.each(func(it *item) {
		r := it.record
		if r == nil || r.live == nil {
			return
		}
		if r.seen {
			spans = append(spans, liveSpan{
				record: r, live: r.live, tracked: r.tracked,
				constants: !r.shared && it == r && r.start.constants == nil,
			})
		}
		r.seen = true
	})
	return spans
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
