//go:build !purego

package mapping

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/sdkspan"
)

type onEnd func(sdktrace.ReadOnlySpan)

func (onEnd) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (f onEnd) OnEnd(s sdktrace.ReadOnlySpan)                 { f(s) }
func (onEnd) ForceFlush(context.Context) error                { return nil }
func (onEnd) Shutdown(context.Context) error                  { return nil }

// foreign is a span that is not the SDK's own.
type foreign struct{ sdktrace.ReadOnlySpan }

// The SDK's own spans, which are read where they lie, become what others become that say
// the same.
func TestForeignSpansAreMappedAlike(t *testing.T) {
	state, err := trace.ParseTraceState("vendor=value,other=1")
	require.NoError(t, err)
	remote := trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state,
	})
	var s sdktrace.ReadOnlySpan
	limits := sdktrace.NewSpanLimits()
	limits.AttributeCountLimit, limits.EventCountLimit, limits.LinkCountLimit = 3, 1, 1
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(onEnd(func(ended sdktrace.ReadOnlySpan) { s = ended })),
		sdktrace.WithRawSpanLimits(limits), sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "test"))))
	ctx, span := tp.Tracer("scope", trace.WithInstrumentationVersion("v1")).Start(
		trace.ContextWithRemoteSpanContext(t.Context(), remote), "chat gpt", trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("gen_ai.operation.name", "chat"), attribute.String("gen_ai.input.messages", `[{"role":"user"}]`),
			attribute.Int("n", 1), attribute.Int("dropped", 1)))
	for range 3 {
		span.AddEvent("event", trace.WithAttributes(attribute.Bool("in", true)))
		span.AddLink(trace.Link{SpanContext: remote, Attributes: []attribute.KeyValue{attribute.Bool("in", true)}})
	}
	_, child := tp.Tracer("scope").Start(ctx, "child")
	defer child.End()
	span.SetStatus(codes.Error, "failed")
	span.End()

	require.NotNil(t, sdkspan.PeekEnded(s), "the SDK's own")
	require.Nil(t, sdkspan.PeekEnded(foreign{s}))
	m := New(Config{})
	for _, phase := range []asyncprocessor.Phase{asyncprocessor.PhaseStart, asyncprocessor.PhaseEnd} {
		own, err := m.Append(nil, asyncprocessor.Snapshot{Phase: phase, Span: s})
		require.NoError(t, err)
		alike, err := m.Append(nil, asyncprocessor.Snapshot{Phase: phase, Span: foreign{s}})
		require.NoError(t, err)
		assert.Equal(t, string(alike), string(own))
		for _, part := range []string{
			`"trace_state":"vendor=value,other=1"`, `"parent_is_remote":true`, `"child_span_count":1`,
			`"dropped":{"attributes":1,"events":2,"links":2}`, `"kind":"client"`, `"service.name":"test"`,
		} {
			assert.Contains(t, string(own), part)
		}
	}
}
