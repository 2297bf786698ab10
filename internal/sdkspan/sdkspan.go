// Package sdkspan reads what the OpenTelemetry SDK and API hand out where it lies.
//
// Their getters copy: one of an ended span's all of it, 400 bytes, one of an attribute's
// value 48; those of a live span take its lock, each once. In a span processor that is most
// of what a span costs. So this package knows the layout of these types, and compares it with
// theirs, field by field, name, type and offset, before it relies on it. Where they differ, as
// they may in another version, every Peek function returns nil, and the getters are left: that
// is slower, and nothing else.
package sdkspan

import (
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unsafe"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/embedded"
)

// Ended is a span that has ended, as the SDK keeps it: immutable, but for the attributes
// of links.
type Ended struct {
	Name                  string
	SpanContext           SpanContext
	Parent                SpanContext
	SpanKind              trace.SpanKind
	StartTime             time.Time
	EndTime               time.Time
	Attributes            []attribute.KeyValue
	Events                []sdktrace.Event
	Links                 []sdktrace.Link
	Status                sdktrace.Status
	ChildSpanCount        int
	DroppedAttributeCount int
	DroppedEventCount     int
	DroppedLinkCount      int
	Resource              *resource.Resource
	InstrumentationScope  instrumentation.Scope
}

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
	attributesDirty   bool
	attributesShared  bool
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

// Name returns the span's name, and whether it has neither events nor links nor a status:
// what four getters say, under one lock.
func (l *Live) Name() (name string, bare bool) {
	l.mu.Lock()
	name = l.name
	bare = len(l.events.queue) == 0 && len(l.links.queue) == 0 && l.status == sdktrace.Status{}
	l.mu.Unlock()
	return name, bare
}

// SpanContext is a trace.SpanContext.
type SpanContext struct {
	TraceID    trace.TraceID
	SpanID     trace.SpanID
	TraceFlags trace.TraceFlags
	TraceState TraceState
	Remote     bool
}

// TraceState is a trace.TraceState.
type TraceState struct{ List []Member }

// String returns the state as the W3C recommendation Trace Context has it.
func (ts TraceState) String() string {
	var b strings.Builder
	for i, m := range ts.List {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(m.Key)
		b.WriteByte('=')
		b.WriteString(m.Value)
	}
	return b.String()
}

// Member is one of a trace state.
type Member struct{ Key, Value string }

// KeyValue is an attribute.KeyValue.
type KeyValue struct {
	Key   attribute.Key
	Value Value
}

// Value is an attribute.Value. A STRING, and a BYTESLICE, is Stringly.
type Value struct {
	VType    attribute.Type
	Numeric  uint64
	Stringly string
	Slice    any
}

var (
	knowsAttributes = sameLayout(reflect.TypeFor[attribute.KeyValue](), reflect.TypeFor[KeyValue]())

	// What the SDK hands to OnEnd and to OnStart. It exports no name of either.
	endedTypes = types{same: func(t reflect.Type) bool { return sameLayout(t, reflect.TypeFor[Ended]()) }}
	liveTypes  = types{same: func(t reflect.Type) bool { return beginsAs(t, reflect.TypeFor[Live]()) }}
)

// types tells whether what spans point to is of a layout that is known.
type types struct {
	same func(reflect.Type) bool
	// known is the first word of an interface with one that is, and other that of one with
	// something else, the last that came.
	known, other atomic.Uintptr
}

// know reports whether s points to such a type.
func (ts *types) know(s sdktrace.ReadOnlySpan, typ uintptr) bool {
	return typ == ts.known.Load() || ts.learn(s, typ)
}

// learn is for the first of a type.
func (ts *types) learn(s sdktrace.ReadOnlySpan, typ uintptr) bool {
	if s == nil || typ == ts.other.Load() {
		return false
	}
	if t := reflect.TypeOf(s); t.Kind() == reflect.Pointer && ts.same(t.Elem()) {
		ts.known.Store(typ)
		return true
	}
	ts.other.Store(typ)
	return false
}

// sameLayout reports whether what lies at a pointer to a can be read by one to b.
func sameLayout(a, b reflect.Type) bool {
	if a == b {
		return true
	}
	if a.Kind() != b.Kind() || a.Size() != b.Size() {
		return false
	}
	switch a.Kind() {
	case reflect.Slice:
		return sameLayout(a.Elem(), b.Elem())
	case reflect.Struct:
		return beginsAs(a, b) && a.NumField() == b.NumField()
	default:
		return false
	}
}

// beginsAs reports whether the fields of struct a begin with those of struct b.
func beginsAs(a, b reflect.Type) bool {
	if a.Kind() != reflect.Struct || b.Kind() != reflect.Struct || a.NumField() < b.NumField() {
		return false
	}
	for i := range b.NumField() {
		f, g := a.Field(i), b.Field(i)
		if !strings.EqualFold(f.Name, g.Name) || f.Offset != g.Offset || !sameLayout(f.Type, g.Type) {
			return false
		}
	}
	return true
}

// words is an interface in memory.
type words struct {
	typ  uintptr
	data unsafe.Pointer
}

// PeekEnded returns s, if that is the SDK's own snapshot of a span that has ended, and its
// layout is known, and else nil. It must not be written to.
func PeekEnded(s sdktrace.ReadOnlySpan) *Ended {
	w := (*words)(unsafe.Pointer(&s)) //nolint:gosec // any interface with methods is two such words
	if endedTypes.know(s, w.typ) {
		return (*Ended)(w.data)
	}
	return nil
}

// PeekLive returns s, if that is the SDK's own span, and its layout is known, and else nil.
func PeekLive(s sdktrace.ReadOnlySpan) *Live {
	w := (*words)(unsafe.Pointer(&s)) //nolint:gosec // as above
	if liveTypes.know(s, w.typ) {
		return (*Live)(w.data)
	}
	return nil
}

// PeekAttributes returns attrs, if their layout is known, and else nil.
func PeekAttributes(attrs []attribute.KeyValue) []KeyValue {
	if !knowsAttributes {
		return nil
	}
	return unsafe.Slice((*KeyValue)(unsafe.Pointer(unsafe.SliceData(attrs))), len(attrs)) //nolint:gosec // of the same layout
}

// CopyIdentity asks s for its ids and its parent's.
func (e *Ended) CopyIdentity(s sdktrace.ReadOnlySpan) {
	e.SpanContext, e.Parent = CopyContext(s.SpanContext()), CopyContext(s.Parent())
}

// CopyState asks s for everything else.
func (e *Ended) CopyState(s sdktrace.ReadOnlySpan) {
	*e = Ended{
		SpanContext: e.SpanContext,
		Parent:      e.Parent,

		Name:                  s.Name(),
		SpanKind:              s.SpanKind(),
		StartTime:             s.StartTime(),
		EndTime:               s.EndTime(),
		Attributes:            s.Attributes(),
		Events:                s.Events(),
		Links:                 s.Links(),
		Status:                s.Status(),
		ChildSpanCount:        s.ChildSpanCount(),
		DroppedAttributeCount: s.DroppedAttributes(),
		DroppedEventCount:     s.DroppedEvents(),
		DroppedLinkCount:      s.DroppedLinks(),
		Resource:              s.Resource(),
		InstrumentationScope:  s.InstrumentationScope(),
	}
}

// CopyContext asks every getter of sc.
func CopyContext(sc trace.SpanContext) SpanContext {
	c := SpanContext{TraceID: sc.TraceID(), SpanID: sc.SpanID(), TraceFlags: sc.TraceFlags(), Remote: sc.IsRemote()}
	sc.TraceState().Walk(func(key, value string) bool {
		c.TraceState.List = append(c.TraceState.List, Member{key, value})
		return true
	})
	return c
}
