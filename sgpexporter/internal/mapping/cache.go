package mapping

import (
	"maps"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// maxCached bounds the resources, and the frames, that are remembered. A process
// has one resource, and a frame or two of each instrumented library.
const maxCached = 256

// cache remembers what is the same for many spans. Resources are known by their
// pointer, which the cache keeps alive, so that no other can get it.
type cache struct {
	resources remembered[*resource.Resource, *encodedResource]
	frames    remembered[frameKey, *frame]
}

// frameKey is what the spans of one library have in common.
type frameKey struct {
	resource *resource.Resource // nil for none
	scope    instrumentation.Scope
	kind     trace.SpanKind
}

// frame is what is in the metadata of all spans with a frameKey.
type frame struct {
	// For spans that a hook sees: the fields, and the notes of their repairs, but for those
	// that the encoder makes again.
	fields sgpspan.Object
	notes  []string
	// For all others.
	encoded      sgpspan.Members
	encodedNotes []string
}

// encodedResource is a resource as JSON text.
type encodedResource struct {
	value  sgpspan.Value
	notes  []string
	search sgpspan.Object // what stands at the top of the metadata too
}

// remembered is a bounded map that is read without a lock. It is copied when
// something is added, and begun anew when it is full.
type remembered[K comparable, V any] struct {
	// last is what was asked for last: spans of one library come in a row, and
	// comparing a scope costs less than hashing it.
	last    atomic.Pointer[known[K, V]]
	entries atomic.Pointer[map[K]*known[K, V]]
	mu      sync.Mutex // held to add
}

type known[K comparable, V any] struct {
	key   K
	value V
}

func (r *remembered[K, V]) get(key *K) (value V, ok bool) {
	k := r.last.Load()
	if k == nil || k.key != *key {
		entries := r.entries.Load()
		if entries == nil {
			return value, false
		}
		if k = (*entries)[*key]; k == nil {
			return value, false
		}
		r.last.Store(k)
	}
	return k.value, true
}

func (r *remembered[K, V]) add(key K, value V) V {
	r.mu.Lock()
	defer r.mu.Unlock()
	grown := map[K]*known[K, V]{key: {key, value}}
	if old := r.entries.Load(); old != nil && len(*old) < maxCached {
		maps.Copy(grown, *old)
	}
	r.entries.Store(&grown)
	return value
}
