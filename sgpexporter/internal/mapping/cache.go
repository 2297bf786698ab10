package mapping

import (
	"maps"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// maxCached bounds the resources, and the scopes, that are remembered. A process
// has one resource and as many scopes as it has instrumented libraries.
const maxCached = 128

// cache remembers what resources and scopes are in JSON: they are the same for
// many spans. Resources are known by their pointer, which the cache keeps alive,
// so that no other can get it.
type cache struct {
	resources remembered[*resource.Resource]
	scopes    remembered[instrumentation.Scope]
}

// encoded is JSON text and the notes of its repairs.
type encoded struct {
	value sgpspan.Value
	notes []string
	// search is what of a resource stands at the top of the metadata too.
	search sgpspan.Object
}

// remembered is a bounded map that is read without a lock. It is copied when
// something is added, and begun anew when it is full.
type remembered[K comparable] struct {
	// last is what was asked for last: spans of one library come in a row, and
	// comparing a scope costs less than hashing it.
	last    atomic.Pointer[known[K]]
	entries atomic.Pointer[map[K]*known[K]]
	mu      sync.Mutex // held to add
}

type known[K comparable] struct {
	key K
	*encoded
}

func (r *remembered[K]) get(key K, encode func(K) *encoded) *encoded {
	if k := r.last.Load(); k != nil && k.key == key {
		return k.encoded
	}
	k := r.find(key, encode)
	r.last.Store(k)
	return k.encoded
}

func (r *remembered[K]) find(key K, encode func(K) *encoded) *known[K] {
	if entries := r.entries.Load(); entries != nil {
		if k, ok := (*entries)[key]; ok {
			return k
		}
	}
	k := &known[K]{key, encode(key)}
	r.mu.Lock()
	defer r.mu.Unlock()
	grown := map[K]*known[K]{key: k}
	if old := r.entries.Load(); old != nil && len(*old) < maxCached {
		maps.Copy(grown, *old)
	}
	r.entries.Store(&grown)
	return k
}
