package asyncprocessor_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// undelivered asserts that err is a ShutdownError with the cause, and returns its
// number.
func undelivered(t *testing.T, err, cause error) uint64 {
	t.Helper()
	var shutdownErr *asyncprocessor.ShutdownError
	require.ErrorAs(t, err, &shutdownErr)
	require.ErrorIs(t, err, cause)
	return shutdownErr.Undelivered
}

func TestShutdownDrainsEverything(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked(asyncprocessor.WithMaxExportBatchSize(100))...)
	tp := provider(p)
	_, running := tp.Tracer("t").Start(t.Context(), "running")
	for range 1000 {
		_, span := tp.Tracer("t").Start(t.Context(), "a")
		span.End()
	}
	require.NoError(t, tp.Shutdown(t.Context()))
	ends := 0
	for _, name := range exp.names() {
		if name == "END a" {
			ends++
		}
	}
	assert.Equal(t, 1000, ends)
	assert.Contains(t, exp.names(), "START running")
	assert.Equal(t, 1, exp.shutdownCount())
	running.End() // the SDK does not tell processors any more
	s := balanced(t, p)
	assert.Equal(t, uint64(2001), s.Offered)
	assert.Equal(t, uint64(2001), s.Exported+s.Coalesced)
	assert.Empty(t, s.DroppedBy)
}

// Exports that come back while the next batch is filled are the last ones, now and then.
func TestShutdownEndsWhenTheLastExportIsQuickConcurrentSafe(t *testing.T) {
	for range 300 {
		p := asyncprocessor.New(new(recorder), asyncprocessor.WithMaxExportBatchSize(4), asyncprocessor.WithShutdownTimeout(10*time.Second))
		tracer := provider(p).Tracer("t")
		for range 8 {
			_, s := tracer.Start(t.Context(), "s")
			s.End()
		}
		require.NoError(t, p.Shutdown(context.WithoutCancel(t.Context())))
	}
}

func TestUnregisterShutsDown(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked()...)
	tp := provider(p)
	_, span := tp.Tracer("t").Start(t.Context(), "a")
	span.End()
	tp.UnregisterSpanProcessor(p)
	assert.Equal(t, []string{"END a"}, exp.names())
	assert.Equal(t, 1, exp.shutdownCount())
}

func TestShutdownOfAnEmptyProcessor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp)
		begin := time.Now()
		require.NoError(t, p.Shutdown(context.Background()))
		assert.Zero(t, time.Since(begin))
		assert.Equal(t, 1, exp.shutdownCount())
	})
}

// A context that has ended leaves no time to drain: what waits is given up, counted,
// and the exporter is shut down all the same.
func TestShutdownContextAlreadyEnded(t *testing.T) {
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	expired, cancel := context.WithDeadline(context.Background(), time.Unix(0, 0))
	defer cancel()
	for want, ctx := range map[error]context.Context{context.Canceled: cancelled, context.DeadlineExceeded: expired} {
		t.Run(want.Error(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				exp.export = func(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
					<-ctx.Done()
					return ctx.Err()
				}
				p := newProcessor(t, exp, parked()...)
				offerEnds(p, 3)
				synctest.Wait()
				assert.Equal(t, uint64(3), undelivered(t, p.Shutdown(ctx), want))
				s := balanced(t, p)
				assert.Equal(t, reasons{"shutdown_deadline": 3}, s.DroppedBy)
				assert.Zero(t, s.Queued+s.InFlight)
				assert.Equal(t, 1, exp.shutdownCount())
			})
		})
	}
}

// TracerProvider.Shutdown with a context that has ended does not reach its
// processors, which can then still be shut down themselves.
func TestProviderShutdownContextAlreadyCancelled(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked()...)
	tp := provider(p)
	_, span := tp.Tracer("t").Start(t.Context(), "a")
	span.End()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	require.ErrorIs(t, tp.Shutdown(ctx), context.Canceled)
	require.Empty(t, exp.names())
	require.NoError(t, tp.Shutdown(t.Context()), "the SDK calls it done")
	require.Empty(t, exp.names())
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Equal(t, []string{"END a"}, exp.names())
}

// secondEach takes a second for each call, or until its context ends.
func secondEach(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
	select {
	case <-time.After(time.Second):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// When time runs out in the middle, what was delivered counts as such, and the
// rest, in flight included, does not.
func TestShutdownContextExpiresMidDrain(t *testing.T) {
	for name, shutdown := range map[string]func(*asyncprocessor.Processor) func(context.Context) error{
		"processor": func(p *asyncprocessor.Processor) func(context.Context) error { return p.Shutdown },
		"provider":  func(p *asyncprocessor.Processor) func(context.Context) error { return provider(p).Shutdown },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := &recorder{export: secondEach}
				p := newProcessor(t, exp, parked(asyncprocessor.WithMaxExportBatchSize(10), asyncprocessor.WithConcurrency(1))...)
				offerTrace(p, 50)
				ctx, cancel := context.WithTimeout(t.Context(), 3500*time.Millisecond)
				defer cancel()
				begin := time.Now()
				err := shutdown(p)(ctx)
				assert.Equal(t, 3500*time.Millisecond, time.Since(begin))
				assert.Equal(t, uint64(20), undelivered(t, err, context.DeadlineExceeded))
				s := balanced(t, p)
				assert.Equal(t, uint64(30), s.Exported)
				assert.Equal(t, reasons{"shutdown_deadline": 20}, s.DroppedBy)
				synctest.Wait()
				calls := exp.calls()
				require.Len(t, calls, 4)
				assert.True(t, calls[3].returned, "the call in flight was cancelled")
				assert.ErrorIs(t, calls[3].err, context.Canceled)
				assert.Equal(t, s, balanced(t, p), "its result came too late to change anything")
			})
		})
	}
}

// All that is not delivered counts, and nothing twice.
func TestUndeliveredCountsSnapshots(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &recorder{export: secondEach}
		p := newProcessor(t, exp, asyncprocessor.WithConcurrency(1), asyncprocessor.WithMaxExportBatchSize(100))
		for range 5 {
			_, span := start(t.Context(), p, "in flight")
			end(p, span)
		}
		start(t.Context(), p, "in flight, running")
		time.Sleep(600 * time.Millisecond)
		require.Equal(t, int64(6), balanced(t, p).InFlight)
		for range 4 {
			_, span := start(t.Context(), p, "queued")
			end(p, span)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		start(t.Context(), p, "queued, running")
		assert.Equal(t, uint64(11), undelivered(t, p.Shutdown(ctx), context.Canceled), "6 in flight; 4 ENDs in the place of their STARTs, a START")
		s := balanced(t, p)
		assert.Equal(t, uint64(9), s.Coalesced)
		assert.Equal(t, reasons{"shutdown_deadline": 11}, s.DroppedBy)
	})
}

// Without a deadline of its own, Shutdown has WithShutdownTimeout; with one, it has
// that, longer or shorter; and a cancellation ends it in any case.
func TestShutdownTime(t *testing.T) {
	background := func(time.Duration) (context.Context, context.CancelFunc) {
		return context.WithCancel(context.Background())
	}
	deadline := func(d time.Duration) (context.Context, context.CancelFunc) {
		return context.WithTimeout(context.Background(), d)
	}
	cancelled := func(d time.Duration) (context.Context, context.CancelFunc) {
		ctx, cancel := context.WithCancel(context.Background())
		time.AfterFunc(d, cancel)
		return ctx, cancel
	}
	tests := []struct {
		name  string
		opts  []asyncprocessor.Option
		ctx   func(time.Duration) (context.Context, context.CancelFunc)
		after time.Duration
		want  time.Duration
		cause error
	}{
		{"default", nil, background, 0, 30 * time.Second, context.DeadlineExceeded},
		{"option", []asyncprocessor.Option{asyncprocessor.WithShutdownTimeout(7 * time.Second)}, background, 0, 7 * time.Second, context.DeadlineExceeded},
		{"shorter deadline", nil, deadline, time.Second, time.Second, context.DeadlineExceeded},
		{"longer deadline", nil, deadline, time.Hour, time.Hour, context.DeadlineExceeded},
		{"cancelled", nil, cancelled, 2 * time.Second, 2 * time.Second, context.Canceled},
		{"cancelled too late", nil, cancelled, time.Hour, 30 * time.Second, context.DeadlineExceeded},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := &recorder{export: newGate().export}
				p := newProcessor(t, exp, append(tt.opts, asyncprocessor.WithExportTimeout(0))...)
				offerEnds(p, 3)
				ctx, cancel := tt.ctx(tt.after)
				defer cancel()
				begin := time.Now()
				assert.Equal(t, uint64(3), undelivered(t, p.Shutdown(ctx), tt.cause))
				assert.Equal(t, tt.want, time.Since(begin))
			})
		})
	}
}

// What was lost before Shutdown, or comes after it, is not what Shutdown failed to
// deliver.
func TestUndeliveredIsOfThisShutdown(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		full := make(chan struct{})
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
			<-full
			return errors.New("failed")
		}
		p := newProcessor(t, exp, parked(asyncprocessor.WithMaxQueueSize(5))...)
		offerEnds(p, 7)
		close(full)
		_ = p.ForceFlush(t.Context()) // whether the loss falls into it is not said here
		synctest.Wait()               // what did not fit hurries nothing any more
		require.Equal(t, reasons{"queue_full": 2, "export_failed": 5}, balanced(t, p).DroppedBy)
		offerEnds(p, 4)
		assert.Equal(t, uint64(4), undelivered(t, p.Shutdown(t.Context()), asyncprocessor.ErrDropped))
		offerEnds(p, 3)
		assert.Equal(t, uint64(4), undelivered(t, p.Shutdown(t.Context()), asyncprocessor.ErrDropped))
		assert.Equal(t, reasons{"queue_full": 2, "export_failed": 9, "already_shutdown": 3}, balanced(t, p).DroppedBy)
	})
}

func TestAfterShutdown(t *testing.T) {
	collectReports(t)
	exp := new(recorder)
	p := newProcessor(t, exp)
	_, running := start(t.Context(), p, "running")
	require.NoError(t, p.Shutdown(t.Context()))
	_, span := start(t.Context(), p, "late")
	end(p, span)
	end(p, running)
	assert.Equal(t, []string{"START running"}, exp.names())
	assert.Equal(t, reasons{"already_shutdown": 3}, balanced(t, p).DroppedBy)
	assert.NoError(t, p.ForceFlush(t.Context()))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	assert.NoError(t, p.ForceFlush(ctx), "nil after Shutdown, whatever the context")
	assert.NoError(t, p.Shutdown(t.Context()))
	assert.Equal(t, 1, exp.shutdownCount())
}

// A second Shutdown waits for the first, within its own context, and says what that
// said.
func TestSecondShutdownWaitsForTheFirst(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &recorder{export: newGate().export}
		p := newProcessor(t, exp)
		offerEnds(p, 3)
		var first error
		var wg sync.WaitGroup
		wg.Go(func() { first = p.Shutdown(context.Background()) })
		synctest.Wait()
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.Shutdown(ctx), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(begin))
		require.Equal(t, int64(3), balanced(t, p).InFlight, "its context does not end the drain")

		third := p.Shutdown(context.Background())
		assert.Equal(t, 30*time.Second, time.Since(begin))
		assert.Equal(t, uint64(3), undelivered(t, third, context.DeadlineExceeded))
		wg.Wait()
		assert.Equal(t, first, third)
		assert.Equal(t, first, p.Shutdown(ctx), "a result that is there goes before a context that has ended")
		assert.Equal(t, 1, exp.shutdownCount())
	})
}
