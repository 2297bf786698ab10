package asyncprocessor

import (
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/internal/sdkspan"
)

// entry is a snapshot on its way through the queue: half a cache line, so that
// what moves is small and what is large stays where it was made. It has few enough
// words and fields that the compiler passes it in registers.
type entry struct {
	span sdktrace.ReadOnlySpan
	// key and check are the same for the START and the END of a span, so that
	// the two find each other without a look at the span itself, which is rarely in
	// the cache any more.
	key uint64
	tag
}

type tag struct {
	bytes uint32 // the estimate of its memory
	shard uint16
	check uint8
	phase Phase
}

// newEntry makes the entry of a snapshot of the estimated size, without its trace state. Spans of one trace have different keys
// when their ids differ. Spans of two traces have the same key and check with a
// chance of one in 2^72, however their ids were chosen.
func newEntry(phase Phase, span sdktrace.ReadOnlySpan, sc *sdkspan.SpanContext, seed shardSeed, size int) entry {
	hash, check := seed.hash(&sc.TraceID)
	size += traceStateSize(&sc.TraceState)
	return entry{
		span: span,
		key:  binary.LittleEndian.Uint64(sc.SpanID[:]) ^ hash,
		tag: tag{
			// No real span comes near 4 GiB.
			bytes: uint32(min(uint64(size), math.MaxUint32)),
			check: check,
			shard: uint16(hash % numShards),
			phase: phase,
		},
	}
}

// shardSeed is a seeded hash's secret: remote callers choose trace ids, and must
// not be able to choose those that share a shard, or a key.
type shardSeed struct{ a, b uint64 }

func newShardSeed() shardSeed { return shardSeed{rand.Uint64(), rand.Uint64()} }

// hash returns 72 bits that tell traces apart: a 64×64 multiplication, folded as
// wyhash does it, and some bits of its upper half.
func (s shardSeed) hash(id *trace.TraceID) (uint64, uint8) {
	h, l := bits.Mul64(binary.LittleEndian.Uint64(id[:8])^s.a, binary.LittleEndian.Uint64(id[8:])^s.b)
	return h ^ l, uint8(h >> 24)
}
