package asyncprocessor

import (
	"time"

	"go.opentelemetry.io/otel/trace"
)

// traceQueue is what waits of one trace, in order. While some of it is with the exporter,
// the rest waits: so a trace has one export in flight at a time, and a retry holds up its
// own trace only. It exists while anything of the trace waits or is with the exporter.
type traceQueue struct {
	id         trace.TraceID
	inBucket   *traceQueue // in the same bucket of the index
	head, tail *item
	waiting    amount
	exporting  amount
	ready      bool
	next       *traceQueue // in the list of ready ones

	failing // if its snapshots failed for now
}

// traces has the queue of each trace of which anything waits or is with the exporter, and in a
// list those that are ready: something waits, and nothing is with the exporter. Batches are filled from
// the front of the list, where each comes once before any comes again, so a few hot traces
// cannot starve the rest.
type traces struct {
	*index
	first, last *traceQueue // of the ready ones
	ready       amount      // what waits in them
	oldest      time.Duration
	unused      pool[traceQueue]
}

// of returns the queue of a trace.
func (ts *traces) of(id trace.TraceID) *traceQueue {
	bucket := ts.traceBucket(id)
	for t := *bucket; t != nil; t = t.inBucket {
		if t.id == id {
			return t
		}
	}
	t := ts.unused.get()
	t.id, t.inBucket = id, *bucket
	*bucket = t
	return t
}

// held returns how much is held of a trace.
func (ts *traces) held(id trace.TraceID) amount {
	for t := *ts.traceBucket(id); t != nil; t = t.inBucket {
		if t.id == id {
			return t.waiting.plus(t.exporting)
		}
	}
	return amount{}
}

// retire forgets a trace of which nothing is left.
func (ts *traces) retire(t *traceQueue) {
	at := ts.traceBucket(t.id)
	for *at != t {
		at = &(*at).inBucket
	}
	*at = t.inBucket
	*t = traceQueue{}
	ts.unused.put(t, maxUnused)
}

// resize changes how much waits in a trace.
func (ts *traces) resize(t *traceQueue, more, less amount) {
	t.waiting = t.waiting.plus(more).minus(less)
	if t.ready {
		ts.ready = ts.ready.plus(more).minus(less)
	}
}

// push puts an item behind the others of its trace.
func (ts *traces) push(t *traceQueue, it *item) {
	it.trace, it.state, it.next = t, waiting, nil
	if t.head == nil {
		t.head = it
	} else {
		t.tail.next = it
	}
	t.tail = it
	ts.resize(t, it.amount(), amount{})
}

// pushFront puts an item that was with the exporter before the others.
func (ts *traces) pushFront(t *traceQueue, it *item) {
	it.state, it.next = waiting, t.head
	if t.head == nil {
		t.tail = it
	}
	t.head = it
	ts.resize(t, it.amount(), amount{})
}

// pop takes the first item of a trace out.
func (ts *traces) pop(t *traceQueue) *item {
	it := t.head
	t.head, it.next = it.next, nil
	ts.resize(t, amount{}, it.amount())
	return it
}

// removeLater takes the first item of the same span out that waits behind it, if that is wanted. It returns nil
// otherwise.
func (ts *traces) removeLater(it *item, wanted func(later *item) bool) *item {
	before := it
	for before.next != nil && before.next.key != it.key {
		before = before.next
	}
	later := before.next
	if later == nil || !wanted(later) {
		return nil
	}
	if before.next = later.next; later.next == nil {
		it.trace.tail = before
	}
	ts.resize(it.trace, amount{}, later.amount())
	return later
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
	ts.ready = ts.ready.plus(t.waiting)
}

// popReady takes the first trace out of the list.
func (ts *traces) popReady() {
	t := ts.first
	ts.first, t.next, t.ready = t.next, nil, false
	ts.ready = ts.ready.minus(t.waiting)
}
