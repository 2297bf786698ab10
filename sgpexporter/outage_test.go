package sgpexporter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// ofTrace is the n-th span, of a trace of its own.
func ofTrace(n int, name string) sdktrace.ReadOnlySpan {
	return span(n, func(s *tracetest.SpanStub) {
		s.Name = name
		s.SpanContext = s.SpanContext.WithTraceID(trace.TraceID{13: 1, 14: byte(n >> 8), 15: byte(n)})
	})
}

// An outage of ten minutes costs nothing, twice as long as a call may last. One span that
// always gets a 500 is given up when it has failed alone for that long, and costs no other.
func TestOutageOfTenMinutes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()})
		sgpexporter.Handled(t)
		proc := asyncprocessor.New(exp)
		poison := sgptest.RefuseItems(500, func(item *sgptest.Span) bool { return item.Name == "poison" })
		begin := time.Now()
		srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
			if time.Since(begin) < 10*time.Minute {
				return sgptest.ResetConnection()
			}
			return poison(r)
		})
		const spans = 1000
		for n := range spans { // one a second
			name := "good"
			if n == 100 {
				name = "poison"
			}
			proc.OnEnd(ofTrace(n, name))
			time.Sleep(time.Second)
		}
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		_ = proc.Shutdown(ctx)
		stats := proc.Stats()
		assert.Equal(t, map[asyncprocessor.DropReason]uint64{asyncprocessor.ReasonExportFailed: 1}, stats.DroppedBy)
		assert.Equal(t, uint64(spans-1), stats.Exported)
		require.NoError(t, srv.CheckOrder())
		synctest.Wait()
	})
}

// What is refused in an outage's place, and comes right: nothing is lost, and it is told
// within seconds by the one who reports.
func TestRefusedKeyWithAProcessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, exp := newRefused(t, []sgptest.Option{sgptest.WithInMemoryNetwork(), sgptest.WithAPIKey("another")})
		errs := sgpexporter.Handled(t)
		proc := asyncprocessor.New(exp)
		for n := range 100 {
			proc.OnEnd(ofTrace(n, "good"))
		}
		time.Sleep(5 * time.Second)
		require.NotEmpty(t, errs.All())
		assert.EqualError(t, errs.All()[0], "sgpexporter: no spans are delivered, they wait in the queue: "+whatToCheck)
		time.Sleep(10 * time.Minute)
		srv.SetAPIKey(key)
		require.NoError(t, proc.ForceFlush(t.Context()))
		assert.Len(t, srv.Spans(), 100)
		assert.Empty(t, proc.Stats().DroppedBy)
		require.NoError(t, proc.Shutdown(t.Context()))
		synctest.Wait()
	})
}
