package asyncprocessor

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// The queue keeps live spans: those whose START waits, since what never changes is read late, and
// those that are tracked, for updates. What the application adds to them is bounded here:
// once a second a pass over the running spans lets go of those that are not tracked, and estimates what
// the others hold; of what is above the byte bound, together with what is queued, the largest are
// let go. Spans that started less than a second ago are left alone: most end before that.
//
// A pass goes through the traces part by part, each under the queue's lock, and stops when it has seen
// maxSeen tracked spans: the next one goes on from there. So 10,000 are all seen every second, and
// 100,000 every ten.

const (
	// passInterval is the time between two passes, while spans run.
	passInterval = time.Second
	// maxSeen is after how many tracked spans a pass ends.
	maxSeen = 10_000
	// numParts is the number of parts of the table of traces.
	numParts = 64
)

// pass is the dispatcher's.
type pass struct {
	last   time.Duration // when it ran
	number uint32        // of passes so far
	next   int           // the part that it begins with
	parts  [numParts]part
	spans  []liveSpan    // to use again
	budget float64       // of updates, in bytes
	told   time.Duration // when leaks were last reported, 0 before that
}

// part is what a pass last found in a part of the traces.
type part struct {
	held   int64         // by tracked spans, an estimate in bytes
	oldest time.Duration // when the first of them started, noDeadline if there are none
}

// liveSpan is a running span as a pass sees it.
type liveSpan struct {
	record    *item
	live      sdktrace.ReadOnlySpan
	tracked   bool
	size      int
	part      int
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
	d.pass.number++
	defer func() {
		if v := recover(); v != nil { // a span that is not the SDK's
			q.reporter.warn(fmt.Errorf("asyncprocessor: reading a running span panicked: %v", v))
		}
	}()
	spans := d.lookAtRunning(now)
	n := d.beyondBound(spans)
	q.letGoAll(spans[:n])
	d.reportLeaks(spans[n:], now)
	if d.cfg.unfinished {
		d.closeEnded(spans[n:])
	}
	d.writeUpdates(spans[n:], now)
	clear(spans)
	d.pass.spans = spans[:0]
}

// lookAtRunning returns the spans of the parts that it is a pass's turn to look at, and estimates what they hold.
func (d *dispatcher) lookAtRunning(now time.Duration) []liveSpan {
	spans, seen := d.pass.spans[:0], 0
	for range numParts {
		at := d.pass.next
		d.pass.next = (at + 1) % numParts
		begin := len(spans)
		spans = d.queue.liveSpans(spans, at, func(r *item) bool { return now-r.startedAt >= passInterval })
		found := part{oldest: noDeadline}
		for i := begin; i < len(spans); i++ {
			s := &spans[i]
			if s.part = at; !s.tracked {
				continue
			}
			seen++
			s.size = startBytes + attrsSize(s.live.Attributes()) + eventsSize(s.live.Events()) + linksSize(s.live.Links())
			found.held += int64(s.size)
			found.oldest = min(found.oldest, s.startedAt)
		}
		d.pass.parts[at] = found
		if seen >= maxSeen {
			break
		}
	}
	d.queue.setOldest(d.pass.oldest())
	return spans
}

// oldest is when the first of all tracked spans started.
func (p *pass) oldest() time.Duration {
	oldest := noDeadline
	for i := range p.parts {
		oldest = min(oldest, p.parts[i].oldest)
	}
	return oldest
}

// beyondBound sorts those spans to the front that are to be let go, and returns how many they are: those that are not
// tracked, and the largest of the others if all together hold more than there is room for.
func (d *dispatcher) beyondBound(spans []liveSpan) (n int) {
	over := -d.queue.room()
	for i := range d.pass.parts {
		over += d.pass.parts[i].held
	}
	slices.SortFunc(spans, func(a, b liveSpan) int {
		if a.tracked != b.tracked {
			if b.tracked {
				return -1
			}
			return 1
		}
		return cmp.Compare(b.size, a.size)
	})
	for n < len(spans) && (!spans[n].tracked || over > 0) {
		s := &spans[n]
		over -= int64(s.size)
		d.pass.parts[s.part].held -= int64(s.size)
		if s.constants {
			s.read = readConstants(s.live)
		}
		n++
	}
	return n
}

// room is how many bytes tracked spans may hold, beside what is queued.
func (q *queue) room() int64 { return int64(q.most.bytes) - int64(q.bounds.amount().bytes) }

// setOldest notes when the first of the spans that are tracked started.
func (q *queue) setOldest(at time.Duration) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.oldest = at
}

// liveSpans appends to spans the running ones of a part of the traces that are chosen.
func (q *queue) liveSpans(spans []liveSpan, part int, choose func(*item) bool) []liveSpan {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	if q.running == 0 {
		return spans
	}
	const size = numBuckets / numParts
	for _, t := range q.traces.table.buckets[part*size : (part+1)*size] {
		for ; t != nil; t = t.inBucket {
			spans = t.liveSpans(spans, choose)
		}
	}
	return spans
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
			if r.shared { // else it counts when its START leaves
				q.counts.untracked++
			}
		}
		q.letGo(r)
		t := q.traces.of(r.key.trace)
		if it := t.spans.find(r.key.span); it != nil && it.state == settled {
			t.spans.remove(it)
			q.goOn(t)
		}
	}
}
