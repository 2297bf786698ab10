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

	"github.com/otelsgp/otelsgp/internal/recording"
	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
	"github.com/otelsgp/otelsgp/sgpexporter"
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
