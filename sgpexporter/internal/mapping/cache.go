package mapping

import (
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
}

// remembered is a bounded map that is read without a lock. It is copied when
// something is added, and begun anew when it is full.
type remembered[K comparable] struct {
	entries atomic.Pointer[map[K]*encoded]
	mu      sync.Mutex // held to add
}

func (r *remembered[K]) get(key K, encode func(K) *encoded) *encoded {
	if entries := r.entries.Load(); entries != nil {
		if e, ok := (*entries)[key]; ok {
			return e
		}
	}
	e := encode(key)
	r.mu.Lock()
	defer r.mu.Unlock()
	grown := map[K]*encoded{key: e}
	if old := r.entries.Load(); old != nil && len(*old) < maxCached {
		for k, v := range *old {
			grown[k] = v
		}
	}
	r.entries.Store(&grown)
	return e
}
