package asyncprocessor

import (
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// readEnd returns the END of a span as it is delivered, and the estimate of its memory. The
// SDK's snapshot of an ended span is immutable but for the attributes of its links,
// which are the application's.
func readEnd(s sdktrace.ReadOnlySpan, sc trace.SpanContext) (sdktrace.ReadOnlySpan, int) {
	size := endBytes + len(s.Name()) + attrsSize(s.Attributes()) + eventsSize(s.Events()) +
		len(s.Status().Description) + traceStateSize(sc.TraceState())
	links := s.Links()
	if len(links) > 0 {
		size += linksSize(links)
		s = &ownedLinks{ReadOnlySpan: s, links: ownLinks(slices.Clone(links))}
	}
	return s, size
}

// ownedLinks is a span with links of its own.
type ownedLinks struct {
	sdktrace.ReadOnlySpan
	links []sdktrace.Link
}

func (s *ownedLinks) Links() []sdktrace.Link { return s.links }

// adopted is a span with another parent: the nearest ancestor that the filter kept.
type adopted struct {
	sdktrace.ReadOnlySpan
	parent trace.SpanContext
}

func (s *adopted) Parent() trace.SpanContext { return s.parent }

// withoutPayload is what is sent in place of an END that is larger than the whole queue: the
// span without its attributes, events and links, which count as dropped.
type withoutPayload struct {
	*constants
	name                                string
	end                                 time.Time
	status                              sdktrace.Status
	attributes, events, links, children int // counts
}

// stripped returns what remains of an END, nil of another phase. It keeps nothing of the
// span alive.
func stripped(e *entry) *entry {
	if e.phase != PhaseEnd {
		return nil
	}
	s := e.span
	w := &withoutPayload{
		constants:  readConstants(s),
		name:       s.Name(),
		end:        s.EndTime(),
		status:     s.Status(),
		attributes: s.DroppedAttributes() + len(s.Attributes()),
		events:     s.DroppedEvents() + len(s.Events()),
		links:      s.DroppedLinks() + len(s.Links()),
		children:   s.ChildSpanCount(),
	}
	size := endBytes + len(w.name) + len(w.status.Description) + traceStateSize(w.spanContext.TraceState())
	return &entry{span: w, key: e.key, bytes: bounded(size), phase: PhaseEnd}
}

func (s *withoutPayload) Name() string                     { return s.name }
func (s *withoutPayload) EndTime() time.Time               { return s.end }
func (s *withoutPayload) Status() sdktrace.Status          { return s.status }
func (s *withoutPayload) Attributes() []attribute.KeyValue { return nil }
func (s *withoutPayload) Events() []sdktrace.Event         { return nil }
func (s *withoutPayload) Links() []sdktrace.Link           { return nil }
func (s *withoutPayload) DroppedAttributes() int           { return s.attributes }
func (s *withoutPayload) DroppedEvents() int               { return s.events }
func (s *withoutPayload) DroppedLinks() int                { return s.links }
func (s *withoutPayload) ChildSpanCount() int              { return s.children }
