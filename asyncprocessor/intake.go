package asyncprocessor

import (
	"runtime"
	"sync"
	"sync/atomic"

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

// intake is where the application's goroutines leave snapshots, in logs, and the account of what the queue holds in
// all.
type intake struct {
	stripes []stripe
	limit   amount // up to here snapshots are accepted without asking the queue

	word atomic.Uint64 // what is held in all, packed, and the closed bit; grows under the lock of a stripe or of the queue
	mark atomic.Uint64 // so much held wakes the dispatcher; never, once it was woken
}

// stripe is one of the logs. All entries of a trace go to one, so their order is that in which its lock was taken. There
// is about one for each core: with one for all, eight threads wait 350 ns a span for its lock.
type stripe struct {
	mu     sync.Mutex // guards what follows, for an addition and an append; may be taken with the queue's lock held
	log    []*block
	unused pool[block]
	logged amount // what is in the log

	_ [56]byte // stripes do not share cache lines
}

// block is a part of a log. One slice would be copied as it grows, and be kept at its largest.
type block struct {
	entries [blockSize]entry
	used    int
}

const (
	blockSize  = 256
	maxBlocks  = 32 // kept by a stripe to be used again
	maxStripes = 16 // more do not make it faster
)

func (in *intake) init(limit amount) {
	n := 1
	for n < runtime.GOMAXPROCS(0) && n < maxStripes {
		n *= 2
	}
	in.stripes, in.limit = make([]stripe, n), limit
}

// offer accepts a snapshot if nothing has to be decided, and reports whether the dispatcher is to be woken.
func (in *intake) offer(e *entry) (accepted, wake bool) {
	s := &in.stripes[int(e.key.trace[15])&(len(in.stripes)-1)]
	s.mu.Lock()
	defer s.mu.Unlock()
	held, ok := in.grow(e.amount(), in.limit, false)
	if !ok {
		return false, false
	}
	s.logged = s.logged.plus(e.amount())
	last := len(s.log) - 1
	if last < 0 || s.log[last].used == blockSize {
		s.log = append(s.log, s.unused.get())
		last++
	}
	b := s.log[last]
	b.entries[b.used] = *e
	b.used++
	return true, in.wakes(held)
}

// take takes the log, and leaves an empty one in its place.
func (s *stripe) take(empty []*block) (log []*block) {
	s.mu.Lock()
	defer s.mu.Unlock()
	log, s.log, s.logged = s.log, empty, amount{}
	return log
}

// giveBack takes back a block that was taken.
func (s *stripe) giveBack(b *block) {
	clear(b.entries[:b.used]) // let the collector have the spans
	b.used = 0
	s.mu.Lock()
	defer s.mu.Unlock()
	s.unused.put(b, maxBlocks)
}

// forget lets go of all memory.
func (in *intake) forget() {
	for i := range in.stripes {
		s := &in.stripes[i]
		s.mu.Lock()
		s.log, s.unused = nil, pool[block]{}
		s.mu.Unlock()
	}
}
