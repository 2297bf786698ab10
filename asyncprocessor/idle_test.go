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

// lastWake returns when the dispatcher was last awake: it looks into the queue
// each time, and notes when. It is called when all goroutines are blocked.
func lastWake(p *Processor) time.Duration {
	synctest.Wait()
	return p.dispatcher.takenAt
}

// An idle processor sets no timer and is not awake once in a day, not before its
// first span, and not after its last.
func TestIdleHasNoWakeUps(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := New(deliverAll{})
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		synctest.Wait()
		time.Sleep(24 * time.Hour)
		assert.Equal(t, time.Duration(0), lastWake(p), "before the first span")

		for range 10 {
			_, span := tracer.Start(context.Background(), "a")
			time.Sleep(300 * time.Millisecond)
			span.End()
		}
		time.Sleep(time.Minute)
		require.Equal(t, uint64(20), p.Stats().Exported+p.Stats().Coalesced)
		before := lastWake(p)
		assert.Less(t, before, 24*time.Hour+5*time.Second, "within a second or two of the last span")
		time.Sleep(24 * time.Hour)
		assert.Equal(t, before, lastWake(p), "after the last span")
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
		before := lastWake(p)
		time.Sleep(24 * time.Hour)
		assert.Equal(t, before, lastWake(p))
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
		wakes, last := 0, lastWake(p)
		for range 500 { // 500 spans in 5 s are below a batch in each timeout
			if w := lastWake(p); w != last {
				wakes, last = wakes+1, w
			}
			_, span := tracer.Start(context.Background(), "a")
			span.End()
			time.Sleep(10 * time.Millisecond)
		}
		assert.LessOrEqual(t, wakes, 30, "three per batch timeout")
		assert.GreaterOrEqual(t, wakes, 8)
		require.NoError(t, p.Shutdown(context.Background()))
	})
}
