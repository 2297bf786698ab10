package asyncprocessor

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// deliverAll is an exporter that delivers to nowhere.
type deliverAll struct{}

func (deliverAll) ExportSnapshots(context.Context, []Snapshot) error { return nil }
func (deliverAll) Shutdown(context.Context) error                    { return nil }

// looks returns how often the dispatcher has looked into the queue. It is called when all
// goroutines are blocked.
func looks(p *Processor) int {
	synctest.Wait()
	return p.dispatcher.loops
}

// An idle processor sets no timer and is not awake once in a day, not before its
// first span, and not after its last.
func TestIdleHasNoWakeUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(deliverAll{})
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		time.Sleep(24 * time.Hour)
		assert.Equal(t, 1, looks(p), "before the first span")

		for range 10 {
			_, span := tracer.Start(context.Background(), "a")
			time.Sleep(300 * time.Millisecond)
			span.End()
		}
		time.Sleep(time.Minute)
		require.Equal(t, uint64(20), p.Stats().Exported+p.Stats().Coalesced)
		before := looks(p)
		time.Sleep(24 * time.Hour)
		assert.Equal(t, before, looks(p), "after the last span")
		require.NoError(t, p.Shutdown(context.Background()))
	})
}

// While a call of the exporter hangs and there is nothing else, nothing wakes up
// either.
func TestNoWakeUpsWhileExportsHang(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &hangUntil{until: make(chan struct{})}
		p := New(exp, WithConcurrency(1), WithExportTimeout(0))
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		for range 3 {
			_, span := tracer.Start(context.Background(), "a")
			span.End()
			time.Sleep(time.Second)
		}
		before := looks(p)
		time.Sleep(24 * time.Hour)
		assert.Equal(t, before, looks(p))
		close(exp.until)
		require.NoError(t, p.Shutdown(context.Background()))
		assert.Equal(t, uint64(6), p.Stats().Exported+p.Stats().Coalesced)
	})
}

type hangUntil struct {
	deliverAll
	until chan struct{}
}

func (h *hangUntil) ExportSnapshots(context.Context, []Snapshot) error {
	<-h.until
	return nil
}

// A steady service wakes the dispatcher a few times per batch timeout, not once per
// span.
func TestWakeUpsDoNotGrowWithTraffic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(deliverAll{})
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		before := looks(p)
		for range 500 { // 500 spans in 5 s are below a batch in each timeout
			_, span := tracer.Start(context.Background(), "a")
			span.End()
			time.Sleep(10 * time.Millisecond)
		}
		wakes := looks(p) - before
		assert.LessOrEqual(t, wakes, 30, "three per batch timeout")
		assert.GreaterOrEqual(t, wakes, 8)
		require.NoError(t, p.Shutdown(context.Background()))
	})
}
