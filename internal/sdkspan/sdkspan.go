// Package sdkspan reads what the OpenTelemetry SDK and API hand out where it lies.
//
// Their getters copy: one of an ended span's all of it, 400 bytes, one of an attribute's
// value 48; those of a live span take its lock, each once, and one of them makes a map. In a
// span processor that is most of what a span costs. So this package knows the layout of these
// types, and compares it with theirs, field by field, name, type and offset, before it relies
// on it. Where they differ, as they may in another version, every Peek function returns nil, and
// the getters are left: that is slower, and nothing else. With the build tag purego it is always so.
package sdkspan

import (
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
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
