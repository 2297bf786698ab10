package asyncprocessor_test

import (
	"context"
	"errors"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// goroutines counts the goroutines that this package runs, the caller's apart.
func goroutines() int {
	buf := make([]byte, 1<<20)
	n := 0
	for i, g := range strings.Split(string(buf[:runtime.Stack(buf, true)]), "\n\n") {
		if i > 0 && strings.Contains(g, "otelsgp/asyncprocessor.") {
			n++
		}
	}
	return n
}

func TestShutdownLeavesNoGoroutine(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := newProcessor(t, &recorder{export: secondEach}, asyncprocessor.WithMaxExportBatchSize(1))
		offerEnds(p, 20)
		synctest.Wait()
		require.Greater(t, goroutines(), 1)
		require.NoError(t, p.Shutdown(context.Background()))
		synctest.Wait()
		assert.Zero(t, goroutines())
	})
}

// A call that hangs until it is cancelled is cancelled, and leaves nothing behind.
func TestShutdownCancelsACallThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &recorder{export: newGate().export}
		p := newProcessor(t, exp, asyncprocessor.WithShutdownTimeout(time.Second), asyncprocessor.WithMaxExportBatchSize(1))
		offerEnds(p, 20)
		assert.Equal(t, uint64(20), undelivered(t, p.Shutdown(context.Background()), context.DeadlineExceeded))
		synctest.Wait()
		for _, c := range exp.calls() {
			assert.ErrorIs(t, c.err, context.Canceled)
		}
		assert.Zero(t, goroutines())
	})
}

// A call that ignores its context is not waited for: only its own goroutine stays,
// and what it says in the end changes nothing.
func TestShutdownDoesNotWaitForACallThatIgnoresItsContext(t *testing.T) {
	log := collectReports(t)
	results := map[string]func() error{
		"late success":       func() error { return nil },
		"late failure":       func() error { return errors.New("late") },
		"late panic":         func() error { panic("late") },
		"late partial error": func() error { return &asyncprocessor.ExportError{Undelivered: []int{0}, Reason: "rejected"} },
	}
	for name, result := range results {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				release := make(chan struct{})
				exp := new(recorder)
				exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
					<-release
					return result()
				}
				p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(2), asyncprocessor.WithConcurrency(1))
				offerTrace(p, 5)
				synctest.Wait()
				require.Equal(t, int64(2), balanced(t, p).InFlight)
				ctx, cancel := context.WithTimeout(t.Context(), time.Second)
				defer cancel()
				begin := time.Now()
				assert.Equal(t, uint64(5), undelivered(t, p.Shutdown(ctx), context.DeadlineExceeded))
				assert.Equal(t, time.Second, time.Since(begin))
				synctest.Wait()
				assert.Equal(t, 1, goroutines(), "the call's own")
				before := balanced(t, p)
				assert.Equal(t, reasons{"shutdown_deadline": 5}, before.DroppedBy)
				log.take()

				close(release)
				synctest.Wait()
				assert.Zero(t, goroutines())
				assert.Equal(t, before, balanced(t, p))
				assert.Empty(t, log.take())
				assert.Len(t, exp.calls(), 1, "no call after Shutdown")
			})
		})
	}
}

// A call that comes back at the moment when Shutdown gives up leaves nothing behind
// either, whichever is first.
func TestShutdownGivesUpWhenACallComesBack(t *testing.T) {
	watchdog := time.AfterFunc(time.Minute, func() { panic("a goroutine spins, so the fake clock stands still") })
	defer watchdog.Stop()
	for range 500 {
		synctest.Test(t, func(t *testing.T) {
			exp := new(recorder)
			exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
				time.Sleep(time.Second)
				return nil
			}
			p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(1), asyncprocessor.WithConcurrency(1))
			ctx, root := start(t.Context(), p, "root")
			synctest.Wait()
			_, child := start(ctx, p, "child")
			end(p, child)
			end(p, root)
			ctx, cancel := context.WithTimeout(t.Context(), time.Second)
			defer cancel()
			n := undelivered(t, p.Shutdown(ctx), context.DeadlineExceeded)
			assert.Contains(t, []uint64{2, 3, 4}, n)
			assert.Equal(t, reasons{"shutdown_deadline": n}, balanced(t, p).DroppedBy)
			time.Sleep(time.Minute)
			assert.Zero(t, goroutines())
		})
	}
}

// A call that panics, or fails, costs its batch alone.
func TestShutdownDrainsPastACallThatPanicsOrFails(t *testing.T) {
	accidents := map[asyncprocessor.DropReason]func() error{
		"exporter_panic": func() error { panic("boom") },
		"export_failed":  func() error { return errors.New("failed") },
		"rejected": func() error {
			return &asyncprocessor.ExportError{Undelivered: []int{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, Reason: "rejected"}
		},
	}
	for reason, accident := range accidents {
		t.Run(string(reason), func(t *testing.T) {
			collectReports(t)
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				exp.export = func(_ context.Context, n int, _ []asyncprocessor.Snapshot) error {
					time.Sleep(time.Second) // until Shutdown was called
					if n == 2 {
						return accident()
					}
					return nil
				}
				p := newProcessor(t, exp, parked(asyncprocessor.WithMaxExportBatchSize(10), asyncprocessor.WithConcurrency(1))...)
				offerTrace(p, 50)
				err := p.Shutdown(context.Background())
				assert.Equal(t, uint64(10), undelivered(t, err, asyncprocessor.ErrDropped))
				s := balanced(t, p)
				assert.Equal(t, uint64(40), s.Exported)
				assert.Equal(t, reasons{reason: 10}, s.DroppedBy)
				assert.Len(t, exp.calls(), 5)
				assert.Equal(t, 1, exp.shutdownCount())
			})
		})
	}
}

// A reason that an exporter gives, one of this package's own too, does not hide a
// snapshot that it did not deliver.
func TestUndeliveredWhateverTheExporterCallsIt(t *testing.T) {
	for _, reason := range []asyncprocessor.DropReason{"already_shutdown", "queue_full", "mine", ""} {
		t.Run(string(reason), func(t *testing.T) {
			collectReports(t)
			exp := new(recorder)
			exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
				return &asyncprocessor.ExportError{Undelivered: []int{0, 1, 2}, Reason: reason, Err: errors.New("no")}
			}
			p := newProcessor(t, exp, parked()...)
			offerEnds(p, 3)
			assert.Equal(t, uint64(3), undelivered(t, p.Shutdown(t.Context()), asyncprocessor.ErrDropped))
		})
	}
}

// What the exporter's own Shutdown does wrong is told, and not waited for.
func TestExporterShutdown(t *testing.T) {
	failed := errors.New("exporter's shutdown failed")
	tests := map[string]struct {
		shutdown func(context.Context) error
		check    func(t *testing.T, err error)
		took     time.Duration
	}{
		"fails": {
			shutdown: func(context.Context) error { return failed },
			check:    func(t *testing.T, err error) { assert.ErrorIs(t, err, failed) },
		},
		"panics": {
			shutdown: func(context.Context) error { panic("boom") },
			check:    func(t *testing.T, err error) { assert.ErrorContains(t, err, "boom") },
		},
		"hangs until its context ends": {
			shutdown: func(ctx context.Context) error { <-ctx.Done(); return ctx.Err() },
			check:    func(t *testing.T, err error) { assert.ErrorIs(t, err, context.DeadlineExceeded) },
			took:     30 * time.Second,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := &recorder{shutdown: tt.shutdown}
				p := newProcessor(t, exp)
				offerEnd(p, "a")
				begin := time.Now()
				err := provider(p).Shutdown(context.Background())
				tt.check(t, err)
				assert.Equal(t, tt.took, time.Since(begin))
				var shutdownErr *asyncprocessor.ShutdownError
				assert.False(t, errors.As(err, &shutdownErr), "all was delivered")
				assert.Equal(t, uint64(1), balanced(t, p).Exported)
			})
		})
	}
}

func TestExporterShutdownThatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		release := make(chan struct{})
		exp := &recorder{shutdown: func(context.Context) error { <-release; return nil }}
		p := newProcessor(t, exp)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		require.ErrorIs(t, p.Shutdown(ctx), context.DeadlineExceeded)
		assert.Equal(t, time.Second, time.Since(begin))
		close(release)
	})
}

// When the drain took all the time, the exporter's Shutdown is called with a
// context that has ended, its error is told too, and it is not waited for much.
func TestExporterShutdownAfterTheTimeIsUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		failed := errors.New("could not close")
		exp := &recorder{export: newGate().export, shutdown: func(ctx context.Context) error {
			if ctx.Err() == nil {
				t.Error("a context with time left")
			}
			return failed
		}}
		p := newProcessor(t, exp)
		offerEnd(p, "a")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		err := p.Shutdown(ctx)
		assert.Equal(t, uint64(1), undelivered(t, err, context.DeadlineExceeded))
		assert.ErrorIs(t, err, failed)
	})
}

// The exporter is shut down once, after its last call has come back, with all
// that is going on at the same time.
func TestShutdownConcurrentSafe(t *testing.T) {
	collectReports(t)
	for range 20 {
		exp := new(recorder)
		exp.shutdown = func(context.Context) error {
			exp.mu.Lock()
			defer exp.mu.Unlock()
			if exp.atOnce > 0 {
				t.Error("shut down under a call")
			}
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(5), asyncprocessor.WithMaxQueueSize(200))
		var wg sync.WaitGroup
		begin := make(chan struct{})
		for range 4 {
			wg.Go(func() {
				<-begin
				for range 100 {
					_, span := start(context.Background(), p, "a")
					end(p, span)
				}
			})
			wg.Go(func() {
				<-begin
				for range 5 {
					_ = p.ForceFlush(context.Background())
					balanced(t, p)
				}
			})
			wg.Go(func() {
				<-begin
				assert.NoError(t, p.Shutdown(context.Background()))
				assert.NoError(t, p.ForceFlush(context.Background()))
			})
		}
		close(begin)
		wg.Wait()
		s := balanced(t, p)
		assert.Equal(t, uint64(800), s.Offered)
		assert.Zero(t, s.Queued+s.InFlight)
		assert.Equal(t, 1, exp.shutdownCount())
	}
}

func TestShutdownError(t *testing.T) {
	cause := errors.New("the cause")
	err := error(&asyncprocessor.ShutdownError{Undelivered: 12, Err: cause})
	assert.ErrorIs(t, err, cause)
	assert.EqualError(t, err, "asyncprocessor: shutdown with 12 snapshots not delivered: the cause")
	err = &asyncprocessor.ShutdownError{Undelivered: 1, Err: cause}
	assert.EqualError(t, err, "asyncprocessor: shutdown with 1 snapshot not delivered: the cause")
}
