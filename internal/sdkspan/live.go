//go:build !purego

package sdkspan

import (
	"bytes"
	"reflect"
	"slices"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
)

// Live is the first part of a span that runs, as the SDK keeps it in memory. What has an
// exported name never changes; the rest is guarded by mu, the span's own lock.
type Live struct {
	Span embedded.Span

	mu sync.Mutex

	Parent            SpanContext
	SpanKind          trace.SpanKind
	name              string
	StartTime         time.Time
	endTime           time.Time
	status            sdktrace.Status
	childSpanCount    int
	SpanContext       SpanContext
	attributes        []attribute.KeyValue
	droppedAttributes int
	logDropAttrsOnce  sync.Once
	attributesDirty   bool // there may be several with one key
	attributesShared  bool // somebody has the slice: they are copied before they are written to
	events            evictedQueue[sdktrace.Event]
	links             evictedQueue[sdktrace.Link]
}

type evictedQueue[T any] struct {
	queue          []T
	capacity       int
	droppedCount   int
	logDroppedMsg  string
	logDroppedOnce sync.Once
}

// Read returns the name and the attributes of a span that has neither events nor links nor
// a status yet. Of any other it returns false, and then the getters are to be asked, as they
// are where Read is not sure of itself. s is the span that l lies in.
//
// It does under one lock what five getters do, and leaves the span as they do. That of the
// attributes writes: it looks for keys that are there twice, with a map, notes that there
// are none any more, and that the slice is somebody's, so that the SDK copies it before it
// writes to it. Read compares the keys, if they are few, and notes the same, which saves the
// map here and at the span's end. It is the only place where what is the SDK's is written.
//
// Therefore it watches the getter first, and writes nothing before that has left a span and
// its attributes, to the byte, as Read would have. So the SDK cannot tell which of the two it
// was, unless its getter, in another version of the same layout, treats one span otherwise
// than another; that of the version in go.mod does not, which a test shows.
func (l *Live) Read(s sdktrace.ReadOnlySpan) (name string, attrs []attribute.KeyValue, ok bool) {
	l.mu.Lock()
	if ok = l.bare() && l.settle(); ok {
		name, attrs = l.name, l.attributes
	}
	l.mu.Unlock()
	if !ok {
		l.watch(s)
	}
	return name, attrs, ok
}

// bare reports whether there is nothing but attributes. It is called with mu held.
func (l *Live) bare() bool {
	return len(l.events.queue) == 0 && len(l.links.queue) == 0 && l.status == sdktrace.Status{}
}

// settle leaves the attributes as their getter does, or, if that is to be asked, as they are.
// It is called with mu held.
func (l *Live) settle() bool {
	if !l.attributesDirty && (l.attributesShared || cap(l.attributes) == 0) {
		return true // it has been asked, or there are none
	}
	if getter.Load() != known || !l.tells() {
		return false
	}
	l.attributesDirty, l.attributesShared = false, true
	return true
}

// tells reports whether there are attributes, fresh, and no two with one key. It is called
// with mu held.
func (l *Live) tells() bool {
	return l.attributesDirty && !l.attributesShared && distinct(l.attributes)
}

// maxCompared is up to how many keys are compared with each other. That takes a tenth of the
// time of a map for 5, and a seventh for 16; if all are of one length, a third, and 0.6.
const maxCompared = 16

// distinct reports whether no two attributes have one key, as far as it looks.
func distinct(attrs []attribute.KeyValue) bool {
	if len(attrs) > maxCompared {
		return false
	}
	for i := range attrs {
		for j := range i {
			if attrs[i].Key == attrs[j].Key {
				return false
			}
		}
	}
	return true
}

// getter says what came of watching the getter of attributes: known, or how often it did
// something else than settle.
var getter atomic.Int32

const (
	known = -1
	// maxWatched is how often that may be: somebody else may have changed the span meanwhile.
	maxWatched = 8
)

// watch asks s for its attributes, to see whether that does what settle does, unless this
// is known, or it has failed too often. It takes a span that tells.
func (l *Live) watch(s sdktrace.ReadOnlySpan) {
	failed := getter.Load()
	if failed == known || failed == maxWatched {
		return
	}
	size := reflect.TypeOf(s).Elem().Size()
	l.mu.Lock()
	if !l.tells() {
		l.mu.Unlock()
		return
	}
	attrs := l.attributes
	want, wantAttrs := l.image(size), imageOf(attrs)
	l.mu.Unlock()
	want[unsafe.Offsetof(l.attributesDirty)] = 0
	want[unsafe.Offsetof(l.attributesShared)] = 1

	got := s.Attributes()

	l.mu.Lock()
	left, leftAttrs := l.image(size), imageOf(attrs)
	l.mu.Unlock()
	same := len(got) > 0 && len(got) == len(attrs) && &got[0] == &attrs[0]
	if same && bytes.Equal(left, want) && bytes.Equal(leftAttrs, wantAttrs) {
		getter.Store(known)
		return
	}
	getter.CompareAndSwap(failed, failed+1)
}

// image returns a copy of the whole span, which is of the given size, but for its lock. It is
// called with mu held.
func (l *Live) image(size uintptr) []byte {
	all := unsafe.Slice((*byte)(unsafe.Pointer(l)), size) //nolint:gosec // of that size
	lock := unsafe.Offsetof(l.mu)
	behind := lock + unsafe.Sizeof(l.mu)
	return slices.Concat(all[:lock], make([]byte, behind-lock), all[behind:])
}

// imageOf returns a copy of the attributes' memory.
func imageOf(attrs []attribute.KeyValue) []byte {
	size := uintptr(len(attrs)) * unsafe.Sizeof(attribute.KeyValue{})
	return bytes.Clone(unsafe.Slice((*byte)(unsafe.Pointer(unsafe.SliceData(attrs))), size)) //nolint:gosec // of that size
}
