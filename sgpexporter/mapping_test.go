package sgpexporter_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

func TestMetadataOptions(t *testing.T) {
	t.Setenv("AGENT_VERSION", "1.2")
	t.Setenv("AGENT_COMMIT_SHA", "f00")
	srv, exp := newExporter(t, nil, sgpexporter.WithMetadataAttributes("user.id"), sgpexporter.WithMetadataAttributes("tenant"), sgpexporter.WithoutContent())
	batch := ends(1)
	batch[0].Span = span(1, func(s *tracetest.SpanStub) {
		s.Attributes = []attribute.KeyValue{
			attribute.String("user.id", "u1"), attribute.Int("tenant", 7), attribute.String("sgp.metadata.run", "r"),
			attribute.String("sgp.input", "hunter2"), attribute.String("sgp.expected", "hunter2"), attribute.String("gen_ai.completion", "hunter2"),
		}
	})
	require.NoError(t, exp.ExportSnapshots(t.Context(), batch))
	stored := srv.Spans()[0]
	assert.NotContains(t, string(stored.Raw), "hunter2")
	for key, want := range map[string]any{"user_id": "u1", "tenant": 7.0, "run": "r", "__agent_version__": "1.2", "__commit_sha__": "f00"} {
		assert.Equal(t, want, stored.Metadata[key], key)
	}
	assert.NotContains(t, stored.Metadata, "attributes")
}

func TestMetadataAttributesThatAreTheExporters(t *testing.T) {
	for _, key := range []string{"usage", "service.name", "otel_sgp_notes", ""} {
		_, err := sgpexporter.New(sgpexporter.WithAPIKey("key"), sgpexporter.WithMetadataAttributes("ok", key))
		assert.ErrorIs(t, err, sgpexporter.ErrInvalidOption, key)
	}
}

// In one batch an END may stand before those of the spans below it.
func TestUsageIsBilledOnceWhateverTheOrder(t *testing.T) {
	write := func(phase asyncprocessor.Phase, n int, parent int) asyncprocessor.Snapshot {
		return asyncprocessor.Snapshot{Phase: phase, Span: span(n, func(s *tracetest.SpanStub) {
			s.Attributes = []attribute.KeyValue{attribute.Int("gen_ai.usage.input_tokens", 10)}
			if parent > 0 {
				s.Parent = s.SpanContext.WithSpanID(id(parent))
			}
		})}
	}
	start, end := asyncprocessor.PhaseStart, asyncprocessor.PhaseEnd
	for _, batch := range [][]asyncprocessor.Snapshot{
		{write(end, 1, 0), write(end, 2, 1), write(end, 3, 2)},
		{write(start, 1, 0), write(start, 2, 1), write(start, 3, 2), write(end, 3, 2), write(end, 2, 1), write(end, 1, 0)},
	} {
		srv, exp := newExporter(t, nil)
		require.NoError(t, exp.ExportSnapshots(t.Context(), batch))
		billed := srv.BilledUsage(srv.Spans()[0].TraceID)
		assert.EqualValues(t, 10, billed.InputTokens)
		assert.Equal(t, 1, billed.Calls)
	}
}

// Spans whose attributes the SDK has cut are warned of, once in a while.
func TestCutAttributesAreWarnedOf(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	srv, exp := newExporter(t, nil, sgpexporter.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
	told := sgpexporter.Listen(exp)
	batch := ends(3)
	for i := range 2 {
		batch[i].Span = span(i+1, func(s *tracetest.SpanStub) { s.DroppedAttributes = 2 })
	}
	for range 2 {
		require.NoError(t, exp.ExportSnapshots(t.Context(), batch))
	}
	assert.Equal(t, []string{"sgpexporter: a limit of the SDK has cut the attributes of spans: 2 since the last warning; usage and the end of " +
		"conversations may be among what is lost: make the TracerProvider with sdktrace.WithRawSpanLimits and AttributeCountLimit -1"}, told.Warnings())
	assert.Contains(t, srv.Spans()[0].Metadata, "otel_sgp_notes")
	assert.Equal(t, map[string]int64{"": 4}, byAttr(t, collect(t, reader)["sgpexporter.span.cut"], "error.type"))
	assert.EqualValues(t, 4, exp.Stats().Mapping.Cut)
}

// The SDK keeps 128 attributes, and what is set last is lost: the span says so.
func TestAttributesAboveTheLimitOfTheSDK(t *testing.T) {
	srv, exp := newExporter(t, nil)
	proc := asyncprocessor.New(exp)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
	_, span := tp.Tracer("test").Start(t.Context(), "chat")
	for i := range 70 {
		span.SetAttributes(attribute.String(fmt.Sprintf("llm.prompts.%d.role", i), "user"), attribute.String(fmt.Sprintf("llm.prompts.%d.content", i), "hi"))
	}
	span.SetAttributes(attribute.Int("llm.usage.prompt_tokens", 9))
	span.End()
	require.NoError(t, proc.Shutdown(t.Context()))
	stored := srv.Spans()[0]
	assert.Len(t, stored.Input["messages"], 64)
	assert.Zero(t, srv.BilledUsage(stored.TraceID).InputTokens)
	assert.Equal(t, map[string]any{"attributes": 13.0}, stored.Metadata["dropped"])
	assert.Equal(t, []any{"attributes: 13 were dropped by a limit of the SDK, usage and messages perhaps among them; see sdktrace.WithRawSpanLimits"}, stored.Metadata["otel_sgp_notes"])
	assert.EqualValues(t, 1, exp.Stats().Mapping.Cut)
}

// What only an application knows can be set by a hook, as by attributes.
func TestHookSetsWhatTheApplicationKnows(t *testing.T) {
	srv, exp := newExporter(t, nil, sgpexporter.WithSpanHook(func(s *sgpspan.Span) bool {
		s.Expected = sgpspan.Object{{Key: "answer", Value: sgpspan.IntValue(42)}}
		s.ApplicationVariantID, s.ApplicationInteractionID = "variant", "interaction"
		return true
	}))
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(1)))
	stored := srv.Spans()[0]
	assert.Equal(t, map[string]any{"answer": 42.0}, stored.Expected)
	assert.Equal(t, "variant", stored.ApplicationVariantID)
	assert.Equal(t, "interaction", stored.ApplicationInteractionID)
}

func TestBaggageConversation(t *testing.T) {
	recorder := tracetest.NewSpanRecorder()
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(sgpexporter.BaggageConversation()), sdktrace.WithSpanProcessor(recorder))
	defer func() { _ = tp.Shutdown(context.Background()) }()
	with := func(members string) context.Context {
		b, err := baggage.Parse(members)
		require.NoError(t, err)
		return baggage.ContextWithBaggage(t.Context(), b)
	}
	for _, tc := range []struct {
		members string
		own     []attribute.KeyValue
		want    []attribute.KeyValue
	}{
		{members: "", want: nil},
		{members: "session.id=s1,other=x", want: []attribute.KeyValue{attribute.String("session.id", "s1")}},
		{members: "session.id=s1,gen_ai.conversation.id=c1", want: []attribute.KeyValue{attribute.String("gen_ai.conversation.id", "c1")}},
		{members: "session.id=s1", own: []attribute.KeyValue{attribute.String("gen_ai.conversation.id", "c2")}, want: []attribute.KeyValue{attribute.String("gen_ai.conversation.id", "c2")}},
	} {
		_, s := tp.Tracer("").Start(with(tc.members), "s", trace.WithAttributes(tc.own...))
		s.End()
		ended := recorder.Ended()
		assert.Equal(t, tc.want, ended[len(ended)-1].Attributes(), tc.members)
	}
	require.NoError(t, tp.ForceFlush(t.Context()))
}

func TestMappingStats(t *testing.T) {
	_, exp := newExporter(t, nil)
	batch := ends(3)
	batch[1].Span = span(2, func(s *tracetest.SpanStub) {
		s.Attributes = []attribute.KeyValue{attribute.String("session.id", "s")}
	})
	batch[2].Span = span(3, func(s *tracetest.SpanStub) { s.DroppedAttributes = 1 })
	require.NoError(t, exp.ExportSnapshots(t.Context(), batch))
	assert.Equal(t, sgpexporter.MappingStats{Cut: 1, InheritedGroups: 2}, exp.Stats().Mapping)
	assert.Zero(t, (*sgpexporter.Exporter)(nil).Stats().Mapping)
}
