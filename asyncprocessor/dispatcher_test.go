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

// A flush waits for what is with the exporter, in the open batch, in shards that are ready
// and in those that are busy, and in the log. What it has counted with is clean afterwards.
func TestAFlushWaitsForAllOfIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const traces, each = 6, 6
		exp := &hangUntil{until: make(chan struct{})}
		p := New(exp, WithConcurrency(1), WithMaxExportBatchSize(each), WithStartPolicy(StartNever),
			WithBatchTimeout(time.Millisecond))
		tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p)).Tracer("t")
		var roots [traces]context.Context
		for i := range roots {
			roots[i], _ = tracer.Start(t.Context(), "root")
		}
		ends := func(n int) {
			for range n {
				for _, root := range roots {
					_, span := tracer.Start(root, "child")
					span.End()
				}
			}
		}
		ends(1)
		synctest.Wait()
		ends(each) // behind those, which are with the exporter
		time.Sleep(time.Second)
		for round := range 2 {
			exp.until <- struct{}{}
			synctest.Wait()
			d := p.dispatcher
			require.Len(t, d.inFlight, 1)
			require.Len(t, d.open.snapshots, each)
			require.NotZero(t, d.shards.readyCount)
			if round > 0 {
				ends(1) // stay in the log
			}
			before := p.Stats()
			flushed := false
			go func() {
				assert.NoError(t, p.ForceFlush(context.Background()))
				flushed = true
			}()
			for n := p.Stats().Offered; p.Stats().Exported < n; {
				synctest.Wait()
				assert.False(t, flushed, "round %d: %d of %d", round, p.Stats().Exported, n)
				exp.until <- struct{}{}
				synctest.Wait()
			}
			assert.True(t, flushed)
			assert.Greater(t, p.Stats().Exported, before.Exported+3*each)
			require.Len(t, d.settled, numShards)
			for i, n := range d.settled {
				require.Zero(t, n, "shard %d", i)
			}
			ends(1)
			synctest.Wait()
			ends(each)
			time.Sleep(time.Second)
		}
		close(exp.until)
		require.NoError(t, p.Shutdown(context.Background()))
	})
}
