package sgpexporter_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/recording"
	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// choice is a record of what a model answered.
func choice() (r log.Record) {
	r.SetEventName("gen_ai.choice")
	r.SetBody(attribute.MapValue(attribute.String("content", "hi")))
	return r
}

func TestLogProcessorKeepsTheRecordsOfSampledSpans(t *testing.T) {
	_, exp := newExporter(t, nil)
	logger := sdklog.NewLoggerProvider(sdklog.WithProcessor(exp.LogProcessor())).Logger("test")
	sampled, _ := sdktrace.NewTracerProvider().Tracer("test").Start(t.Context(), "chat")
	unsampled, _ := sdktrace.NewTracerProvider(sdktrace.WithSampler(sdktrace.NeverSample())).Tracer("test").Start(t.Context(), "chat")

	assert.True(t, logger.Enabled(sampled, log.EnabledParameters{EventName: "gen_ai.choice"}))
	assert.False(t, logger.Enabled(unsampled, log.EnabledParameters{EventName: "gen_ai.choice"}))
	assert.False(t, logger.Enabled(t.Context(), log.EnabledParameters{EventName: "gen_ai.choice"}))
	logger.Emit(sampled, choice())
	logger.Emit(unsampled, choice())
	logger.Emit(t.Context(), choice())
	logger.Emit(sampled, log.Record{})
	// 160 for the record, 13 for its name, 64 for the member of its body, 9 for its key and value.
	assert.Equal(t, sgpexporter.LogRecordStats{Offered: 1, Held: 1, HeldBytes: 246}, exp.Stats().LogRecords)
}

// What log records say of a span shows in the span.
func TestRecordsAreJoinedToTheirSpan(t *testing.T) {
	srv, exp := newExporter(t, nil)
	srv.Inject(sgptest.Status(503)) // a request that is sent again has them still
	proc := asyncprocessor.New(exp)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
	logger := sdklog.NewLoggerProvider(sdklog.WithProcessor(exp.LogProcessor())).Logger("test")

	ctx, chat := tp.Tracer("test").Start(t.Context(), "chat")
	chat.SetAttributes(attribute.String("gen_ai.operation.name", "chat"))
	asked := log.Record{}
	asked.SetEventName("gen_ai.user.message")
	asked.SetBody(attribute.MapValue(attribute.String("content", "why?")))
	logger.Emit(ctx, asked)
	require.NoError(t, proc.ForceFlush(t.Context())) // the START is stored
	logger.Emit(ctx, choice())
	rated := log.Record{}
	rated.SetEventName("gen_ai.evaluation.result")
	rated.AddAttributes(attribute.String("gen_ai.evaluation.name", "Relevance"), attribute.Float64("gen_ai.evaluation.score.value", 0.9))
	logger.Emit(ctx, rated)
	other, without := tp.Tracer("test").Start(t.Context(), "chat")
	chat.End()
	without.End()
	require.NoError(t, proc.Shutdown(t.Context()))
	logger.Emit(ctx, choice()) // too late
	logger.Emit(other, choice())

	stored, ok := srv.Span(chat.SpanContext().TraceID().String(), chat.SpanContext().SpanID().String())
	require.True(t, ok)
	assert.Equal(t, map[string]any{"messages": []any{map[string]any{"role": "user", "content": "why?"}}}, stored.Input)
	assert.Contains(t, string(stored.Raw), `"hi"`)
	assert.Contains(t, string(stored.Raw), "Relevance")
	assert.NotEmpty(t, stored.Metadata["evaluations"])
	stored, _ = srv.Span(without.SpanContext().TraceID().String(), without.SpanContext().SpanID().String())
	assert.Nil(t, stored.Input)
	assert.Nil(t, stored.Output)
	stats := exp.Stats().LogRecords
	assert.Equal(t, uint64(3), stats.Joined)
	assert.Equal(t, int64(2), stats.Held)
}

func TestLogProcessorAfterShutdown(t *testing.T) {
	_, exp := newExporter(t, nil)
	lp := sdklog.NewLoggerProvider(sdklog.WithProcessor(exp.LogProcessor()))
	other := sdklog.NewLoggerProvider(sdklog.WithProcessor(exp.LogProcessor()))
	ctx, _ := sdktrace.NewTracerProvider().Tracer("test").Start(t.Context(), "chat")
	lp.Logger("test").Emit(ctx, choice())
	assert.NoError(t, lp.ForceFlush(t.Context()))
	assert.NoError(t, lp.Shutdown(t.Context()))
	lp.Logger("test").Emit(ctx, choice())
	assert.Equal(t, int64(1), exp.Stats().LogRecords.Held, "what it had stays, for ENDs to come")
	other.Logger("test").Emit(ctx, choice())
	assert.Equal(t, int64(2), exp.Stats().LogRecords.Held, "each processor has its own end")

	p := exp.LogProcessor()
	require.NoError(t, p.Shutdown(t.Context()))
	assert.False(t, p.Enabled(ctx, sdklog.EnabledParameters{}))
}

func TestLogProcessorOfNoExporter(t *testing.T) {
	t.Setenv("DISABLE_SCALE_TRACING", "1")
	disabled, err := sgpexporter.New()
	require.NoError(t, err)
	ctx, _ := sdktrace.NewTracerProvider().Tracer("test").Start(t.Context(), "chat")
	for _, exp := range []*sgpexporter.Exporter{disabled, nil} {
		p := exp.LogProcessor()
		logger := sdklog.NewLoggerProvider(sdklog.WithProcessor(p)).Logger("test")
		assert.False(t, logger.Enabled(ctx, log.EnabledParameters{}))
		logger.Emit(ctx, choice())
		assert.Equal(t, sgpexporter.Stats{}, exp.Stats())
		assert.NoError(t, p.ForceFlush(t.Context()))
		assert.NoError(t, p.Shutdown(context.Background()))
	}
}

// ADK says in log records alone what its models were asked and what they answered.
func TestLogProcessorTakesTheRecordsOfADK(t *testing.T) {
	_, exp := newExporter(t, nil)
	for _, framework := range frameworks.All {
		if framework.Name != "adk" {
			continue
		}
		r, err := framework.Recording()
		require.NoError(t, err)
		require.NoError(t, r.Replay(t.Context(), recording.WithLoggerProviderOptions(sdklog.WithProcessor(exp.LogProcessor()))))
	}
	assert.Equal(t, int64(16), exp.Stats().LogRecords.Held)
}
