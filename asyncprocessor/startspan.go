package asyncprocessor

import (
	"context"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// startSpan is a span as it was in OnStart.
//
// What can change later is read there, by the SDK's getters: the name, the attributes (a
// slice that the SDK copies before it writes to it), and, where there are any that early,
// events, links and status. What never changes is read before an exporter sees it (see
// readStarts), or when the live span is let go: most spans end before that.
type startSpan struct {
	*constants // nil until then

	name  string
	attrs []attribute.KeyValue
	more  *startMore // nil for most spans
}

// startMore is what few spans have when they start.
type startMore struct {
	events []sdktrace.Event
	links  []sdktrace.Link
	status sdktrace.Status
	parent *trace.SpanContext // in place of the live span's, if the filter left that out
}

// constants is what never changes of a span. START and updates share it.
type constants struct {
	sdktrace.ReadOnlySpan // answers methods that this package does not know

	spanContext, parent trace.SpanContext
	kind                trace.SpanKind
	startTime           time.Time
	scope               instrumentation.Scope
	resource            *resource.Resource
}

// unknownMethods returns a span of the SDK that answers a method which a later SDK adds to
// the interface, as an empty span does.
var unknownMethods = sync.OnceValue(func() sdktrace.ReadOnlySpan {
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysSample()), sdktrace.WithResource(resource.Empty()))
	_, span := provider.Tracer("").Start(context.Background(), "")
	return span.(sdktrace.ReadOnlySpan) // a test holds that
})

// read reads what can change of a live span, and returns the estimate of the START's
// memory without the trace state.
func (s *startSpan) read(live sdktrace.ReadOnlySpan) int {
	s.name, s.attrs = live.Name(), live.Attributes()
	size := startBytes + len(s.name) + attrsSize(s.attrs)
	events, links, status := live.Events(), live.Links(), live.Status()
	if len(events) > 0 || len(links) > 0 || status != (sdktrace.Status{}) {
		s.more = &startMore{events: ownEvents(events), links: ownLinks(links), status: status}
		size += eventsSize(events) + linksSize(links) + len(status.Description)
	}
	return size
}

// adopt gives the span another parent.
func (s *startSpan) adopt(parent trace.SpanContext) {
	if s.more == nil {
		s.more = new(startMore)
	}
	s.more.parent = &parent
}

// fix sets what never changes, if it is not known yet.
func (s *startSpan) fix(c *constants) {
	if s.constants != nil {
		return
	}
	if s.more != nil && s.more.parent != nil {
		c.parent = *s.more.parent
	}
	s.constants = c
}

// readConstants reads what never changes of a span.
func readConstants(s sdktrace.ReadOnlySpan) *constants {
	return &constants{
		ReadOnlySpan: unknownMethods(),
		spanContext:  s.SpanContext(),
		parent:       s.Parent(),
		kind:         s.SpanKind(),
		startTime:    s.StartTime(),
		scope:        s.InstrumentationScope(),
		resource:     s.Resource(),
	}
}

func (c *constants) SpanContext() trace.SpanContext              { return c.spanContext }
func (c *constants) Parent() trace.SpanContext                   { return c.parent }
func (c *constants) SpanKind() trace.SpanKind                    { return c.kind }
func (c *constants) StartTime() time.Time                        { return c.startTime }
func (c *constants) EndTime() time.Time                          { return time.Time{} }
func (c *constants) InstrumentationScope() instrumentation.Scope { return c.scope }
func (c *constants) Resource() *resource.Resource                { return c.resource }
func (c *constants) DroppedAttributes() int                      { return 0 }
func (c *constants) DroppedEvents() int                          { return 0 }
func (c *constants) DroppedLinks() int                           { return 0 }
func (c *constants) ChildSpanCount() int                         { return 0 }

func (c *constants) InstrumentationLibrary() instrumentation.Library { //nolint:staticcheck // part of the interface
	return c.scope
}

func (s *startSpan) Name() string                     { return s.name }
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

// ownLinks gives every link attributes of its own: the SDK's keep the slice that the
// application passed in. links must not be shared.
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
