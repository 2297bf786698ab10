package asyncprocessor

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// traceTable finds the queue of a trace: a hash table with a list in each bucket. Most traces are there
// for a moment only, and a map's insertion and deletion took a quarter of what a span costs.
type traceTable struct {
	buckets [numBuckets]*traceQueue
	// Remote callers choose trace ids, and must not be able to choose those that share a bucket.
	seed [2]uint64
}

const numBuckets = 32768

func newTraceTable() traceTable { return traceTable{seed: [2]uint64{rand.Uint64(), rand.Uint64()}} }

// bucket returns the beginning of the list in which the queue of a trace is, if there is one.
func (t *traceTable) bucket(id trace.TraceID) **traceQueue {
	// A multiplication to 128 bits, folded.
	high, low := bits.Mul64(binary.LittleEndian.Uint64(id[:8])^t.seed[0], binary.LittleEndian.Uint64(id[8:])^t.seed[1])
	return &t.buckets[(high^low)%numBuckets]
}
