package sgpexporter_test

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// With default settings and a server that answers after 5 ms, a span is there within the batch timeout and 50 ms of its
// Start, with what it got right afterwards: the first of an idle process, and those of a busy one.
func TestFirstSight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		r := startLive(t, liveWay{processor: func(exp *sgpexporter.Exporter) sdktrace.SpanProcessor { return asyncprocessor.New(exp) }})
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(r.proc)).Tracer("first sight")
		time.Sleep(time.Hour)
		for range 500 { // one every 17 ms
			_, span := tracer.Start(t.Context(), "agent")
			span.SetAttributes(attribute.String("input.value", "a question"))
			time.Sleep(17 * time.Millisecond)
		}
		time.Sleep(time.Second)
		require.Len(t, r.srv.Spans(), 500)
		for _, s := range r.srv.Spans() {
			assert.LessOrEqual(t, s.Writes[0].Time.Sub(s.StartTimestamp), 550*time.Millisecond)
			assert.NotEmpty(t, s.Input)
			assert.False(t, s.Completed())
		}
		require.NoError(t, r.proc.Shutdown(t.Context()))
		require.NoError(t, r.exp.Shutdown(t.Context()))
	})
}
