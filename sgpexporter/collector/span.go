package collector

import (
	"sync"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
)

// batch is the spans of a request as the mapping reads them, in their order.
type batch struct {
	inputs []mapping.Input
	// spans and places say where each came from.
	spans  []ptrace.Span
	places []place
}

// place is where a span stands in pdata.
type place struct{ resource, scope int }

var batches = sync.Pool{New: func() any { return new(batch) }}

func (b *batch) release() {
	for i := range b.inputs {
		b.inputs[i].Reset()
	}
	clear(b.spans)
	b.inputs, b.spans, b.places = b.inputs[:0], b.spans[:0], b.places[:0]
	batches.Put(b)
}

// read reads all spans of td. They have ended: OTLP carries no others.
func (e *sgpExporter) read(td ptrace.Traces) *batch {
	b := batches.Get().(*batch)
	for r, rs := range td.ResourceSpans().All() {
		res := e.resources.of(rs.Resource(), rs.SchemaUrl())
		for s, ss := range rs.ScopeSpans().All() {
			scope := scopeOf(ss.Scope(), ss.SchemaUrl())
			for _, span := range ss.Spans().All() {
				if len(b.inputs) < cap(b.inputs) {
					b.inputs = b.inputs[:len(b.inputs)+1] // reset, with the memory it has
				} else {
					b.inputs = append(b.inputs, mapping.Input{})
				}
				in := &b.inputs[len(b.inputs)-1]
				readSpan(in, span)
				in.Resource, in.Scope = res, scope
				b.spans = append(b.spans, span)
				b.places = append(b.places, place{r, s})
			}
		}
	}
	return b
}

// Bits of a span's flags, as OTLP defines them.
const (
	flagHasIsRemote = 0x100
	flagIsRemote    = 0x200
)

func readSpan(in *mapping.Input, span ptrace.Span) {
	in.Phase = mapping.PhaseEnd
	in.TraceID, in.SpanID = trace.TraceID(span.TraceID()), trace.SpanID(span.SpanID())
	in.ParentSpanID = trace.SpanID(span.ParentSpanID())
	in.ParentIsRemote = span.Flags()&(flagHasIsRemote|flagIsRemote) == flagHasIsRemote|flagIsRemote
	in.TraceState = traceState(span.TraceState())
	in.Name = span.Name()
	in.Kind = trace.SpanKind(span.Kind())
	in.StartTime = span.StartTimestamp().AsTime()
	if span.EndTimestamp() != 0 {
		in.EndTime = span.EndTimestamp().AsTime()
	}
	in.Attributes = attributes(span.Attributes())
	for _, e := range span.Events().All() {
		in.Events = append(in.Events, sdktrace.Event{
			Name: e.Name(), Time: e.Timestamp().AsTime(),
			Attributes: attributes(e.Attributes()), DroppedAttributeCount: int(e.DroppedAttributesCount()),
		})
	}
	for _, l := range span.Links().All() {
		in.Links = append(in.Links, sdktrace.Link{
			SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
				TraceID: trace.TraceID(l.TraceID()), SpanID: trace.SpanID(l.SpanID()),
				TraceFlags: trace.TraceFlags(l.Flags()), // the low byte
				TraceState: traceState(l.TraceState()),
				Remote:     l.Flags()&flagIsRemote != 0,
			}),
			Attributes: attributes(l.Attributes()), DroppedAttributeCount: int(l.DroppedAttributesCount()),
		})
	}
	in.Status = sdktrace.Status{Description: span.Status().Message()}
	switch span.Status().Code() {
	case ptrace.StatusCodeOk:
		in.Status.Code = codes.Ok
	case ptrace.StatusCodeError:
		in.Status.Code = codes.Error
	}
	in.DroppedAttributes = int(span.DroppedAttributesCount())
	in.DroppedEvents = int(span.DroppedEventsCount())
	in.DroppedLinks = int(span.DroppedLinksCount())
}

// traceState returns the state, and none for text that is not one.
func traceState(state pcommon.TraceState) trace.TraceState {
	if state.AsRaw() == "" {
		return trace.TraceState{}
	}
	parsed, _ := trace.ParseTraceState(state.AsRaw())
	return parsed
}

func scopeOf(s pcommon.InstrumentationScope, schemaURL string) instrumentation.Scope {
	scope := instrumentation.Scope{Name: s.Name(), Version: s.Version(), SchemaURL: schemaURL}
	if s.Attributes().Len() > 0 {
		scope.Attributes = attribute.NewSet(attributes(s.Attributes())...)
	}
	return scope
}

// maxResources bounds the resources that are remembered: those of the services behind
// one gateway.
const maxResources = 10_000

// resources gives equal resources one pointer, by which the mapping knows them.
type resources struct {
	mu    sync.Mutex // guards known
	known map[resourceKey]*resource.Resource
}

type resourceKey struct {
	attributes attribute.Distinct
	schemaURL  string
}

func newResources() *resources { return &resources{known: map[resourceKey]*resource.Resource{}} }

func (r *resources) of(from pcommon.Resource, schemaURL string) *resource.Resource {
	res := resource.NewWithAttributes(schemaURL, attributes(from.Attributes())...)
	key := resourceKey{res.Equivalent(), schemaURL}
	r.mu.Lock()
	defer r.mu.Unlock()
	if known := r.known[key]; known != nil {
		return known
	}
	if len(r.known) >= maxResources {
		clear(r.known)
	}
	r.known[key] = res
	return res
}
