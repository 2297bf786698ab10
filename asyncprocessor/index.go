package asyncprocessor

import (
	"encoding/binary"
	"math/bits"
	"math/rand/v2"

	"go.opentelemetry.io/otel/trace"
)

// index finds the queue of a trace, and the latest item of a span of which anything is held or that is
// tracked: two hash tables with a list in each bucket. Most traces and spans are there for a moment
// only, and the insertions and deletions of maps took a quarter of what a span costs.
type index struct {
	traces []*traceQueue
	spans  []*item
	// Remote callers choose trace ids, and must not be able to choose those that share a bucket.
	seed [2]uint64
}

// newIndex has a bucket for each snapshot that the queue may hold, up to 1,048,576: most lists have one then.
func newIndex(maxItems int) *index {
	n := 1 << bits.Len(uint(min(max(maxItems, 2048), 1<<20)-1))
	return &index{make([]*traceQueue, n), make([]*item, n), [2]uint64{rand.Uint64(), rand.Uint64()}}
}

// hash multiplies to 128 bits, and folds them.
func (x *index) hash(a, b uint64) uint64 {
	high, low := bits.Mul64(a^x.seed[0], b^x.seed[1])
	return (high ^ low) & uint64(len(x.spans)-1)
}

// traceBucket returns the beginning of the list in which the queue of a trace is, if there is one.
func (x *index) traceBucket(id trace.TraceID) **traceQueue {
	return &x.traces[x.hash(binary.LittleEndian.Uint64(id[:8]), binary.LittleEndian.Uint64(id[8:]))]
}

// spanBucket is the same for a span.
func (x *index) spanBucket(key spanKey) **item {
	return &x.spans[x.hash(binary.LittleEndian.Uint64(key.trace[:8])^binary.LittleEndian.Uint64(key.span[:]),
		binary.LittleEndian.Uint64(key.trace[8:]))]
}

// find returns the latest item of a span, nil if there is none.
func (x *index) find(key spanKey) *item {
	for it := *x.spanBucket(key); it != nil; it = it.inBucket {
		if it.key == key {
			return it
		}
	}
	return nil
}

// set makes it the latest item of its span, in the place of another, if that is not nil.
func (x *index) set(it, before *item) {
	if before != nil {
		x.remove(before)
	}
	bucket := x.spanBucket(it.key)
	it.inBucket, *bucket = *bucket, it
}

// remove removes it, and reports false if another has taken its place.
func (x *index) remove(it *item) bool {
	for at := x.spanBucket(it.key); *at != nil; at = &(*at).inBucket {
		if *at == it {
			*at, it.inBucket = it.inBucket, nil
			return true
		}
	}
	return false
}
