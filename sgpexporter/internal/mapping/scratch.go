package mapping

import (
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
	// made holds the times and the ids of links that are made for the span. A hook may
	// keep strings, so what it sees is copied out.
	made  []byte
	hooks bool

	attrs  []attribute.KeyValue
	events []sdktrace.Event     // and log records
	joined []sdktrace.Event     // the memory of events, where there are log records
	kept   []attribute.KeyValue // the memory of left, where some of attrs are not
	left   []attribute.KeyValue // those of attrs that the metadata has
	// found is the attribute with each role, and foundBy its key.
	found   [numSingle]place
	foundBy [numSingle]keyID
	counts  [len(usageKeys)]float64 // of the attributes found that are counts
	counted bool                    // there is one of these
	// marks are those of the span's attributes first, then of each event's.
	marks     []mark
	anyMarked bool

	payloads    []payload
	repeated    place      // of a payload that was left out of the output, and may hold usage
	flat        []flatAttr // attributes that are parts of flattened lists
	messages    []messageEvent
	evaluations []messageEvent
	lifts       []lift

	markType   sgpspan.Type // what the keys alone tell of the type
	markTypeBy keyID
	operation  string         // what was done, see spanType
	aggregate  sgpspan.Object // usage that goes into the metadata
	errors     sgpspan.Object // what the metadata says of an error

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
	sc.made = sc.made[:0]
	sc.attrs, sc.left, sc.events = nil, nil, nil
	clear(sc.found[:])
	sc.counted = false
	sc.marks, sc.anyMarked = sc.marks[:0], false
	sc.payloads, sc.flat, sc.lifts = sc.payloads[:0], sc.flat[:0], sc.lifts[:0]
	sc.messages, sc.evaluations = sc.messages[:0], sc.evaluations[:0]
	sc.repeated = 0
	sc.markType, sc.operation = "", ""
	sc.aggregate, sc.errors = nil, nil
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
	clear(sc.evaluations[:cap(sc.evaluations)])
	clear(sc.joined[:cap(sc.joined)])
	clear(sc.kept[:cap(sc.kept)])
	clear(sc.lifts[:cap(sc.lifts)])
	if cap(sc.made) > maxPooledMade {
		sc.made = nil
	}
	sc.fields.release()
	sc.objects.release()
	sc.values.release()
	sc.arrays.release()
	scratches.Put(sc)
}

func (sc *scratch) note(what string) { sc.span.Notes = append(sc.span.Notes, what) }

// madeText returns what was appended to sc.made from start on.
func (sc *scratch) madeText(start int) string { return string(sc.made[start:]) }

// fieldsOf returns a new object with the fields of the object that v is, nil when it
// is none, and room for a few more.
func (sc *scratch) fieldsOf(v *sgpspan.Value) sgpspan.Object {
	o, ok := v.AppendFields(sc.fields.open(16))
	if !ok {
		return nil
	}
	return sc.fields.close(o, 2)
}

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

	maxPooledMade = 256 << 10 // bytes
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

// open returns an empty slice with all the room that is left, n at least. Nothing may
// be taken until close.
func (a *arena[T]) open(n int) []T {
	a.take(n) // makes the room
	used := len(a.chunk) - n
	a.chunk = a.chunk[:used]
	return a.chunk[used:used:cap(a.chunk)]
}

// close hands out s, which open has returned and which has grown, with room for so
// many more.
func (a *arena[T]) close(s []T, more int) []T {
	used := len(a.chunk)
	if cap(s) != cap(a.chunk)-used {
		a.chunk = a.chunk[:cap(a.chunk)] // s has outgrown it, and left copies
		return s
	}
	n := min(len(s)+more, cap(s))
	a.chunk = a.chunk[:used+n]
	return s[:len(s):n]
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
