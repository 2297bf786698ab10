package asyncprocessor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// While it drains the dispatcher looks into the queue when a call has come back, and does not spin.
func TestTheDispatcherDoesNotSpinWhileItDrains(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &slow{each: time.Second}
		p := New(exp, WithConcurrency(2), WithMaxExportBatchSize(10), WithUnfinishedSpans(false))
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		ctx, root := tracer.Start(t.Context(), "one trace")
		for range 199 {
			_, span := tracer.Start(ctx, "a")
			span.End()
		}
		root.End()
		synctest.Wait()
		before := looks(p)
		require.NoError(t, p.Shutdown(t.Context()))
		assert.LessOrEqual(t, looks(p)-before, 30, "20 batches of one trace, one after the other")
	})
}

type slow struct{ each time.Duration }

func (s *slow) ExportSnapshots(context.Context, []Snapshot) error {
	time.Sleep(s.each)
	return nil
}

func (*slow) Shutdown(context.Context) error { return nil }

// Of a trace with thousands of running spans each is found.
func TestManySpansOfOneTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(deliverAll{}, WithUnfinishedSpans(false), WithUpdateInterval(0))
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		ctx, root := tracer.Start(t.Context(), "root")
		var spans []trace.Span
		for range 3000 {
			_, s := tracer.Start(ctx, "a")
			spans = append(spans, s)
		}
		require.Equal(t, int64(3001), p.Stats().Tracked)
		for _, s := range spans {
			s.End()
		}
		root.End()
		require.NoError(t, p.ForceFlush(t.Context()))
		require.Zero(t, p.Stats().Tracked)
		assert.Equal(t, uint64(6002), p.Stats().Exported+p.Stats().Coalesced)
		require.NoError(t, p.Shutdown(t.Context()))
	})
}
