package asyncprocessor

import (
	"math"
	"math/bits"
	"math/rand/v2"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// entry is a snapshot on its way through the queue: half a cache line, so that
// what moves is small and what is large stays where it was made.
type entry struct {
	span   sdktrace.ReadOnlySpan
	spanID trace.SpanID
	bytes  uint32
	shard  uint16
	phase  Phase
}

// shardSeed is a seeded hash's secret: remote callers choose trace ids, and must
// not be able to choose those that share a shard.
type shardSeed struct{ a, b uint64 }

func newShardSeed() shardSeed { return shardSeed{rand.Uint64(), rand.Uint64()} }

// shardOf returns the shard of a trace: the upper half of a folded 64×64
// multiplication, as wyhash does it.
func (s shardSeed) shardOf(id trace.TraceID) uint16 {
	lo := leUint64(id[:8]) ^ s.a
	hi := leUint64(id[8:]) ^ s.b
	h, l := bits.Mul64(lo, hi)
	return uint16((h ^ l) % numShards)
}

func leUint64(b []byte) uint64 {
	_ = b[7]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// clampBytes fits an estimate into an entry. No real span comes near 4 GiB.
func clampBytes(n int) uint32 { return uint32(min(uint64(n), math.MaxUint32)) }
