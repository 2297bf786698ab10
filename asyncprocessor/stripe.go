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
	start startSpan             // of a START
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
	mu    sync.Mutex // guards log and spare
	log   []entry
	spare []entry // an empty log, to be used next

	_ [128 - 56]byte // stripes do not share cache lines
}

const (
	maxStripes = 16      // more do not make it faster
	maxSpare   = 1 << 14 // the capacity of a log that is kept for later
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
		s.log = append(s.log, *e)
	}
	s.mu.Unlock()
	switch {
	case wake:
		q.signal()
	case !added:
		q.ask(e)
	}
}

// take returns the log, and leaves an empty one. The caller gives the log back.
func (s *stripe) take() []entry {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.log) == 0 {
		return nil
	}
	log := s.log
	s.log, s.spare = s.spare, nil
	return log
}

// giveBack makes a log that was taken the spare one.
func (s *stripe) giveBack(log []entry) {
	clear(log) // let the collector have the spans
	if cap(log) <= maxSpare {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.spare = log[:0]
	}
}
