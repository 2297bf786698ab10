package asyncprocessor

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// The queue keeps live spans: those whose START waits, since what never changes is read late, and
// those that are tracked, for updates. What the application adds to them is bounded here:
// once a second a pass over the running spans lets go of those that are not tracked, and estimates what
// the others hold; of what is above the byte bound, together with what is queued, the largest are
// let go. Spans that started less than a second ago are left alone: most end before that.
//
// A pass goes through the index part by part, each under the queue's lock, and stops when it has seen
// maxSeen spans: the next one goes on from there. So 10,000 are all seen every second, and
// 100,000 every ten.
const (
	// passInterval is the time between two passes, while spans run.
	passInterval = time.Second
	maxSeen      = 10_000
	numParts     = 64
)

// pass is what the dispatcher remembers of its passes.
type pass struct {
	last   time.Duration // when it ran
	next   int           // the part with which it goes on
	budget float64       // of updates, in bytes
}

// liveSpan is a running span as a pass sees it. It is read without the queue's lock. If its END comes
// meanwhile, live is not its record's any more.
type liveSpan struct {
	running // a copy: the record as it was
	record  *running
	key     spanKey
	name    string
	ended   bool
}

// runPass makes a pass if one is due.
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
	spans := d.lookAtRunning(now)
	for i := range spans {
		s := &spans[i]
		s.name, s.ended = s.live.Name(), !s.live.EndTime().IsZero()
		s.size = startBytes + attrsSize(s.live.Attributes()) + eventsSize(s.live.Events()) + linksSize(s.live.Links())
		if !s.sent && s.fixed == nil {
			s.fixed = s.start.snapshot(s.live)
		}
	}
	slices.SortFunc(spans, func(a, b liveSpan) int { return cmp.Compare(b.size, a.size) })
	due, leaked, reads := q.pass(spans, now)
	d.reportLeaks(leaked, now)
	d.writeStates(due, reads, now)
}

// lookAtRunning returns the spans that it is a pass's turn to look at.
func (d *dispatcher) lookAtRunning(now time.Duration) (spans []liveSpan) {
	for range numParts {
		spans = d.queue.liveSpans(spans, d.pass.next, now-passInterval)
		d.pass.next = (d.pass.next + 1) % numParts
		if len(spans) >= maxSeen {
			break
		}
	}
	return spans
}

// liveSpans appends the running spans in a part of the index that started by then. With the last part it is known which is
// the oldest of all.
func (q *queue) liveSpans(spans []liveSpan, part int, by time.Duration) []liveSpan {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.collect(); q.abandoned {
		return spans
	}
	size := len(q.traces.spans) / numParts
	for _, it := range q.traces.spans[part*size : (part+1)*size] {
		for ; it != nil; it = it.inBucket {
			if r := it.run; r != nil && r.live != nil && r.startedAt <= by {
				spans = append(spans, liveSpan{running: *r, record: r, key: it.key})
				q.oldestSeen = min(q.oldestSeen, r.startedAt)
			}
		}
	}
	if part == numParts-1 {
		q.oldest, q.oldestSeen = q.oldestSeen, noDeadline
	}
	return spans
}

// pass lets go of spans, the largest of which come first. Of those that are kept it returns the ones that
// are due to be written again, and those that have run for longer than the leak age. reads is how many may be
// read now: a pass reads its share of all, so that reading is spread over the interval also of spans that started
// together.
func (q *queue) pass(spans []liveSpan, now time.Duration) (due, old []liveSpan, reads int) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.abandoned {
		return nil, nil, 0
	}
	for i := range spans {
		if s, r := &spans[i], spans[i].record; r.live == s.live && r.tracked {
			q.trackedBytes += int64(s.size - r.size)
			r.size = s.size
		}
	}
	held := q.intake.amount()
	room := int64(q.bounds.most.bytes) - int64(held.bytes)
	for i := range spans {
		s, r := &spans[i], spans[i].record
		if r.live != s.live {
			continue
		}
		if r.fixed == nil {
			r.fixed = s.fixed
		}
		if !r.tracked || q.trackedBytes > room {
			q.letGoTracked(s.key, r)
			continue
		}
		if q.cfg.LeakAge > 0 && !r.leaked && now-r.startedAt >= q.cfg.LeakAge {
			old = append(old, *s)
		}
		switch interval := q.cfg.UpdateInterval; {
		case !r.written:
		case s.ended: // a pass later no END can be on its way any more
			if r.endSeen && q.cfg.UnfinishedSpans && !q.closed {
				due = append(due, *s)
			}
			r.endSeen = true
		case interval > 0 && now-max(r.writtenAt, r.readAt) >= interval && held.within(q.bounds.half):
			due = append(due, *s)
		}
	}
	passes := max(1, int(q.cfg.UpdateInterval/passInterval))
	return due, old, max(minReads, q.tracked/passes+1)
}

// minReads is how many spans a pass may read, however few run.
const minReads = 256

// note changes the record of a span, if that still runs.
func (q *queue) note(s *liveSpan, change func(*running)) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if s.record.live == s.live {
		change(s.record)
	}
}

// letGoTracked lets go of a span that runs on.
func (q *queue) letGoTracked(key spanKey, r *running) {
	if r.tracked && r.sent { // else it counts when its START leaves
		q.counts.untracked++
	}
	q.untrack(r)
	q.letGo(r)
	if it := q.traces.find(key); it != nil && it.state == settled {
		q.traces.index.remove(it)
	}
}
