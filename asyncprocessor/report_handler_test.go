package asyncprocessor_test

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// An error handler may itself use the processor, as one does that logs to a span or
// flushes when something is wrong, and nothing stands still for it, not even
// under WithBlocking with the queue full.
func TestErrorHandlerMayUseTheProcessor(t *testing.T) {
	watchdog := time.AfterFunc(time.Minute, func() { panic("a goroutine spins, so the fake clock stands still") })
	defer watchdog.Stop()
	uses := map[string]func(p *asyncprocessor.Processor){
		"flushes": func(p *asyncprocessor.Processor) {
			ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
			defer cancel()
			_ = p.ForceFlush(ctx)
		},
		"asks":          func(p *asyncprocessor.Processor) { p.Stats() },
		"makes a span":  func(p *asyncprocessor.Processor) { offerEnd(p, "handler") },
		"makes 5 spans": func(p *asyncprocessor.Processor) { offerEnds(p, 5) },
	}
	accidents := map[string]func(context.Context, int, []asyncprocessor.Snapshot) error{
		"too large": nil,
		"failed export": func(_ context.Context, n int, _ []asyncprocessor.Snapshot) error {
			if n == 1 {
				return errors.New("failed")
			}
			return nil
		},
	}
	for accident, export := range accidents {
		for name, use := range uses {
			t.Run(accident+"/"+name, func(t *testing.T) {
				collectReports(t)
				synctest.Test(t, func(t *testing.T) {
					exp := &recorder{export: export}
					p := newProcessor(t, exp, asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(2),
						asyncprocessor.WithMaxQueueBytes(50_000), asyncprocessor.WithConcurrency(1))
					handled, produced := make(chan struct{}), make(chan struct{})
					var calls atomic.Int32
					onReport(t, func(error) {
						if calls.Add(1) == 1 {
							use(p)
							close(handled)
						}
					})
					if accident == "too large" {
						offerEnd(p, "too large", payload(50_000))
					}
					go func() {
						offerEnds(p, 10)
						close(produced)
					}()
					time.Sleep(time.Minute)
					for what, done := range map[string]chan struct{}{"the handler": handled, "a producer": produced} {
						select {
						case <-done:
						default:
							t.Error(what + " still waits")
						}
					}
					_ = p.Shutdown(context.Background())
					<-handled
					<-produced
				})
			})
		}
	}
}

// One that never comes back holds up nothing but further reports.
func TestErrorHandlerMayBlock(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(_ context.Context, n int, _ []asyncprocessor.Snapshot) error {
			if n <= 3 {
				return errors.New("failed")
			}
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithConcurrency(1))
		release := make(chan struct{})
		var atOnce, most atomic.Int32
		onReport(t, func(error) {
			if n := atOnce.Add(1); n > most.Load() {
				most.Store(n)
			}
			<-release
			atOnce.Add(-1)
		})
		for range 100 {
			offerEnd(p, "a")
			time.Sleep(time.Second)
		}
		assert.Equal(t, uint64(97), balanced(t, p).Exported)
		begin := time.Now()
		require.NoError(t, p.ForceFlush(t.Context()))
		require.NoError(t, p.Shutdown(t.Context()))
		assert.LessOrEqual(t, time.Since(begin), 100*time.Millisecond, "a moment for the last report")
		assert.Equal(t, int32(1), most.Load(), "one report at a time")
		close(release)
		synctest.Wait()
	})
}
