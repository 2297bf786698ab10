package mapping

import (
	"strings"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// scratch is what mapping one span takes, kept from span to span so that mapping
// allocates nothing. The mapped span and all that hangs on it live in it, until
// release.
type scratch struct {
	span sgpspan.Span
	ids  [192]byte

	attrs  []attribute.KeyValue
	events []sdktrace.Event
	found  [numRoles]ref
	// taken marks the attributes that have become something else than
	// metadata: the span's own first, then those of each event.
	taken    []bool
	flat     []flatAttr // attributes that are parts of flattened lists
	messages []messageEvent

	operation, kind string         // what was done, see spanType
	usageFields     sgpspan.Object // usage that goes into the metadata
	errorFields     sgpspan.Object // what the metadata says of an error

	fields  arena[sgpspan.Field]
	objects arena[sgpspan.Object]
	values  arena[sgpspan.Value]
	arrays  arena[sgpspan.Array]
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// release empties sc, so that the pool holds no payload, and returns it.
func (sc *scratch) release() {
	sc.fields.reset()
	sc.objects.reset()
	sc.values.reset()
	sc.arrays.reset()
	clear(sc.flat)
	clear(sc.messages)
	*sc = scratch{
		taken: sc.taken[:0], flat: sc.flat[:0], messages: sc.messages[:0],
		fields: sc.fields, objects: sc.objects, values: sc.values, arrays: sc.arrays,
	}
	scratches.Put(sc)
}

func (sc *scratch) note(what string) { sc.span.Notes = append(sc.span.Notes, what) }

// newObject returns an empty object with room for n fields.
func (sc *scratch) newObject(n int) sgpspan.Object { return sc.fields.take(n) }

// object returns o as a value.
func (sc *scratch) object(o sgpspan.Object) sgpspan.Value {
	p := sc.objects.take(1)[:1]
	p[0] = o
	return sgpspan.ObjectValue(&p[0])
}

// newArray returns an empty array with room for n values.
func (sc *scratch) newArray(n int) sgpspan.Array { return sc.values.take(n) }

// array returns a as a value.
func (sc *scratch) array(a sgpspan.Array) sgpspan.Value {
	p := sc.arrays.take(1)[:1]
	p[0] = a
	return sgpspan.ArrayValue(&p[0])
}

// arena hands out parts of one slice. When that is too short, a longer one takes
// its place, and the old one lives as long as its parts are used.
type arena[T any] struct{ chunk []T }

const (
	minArena  = 64
	maxPooled = 4096 // elements that are kept for the next span
)

// take returns a slice of length 0 and capacity n.
func (a *arena[T]) take(n int) []T {
	used := len(a.chunk)
	if cap(a.chunk)-used < n {
		a.chunk = make([]T, 0, max(2*cap(a.chunk), n, minArena))
		used = 0
	}
	a.chunk = a.chunk[:used+n]
	return a.chunk[used : used : used+n]
}

func (a *arena[T]) reset() {
	if cap(a.chunk) > maxPooled {
		a.chunk = nil
		return
	}
	clear(a.chunk)
	a.chunk = a.chunk[:0]
}

func clone(s string) string { return strings.Clone(s) }
