package asyncprocessor

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/internal/sdkspan"
)

// startSpan is a span as it was at OnStart. It is one cache line.
//
// What can change later is copied: the name, the attributes (a slice that the
// SDK copies before it writes to it, from 1.46 on), and, where there are any
// that early, events, links and status. What never changes is read from the live
// span when the exporter asks: each read takes the span's lock, which on the hot
// path would cost more than the queue does.
//
// The embedded span is there for its private method and for what never changes;
// every other method is overridden. It keeps in memory what the application adds to
// the live span later, which is counted with the END: detach ends that.
type startSpan struct {
	sdktrace.ReadOnlySpan // the live span

	name  string
	attrs []attribute.KeyValue
	more  *startMore // nil for most spans
}

// startMore is what few spans have when they start.
type startMore struct {
	events []sdktrace.Event
	links  []sdktrace.Link
	status sdktrace.Status
}

// slabSize is the number of records in one allocation: with the count beside them,
// 1 KiB. A record that an exporter keeps keeps those beside it.
const slabSize = 15

// slab is where the records of STARTs are made, many in one allocation: exporters may
// keep them, so they cannot be used again.
type slab struct {
	records [slabSize]startSpan
	used    int
}

// fix makes s the snapshot of a span that starts, which is live, if that is not nil.
func (s *startSpan) fix(span sdktrace.ReadOnlySpan, live *sdkspan.Live) {
	s.ReadOnlySpan = span
	if live != nil {
		var ok bool
		if s.name, s.attrs, ok = live.Read(span); ok {
			return
		}
	}
	s.name, s.attrs = span.Name(), span.Attributes()
	events, links, status := span.Events(), span.Links(), span.Status()
	if len(events) > 0 || len(links) > 0 || status != (sdktrace.Status{}) {
		s.more = &startMore{
			events: ownEvents(events),
			links:  ownLinks(links),
			status: status,
		}
	}
}

// detach makes the snapshot independent of the live span. It must not be called once
// an exporter may read the snapshot.
func (s *startSpan) detach() {
	if _, done := s.ReadOnlySpan.(*constants); done {
		return
	}
	live := s.ReadOnlySpan
	s.ReadOnlySpan = &constants{
		spanContext: live.SpanContext(),
		parent:      live.Parent(),
		kind:        live.SpanKind(),
		startTime:   live.StartTime(),
		scope:       live.InstrumentationScope(),
		resource:    live.Resource(),
	}
}

// constants is what never changes of a span. The methods of what does are those of
// startSpan.
type constants struct {
	sdktrace.ReadOnlySpan // nil, for its private method

	spanContext, parent trace.SpanContext
	kind                trace.SpanKind
	startTime           time.Time
	scope               instrumentation.Scope
	resource            *resource.Resource
}

func (c *constants) SpanContext() trace.SpanContext { return c.spanContext }

func (c *constants) Parent() trace.SpanContext { return c.parent }

func (c *constants) SpanKind() trace.SpanKind { return c.kind }

func (c *constants) StartTime() time.Time { return c.startTime }

func (c *constants) InstrumentationScope() instrumentation.Scope { return c.scope }

func (c *constants) Resource() *resource.Resource { return c.resource }

// release lets go of what a START kept that nobody will read, since it was refused or
// left out: its record shares an allocation with others.
func release(start sdktrace.ReadOnlySpan) {
	if s, ok := start.(*startSpan); ok {
		*s = startSpan{}
	}
}

func (s *startSpan) Name() string { return s.name }

func (s *startSpan) SpanContext() trace.SpanContext { return s.ReadOnlySpan.SpanContext() }

func (s *startSpan) Parent() trace.SpanContext { return s.ReadOnlySpan.Parent() }

func (s *startSpan) SpanKind() trace.SpanKind { return s.ReadOnlySpan.SpanKind() }

func (s *startSpan) StartTime() time.Time { return s.ReadOnlySpan.StartTime() }

func (s *startSpan) EndTime() time.Time { return time.Time{} }

func (s *startSpan) Attributes() []attribute.KeyValue { return s.attrs }

func (s *startSpan) Events() []sdktrace.Event {
	if s.more == nil {
		return nil
	}
	return s.more.events
}

func (s *startSpan) Links() []sdktrace.Link {
	if s.more == nil {
		return nil
	}
	return s.more.links
}

func (s *startSpan) Status() sdktrace.Status {
	if s.more == nil {
		return sdktrace.Status{}
	}
	return s.more.status
}

func (s *startSpan) InstrumentationScope() instrumentation.Scope {
	return s.ReadOnlySpan.InstrumentationScope()
}

func (s *startSpan) InstrumentationLibrary() instrumentation.Library { //nolint:staticcheck // part of the interface
	return s.ReadOnlySpan.InstrumentationScope()
}

func (s *startSpan) Resource() *resource.Resource { return s.ReadOnlySpan.Resource() }

func (s *startSpan) DroppedAttributes() int { return 0 }

func (s *startSpan) DroppedEvents() int { return 0 }

func (s *startSpan) DroppedLinks() int { return 0 }

func (s *startSpan) ChildSpanCount() int { return 0 }

// endSpan is the SDK's snapshot of an ended span with links that are its own.
// The SDK's keep the slice of attributes that the application passed in.
type endSpan struct {
	sdktrace.ReadOnlySpan

	links []sdktrace.Link
}

func (s *endSpan) Links() []sdktrace.Link { return s.links }

// ownLinks gives every link attributes of its own. links must not be shared.
func ownLinks(links []sdktrace.Link) []sdktrace.Link {
	for i := range links {
		links[i].Attributes = slices.Clone(links[i].Attributes)
	}
	return links
}

// ownEvents does the same for events: the SDK copies their attributes today,
// but its documentation does not promise it.
func ownEvents(events []sdktrace.Event) []sdktrace.Event {
	for i := range events {
		events[i].Attributes = slices.Clone(events[i].Attributes)
	}
	return events
}
