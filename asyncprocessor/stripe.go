package asyncprocessor

import (
	"runtime"
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

// stripe is one of the logs into which the application's goroutines write. All entries
// of a trace go to one stripe, so their order is that in which its lock was taken. There
// is about one for each core, so that cores rarely wait for each other.
type stripe struct {
	mu          sync.Mutex // guards what follows
	first, last *block     // the log
	spare       *block     // a list of empty ones
	spares      int

	_ [128 - 40]byte // stripes do not share cache lines
}

// block is a part of a log. A slice would be copied as it grows, and be kept at its largest.
type block struct {
	entries [blockSize]entry
	used    int
	next    *block
}

const (
	blockSize  = 256
	maxSpares  = 32 // kept by a stripe
	maxStripes = 16 // more do not make it faster
)

// newStripes returns a power of two of them.
func newStripes() []stripe {
	n := 1
	for n < runtime.GOMAXPROCS(0) && n < maxStripes {
		n *= 2
	}
	return make([]stripe, n)
}

// offer accepts a snapshot or drops it under a reason. It waits only when the queue is
// blocking.
func (q *queue) offer(e *entry) {
	s := &q.stripes[int(e.key.trace[15])&(len(q.stripes)-1)]
	s.mu.Lock()
	added, wake := q.bounds.tryAdd(e.bytes)
	if added {
		s.append(e)
	}
	s.mu.Unlock()
	switch {
	case wake:
		q.signal()
	case !added:
		q.ask(e)
	}
}

func (s *stripe) append(e *entry) {
	if s.last == nil || s.last.used == blockSize {
		b := s.spare
		if b == nil {
			b = new(block)
		} else {
			s.spare, b.next = b.next, nil
			s.spares--
		}
		if s.last == nil {
			s.first = b
		} else {
			s.last.next = b
		}
		s.last = b
	}
	s.last.entries[s.last.used] = *e
	s.last.used++
}

// take returns the log, and leaves an empty one. The caller gives each block back.
func (s *stripe) take() *block {
	s.mu.Lock()
	defer s.mu.Unlock()
	log := s.first
	s.first, s.last = nil, nil
	return log
}

// giveBack takes a block back, and returns the one after it.
func (s *stripe) giveBack(b *block) (next *block) {
	clear(b.entries[:b.used]) // let the collector have the spans
	s.mu.Lock()
	defer s.mu.Unlock()
	next, b.used = b.next, 0
	if s.spares < maxSpares {
		b.next, s.spare = s.spare, b
		s.spares++
	}
	return next
}

func (s *stripe) forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.spare = nil
}
