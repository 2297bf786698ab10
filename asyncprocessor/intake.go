package asyncprocessor

import (
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// entry is a snapshot on its way into the queue.
type entry struct {
	span  sdktrace.ReadOnlySpan // the live span of a START
	start startState            // of a START
	key   spanKey
	bytes uint32 // the estimate of its memory
	phase Phase
}

func (e *entry) amount() amount { return amount{1, uint64(e.bytes)} }

// spanKey identifies a span.
type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

func keyOf(sc trace.SpanContext) spanKey { return spanKey{sc.TraceID(), sc.SpanID()} }

// intake is where the application's goroutines leave snapshots, in a log, and the account of what the queue holds in
// all. Its lock is held for an addition and an append.
type intake struct {
	mu     sync.Mutex // guards what follows; may be taken with the queue's lock held
	log    []*block
	unused pool[block]
	held   amount // in all
	logged amount // of it in the log
	mark   amount // so much held wakes the dispatcher; never, once it was woken
	limit  amount // up to here snapshots are accepted without asking the queue; nothing while it is closed
}

// block is a part of the log. One slice would be copied as it grows, and be kept at its largest.
type block struct {
	entries [blockSize]entry
	used    int
}

const (
	blockSize = 256
	maxBlocks = 32 // kept to be used again
)

// offer accepts a snapshot if nothing has to be decided, and reports whether the dispatcher is to be woken.
func (in *intake) offer(e *entry) (accepted, wake bool) {
	in.mu.Lock()
	defer in.mu.Unlock()
	held := in.held.plus(e.amount())
	if !held.within(in.limit) {
		return false, false
	}
	in.held, in.logged = held, in.logged.plus(e.amount())
	last := len(in.log) - 1
	if last < 0 || in.log[last].used == blockSize {
		in.log = append(in.log, in.unused.get())
		last++
	}
	b := in.log[last]
	b.entries[b.used] = *e
	b.used++
	return true, in.wakes()
}

// take takes the log, and leaves an empty one in its place.
func (in *intake) take(empty []*block) (log []*block) {
	in.mu.Lock()
	defer in.mu.Unlock()
	log, in.log, in.logged = in.log, empty, amount{}
	return log
}

// giveBack takes back a block that was taken.
func (in *intake) giveBack(b *block) {
	clear(b.entries[:b.used]) // let the collector have the spans
	b.used = 0
	in.mu.Lock()
	defer in.mu.Unlock()
	in.unused.put(b, maxBlocks)
}

// forget lets go of all memory.
func (in *intake) forget() {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.log, in.unused = nil, pool[block]{}
}

// setLimit opens the log up to an amount, or closes it.
func (in *intake) setLimit(a amount) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.limit = a
}

func (in *intake) amount() amount {
	in.mu.Lock()
	defer in.mu.Unlock()
	return in.held
}

// add adds a to what is held, if no more than most is held then.
func (in *intake) add(a, most amount) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	held := in.held.plus(a)
	if !held.within(most) {
		return false
	}
	in.held = held
	return true
}

// release takes a away, from the mark too: as much more is still to come until the dispatcher
// is woken.
func (in *intake) release(a amount) {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.held = in.held.minus(a)
	if in.mark != never {
		in.mark = a.upTo(in.mark)
	}
}

// wakes reports whether so much is held that the dispatcher is to be woken. It says so once.
func (in *intake) wakes() bool {
	if !in.held.reaches(in.mark) {
		return false
	}
	in.mark = never
	return true
}

// await sets how much more than what is sorted wakes the dispatcher, and returns false if so much is held
// already.
func (in *intake) await(more amount) bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	in.mark = in.held.minus(in.logged).plus(more)
	return !in.wakes()
}

// awaits reports whether the dispatcher need not be woken.
func (in *intake) awaits() bool {
	in.mu.Lock()
	defer in.mu.Unlock()
	return !in.wakes()
}
