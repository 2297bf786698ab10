package asyncprocessor

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// heldUp returns a processor all of whose calls, one for each of some traces, hang
// until the exporter lets them go, by a value for each or a closed channel, with an
// entry behind them that the dispatcher has not taken yet.
func heldUp(calls int) (*Processor, *hangUntil) {
	exp := &hangUntil{until: make(chan struct{})}
	p := New(exp, WithConcurrency(calls), WithMaxExportBatchSize(1))
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
	for range calls {
		tracer.Start(context.Background(), "held")
	}
	synctest.Wait()
	tracer.Start(context.Background(), "behind")
	return p, exp
}

// When Shutdown gives up, the entries that the dispatcher has not taken are gone,
// though it may be told of them. It must still come to see that it is to end, and
// not look for them for ever.
func TestDispatcherEndsWhenShutdownGivesUpAsACallComesBack(t *testing.T) {
	watchdog := time.AfterFunc(time.Minute, func() { panic("the dispatcher does not end") })
	defer watchdog.Stop()
	for range 20 {
		synctest.Test(t, func(*testing.T) {
			p, exp := heldUp(2)
			p.queue.close() // Shutdown's steps, with the call coming back among them
			close(p.dispatcher.closing)
			p.queue.abandon()
			exp.until <- struct{}{}
			for range 5 {
				runtime.Gosched() // so that the dispatcher may see it first
			}
			close(p.dispatcher.giveUp)
			p.cancelExports()
			<-p.dispatcher.stopped
			close(exp.until)
		})
	}
}

// Flushes that were given up do not pile up while a call hangs.
func TestFlushesThatWereGivenUpAreForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p, exp := heldUp(1)
		for range 100 {
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			require.ErrorIs(t, p.ForceFlush(ctx), context.DeadlineExceeded)
			cancel()
		}
		synctest.Wait()
		assert.LessOrEqual(t, len(p.dispatcher.flushing), 1)
		close(exp.until)
		require.NoError(t, p.ForceFlush(t.Context()))
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, uint64(2), p.Stats().Exported)
	})
}

// A flush is heard while there is always something to send, and the dispatcher never comes
// to wait: after each batch, and when it would have waited.
func TestAFlushIsHeardUnderLoad(t *testing.T) {
	for name, step := range map[string]func(*dispatcher){
		"after a batch":      func(d *dispatcher) { d.dispatch(0) },
		"instead of waiting": func(d *dispatcher) { d.wait() },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cfg, err := newConfig([]Option{WithMaxExportBatchSize(1)})
				require.NoError(t, err)
				q := newQueue(cfg, 1)
				lag, err := instrument(cfg, q)
				require.NoError(t, err)
				d := newDispatcher(cfg, q, deliverAll{}, t.Context(), lag)
				q.offer(entry{span: tracetest.SpanStub{}.Snapshot(), tag: tag{phase: PhaseEnd}}, 0)
				d.collect(0)
				q.offer(entry{span: tracetest.SpanStub{}.Snapshot(), tag: tag{phase: PhaseEnd}}, 0)
				heard := false
				go func() {
					d.flushes <- &flush{done: make(chan struct{})}
					heard = true
				}()
				synctest.Wait()
				step(d)
				synctest.Wait()
				assert.True(t, heard)
			})
		})
	}
}
