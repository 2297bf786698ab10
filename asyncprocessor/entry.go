package asyncprocessor

import (
	"encoding/binary"
	"math"
	"math/bits"
	"math/rand/v2"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// entry is a snapshot on its way through the queue: half a cache line, so that
// what moves is small and what is large stays where it was made. It has few enough
// words and fields that the compiler passes it in registers.
type entry struct {
	span   sdktrace.ReadOnlySpan
	spanID uint64
	tag
}

type tag struct {
	bytes uint32 // the estimate of its memory
	shard uint8
	phase Phase
}

func newEntry(phase Phase, span sdktrace.ReadOnlySpan, sc *trace.SpanContext, seed shardSeed, size int) entry {
	traceID, spanID := sc.TraceID(), sc.SpanID()
	return entry{
		span:   span,
		spanID: binary.LittleEndian.Uint64(spanID[:]),
		tag: tag{
			// No real span comes near 4 GiB.
			bytes: uint32(min(uint64(size), math.MaxUint32)),
			shard: seed.shardOf(traceID),
			phase: phase,
		},
	}
}

// shardSeed is a seeded hash's secret: remote callers choose trace ids, and must
// not be able to choose those that share a shard.
type shardSeed struct{ a, b uint64 }

func newShardSeed() shardSeed { return shardSeed{rand.Uint64(), rand.Uint64()} }

// shardOf returns the shard of a trace: the upper half of a folded 64×64
// multiplication, as wyhash does it.
func (s shardSeed) shardOf(id trace.TraceID) uint8 {
	h, l := bits.Mul64(binary.LittleEndian.Uint64(id[:8])^s.a, binary.LittleEndian.Uint64(id[8:])^s.b)
	return uint8(h ^ l)
}
