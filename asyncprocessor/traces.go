package asyncprocessor

import (
	"time"

	"go.opentelemetry.io/otel/trace"
)

// traceQueue is what waits of one trace, in order. While some of it is with the exporter,
// the rest waits: so a trace has one export in flight at a time, and a retry holds up its
// own trace only. It exists while anything of the trace waits or is with the exporter, or a
// span of it is tracked.
type traceQueue struct {
	id         trace.TraceID
	head, tail *item
	waiting    amount
	exporting  amount
	spans      spanIndex
	ready      bool
	next       *traceQueue // in the list of ready ones
	inBucket   *traceQueue // in the same bucket of the table

	// Of a trace whose snapshots failed for now: see retry.go.
	failingSince time.Duration
	aloneSince   time.Duration
	failures     int
	resting      bool
	alone        bool
}

// push puts an item behind the others.
func (t *traceQueue) push(it *item) {
	it.trace, it.state, it.next = t, waiting, nil
	if t.head == nil {
		t.head = it
	} else {
		t.tail.next = it
	}
	t.tail = it
	t.waiting = t.waiting.plus(it.amount())
}

// pushFront puts an item that was with the exporter before the others.
func (t *traceQueue) pushFront(it *item) {
	it.state, it.next = waiting, t.head
	if t.head == nil {
		t.tail = it
	}
	t.head = it
	t.waiting = t.waiting.plus(it.amount())
}

// pop takes the first item out.
func (t *traceQueue) pop() *item {
	it := t.head
	t.head, it.next = it.next, nil
	if t.head == nil {
		t.tail = nil
	}
	t.waiting = t.waiting.minus(it.amount())
	return it
}

// nextOf returns the first item of the same span behind it, nil if there is none.
func (t *traceQueue) nextOf(it *item) *item {
	for next := it.next; next != nil; next = next.next {
		if next.key.span == it.key.span {
			return next
		}
	}
	return nil
}

// remove takes an item out from anywhere.
func (t *traceQueue) remove(it *item) {
	if t.head == it {
		t.pop()
		return
	}
	before := t.head
	for before.next != it {
		before = before.next
	}
	before.next = it.next
	if t.tail == it {
		t.tail = before
	}
	t.waiting = t.waiting.minus(it.amount())
}

// traces has the queue of each trace of which anything waits or is with the exporter, and in a
// list those that are ready: something waits, and nothing is with the exporter. Batches are filled from
// the front of the list, where each comes once before any comes again, so a few hot traces
// cannot starve the rest.
type traces struct {
	table       traceTable
	first, last *traceQueue // of the ready ones
	waiting     amount      // in the ready ones
	// oldest is when the first of the ready snapshots began to wait.
	oldest time.Duration

	unused    *traceQueue // a list, to be used again
	numUnused int
}

// of returns the queue of a trace.
func (ts *traces) of(id trace.TraceID) *traceQueue {
	bucket := ts.table.bucket(id)
	for t := *bucket; t != nil; t = t.inBucket {
		if t.id == id {
			return t
		}
	}
	t := ts.unused
	if t == nil {
		t = new(traceQueue)
	} else {
		ts.unused = t.next
		ts.numUnused--
		*t = traceQueue{spans: spanIndex{few: t.spans.few}}
	}
	t.id, t.inBucket = id, *bucket
	*bucket = t
	return t
}

// held returns how much is held of a trace.
func (ts *traces) held(id trace.TraceID) amount {
	for t := *ts.table.bucket(id); t != nil; t = t.inBucket {
		if t.id == id {
			return t.waiting.plus(t.exporting)
		}
	}
	return amount{}
}

// retire forgets a trace of which nothing is left.
func (ts *traces) retire(t *traceQueue) {
	at := ts.table.bucket(t.id)
	for *at != t {
		at = &(*at).inBucket
	}
	*at = t.inBucket
	if ts.numUnused < maxUnused {
		t.next, ts.unused = ts.unused, t
		ts.numUnused++
	}
}

// makeReady puts a trace at the end of the list. since is when its first snapshot
// began to wait.
func (ts *traces) makeReady(t *traceQueue, since time.Duration) {
	t.ready, t.next = true, nil
	if ts.first == nil {
		ts.first, ts.oldest = t, since
	} else {
		ts.last.next = t
		ts.oldest = min(ts.oldest, since)
	}
	ts.last = t
	ts.waiting = ts.waiting.plus(t.waiting)
}

// popReady takes the first trace out of the list, from which took was taken.
func (ts *traces) popReady(took amount) {
	t := ts.first
	ts.first, t.next, t.ready = t.next, nil, false
	if ts.first == nil {
		ts.last = nil
	}
	ts.waiting = ts.waiting.minus(t.waiting.plus(took))
}

// findOldest finds out anew when the first of the ready snapshots began to wait. It is called
// with fewer of them than a batch has, so the list is short.
func (ts *traces) findOldest(since func(*item) time.Duration) {
	for t := ts.first; t != nil; t = t.next {
		if s := since(t.head); t == ts.first || s < ts.oldest {
			ts.oldest = s
		}
	}
}
