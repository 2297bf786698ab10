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
	// found says where the attribute with each role stands: its place among the
	// marks, plus one, and 0 for none.
	found [numRoles]uint32
	// taken marks the attributes that have become something else than
	// metadata: the span's own first, then those of each event.
	taken    []bool
	anyTaken bool
	// hasPayload says that found holds something of input, output or usage.
	hasPayload bool
	flat       []flatAttr // attributes that are parts of flattened lists
	messages   []messageEvent

	operation, kind string         // what was done, see spanType
	rollUp          sgpspan.Object // usage that goes into the metadata
	errorFields     sgpspan.Object // what the metadata says of an error

	fields  arena[sgpspan.Field]
	objects arena[sgpspan.Object]
	values  arena[sgpspan.Value]
	arrays  arena[sgpspan.Array]
}

var scratches = sync.Pool{New: func() any { return new(scratch) }}

// reset makes sc ready for the next span. What the last one left in the lists is
// overwritten by and by, and cleared by release: clearing it for every span costs
// much while the garbage collector runs.
func (sc *scratch) reset() {
	sc.span = sgpspan.Span{}
	sc.attrs, sc.events = nil, nil
	clear(sc.found[:])
	sc.taken, sc.anyTaken = sc.taken[:0], false
	sc.hasPayload = false
	sc.flat, sc.messages = sc.flat[:0], sc.messages[:0]
	sc.operation, sc.kind = "", ""
	sc.rollUp, sc.errorFields = nil, nil
	sc.fields.reset()
	sc.objects.reset()
	sc.values.reset()
	sc.arrays.reset()
}

// release empties sc, so that the pool holds no payload, and returns it.
func (sc *scratch) release() {
	sc.reset()
	clear(sc.flat[:cap(sc.flat)])
	clear(sc.messages[:cap(sc.messages)])
	sc.fields.release()
	sc.objects.release()
	sc.values.release()
	sc.arrays.release()
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
type arena[T any] struct {
	chunk []T
	most  int // how much of it was ever used
}

const (
	minArena  = 64
	maxPooled = 4096 // elements that are kept for the next span
)

// take returns a slice of length 0 and capacity n.
func (a *arena[T]) take(n int) []T {
	used := len(a.chunk)
	if cap(a.chunk)-used < n {
		a.chunk, a.most = make([]T, 0, max(2*cap(a.chunk), n, minArena)), 0
		used = 0
	}
	a.chunk = a.chunk[:used+n]
	return a.chunk[used : used : used+n]
}

// reset takes back all that was handed out.
func (a *arena[T]) reset() {
	a.most = max(a.most, len(a.chunk))
	a.chunk = a.chunk[:0]
}

// release clears what was used.
func (a *arena[T]) release() {
	if cap(a.chunk) > maxPooled {
		*a = arena[T]{}
		return
	}
	clear(a.chunk[:a.most])
	a.most = 0
}

func clone(s string) string { return strings.Clone(s) }
