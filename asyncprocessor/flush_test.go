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

func TestForceFlushExportsAtOnce(t *testing.T) {
	for name, flush := range map[string]func(*asyncprocessor.Processor) func(context.Context) error{
		"processor": func(p *asyncprocessor.Processor) func(context.Context) error { return p.ForceFlush },
		"provider":  func(p *asyncprocessor.Processor) func(context.Context) error { return provider(p).ForceFlush },
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(10))
				begin := time.Now()
				require.NoError(t, flush(p)(t.Context()), "nothing to flush")
				offerEnds(p, 25)
				start(t.Context(), p, "running")
				require.NoError(t, flush(p)(t.Context()))
				assert.Zero(t, time.Since(begin))
				assert.Len(t, exp.names(), 26)
				assert.Contains(t, exp.names(), "START running")
				assert.Zero(t, balanced(t, p).InFlight)
				assert.Zero(t, exp.shutdownCount())
			})
		})
	}
}

// It returns when what is in flight and what waits behind it has come back.
func TestForceFlushWaitsForWhatIsInFlight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &recorder{export: secondEach}
		p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(10), asyncprocessor.WithConcurrency(1))
		offerTrace(p, 25)
		synctest.Wait()
		require.Equal(t, int64(10), balanced(t, p).InFlight)
		time.Sleep(500 * time.Millisecond)
		begin := time.Now()
		require.NoError(t, p.ForceFlush(t.Context()))
		assert.Equal(t, 2500*time.Millisecond, time.Since(begin))
		assert.Equal(t, uint64(25), balanced(t, p).Exported)
	})
}

// What is offered after it began is not waited for, be it of another trace or of
// the same one.
func TestForceFlushDoesNotWaitForWhatComesLater(t *testing.T) {
	for _, sameTrace := range []bool{true, false} {
		name := map[bool]string{true: "same trace", false: "other traces"}[sameTrace]
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				before, later := newGate(), newGate()
				exp.export = func(ctx context.Context, n int, s []asyncprocessor.Snapshot) error {
					if s[0].Span.Name() == "before" {
						return before.export(ctx, n, s)
					}
					return later.export(ctx, n, s)
				}
				p := newProcessor(t, exp, asyncprocessor.WithConcurrency(2))
				ctx, root := start(t.Context(), p, "before")
				result := make(chan error, 1)
				go func() { result <- p.ForceFlush(context.Background()) }()
				synctest.Wait()
				if sameTrace {
					_, child := start(ctx, p, "later")
					end(p, child)
					end(p, root)
				} else {
					offerEnds(p, 10)
				}
				time.Sleep(time.Minute)
				require.Empty(t, result)
				before.open()
				synctest.Wait()
				require.Len(t, result, 1)
				assert.NoError(t, <-result)
				assert.Positive(t, balanced(t, p).InFlight, "what came later is still on its way")
				later.open()
			})
		})
	}
}

func TestForceFlushReportsWhatIsDroppedMeanwhile(t *testing.T) {
	accidents := map[string]func(p *asyncprocessor.Processor) error{
		"export fails":  func(*asyncprocessor.Processor) error { return errors.New("failed") },
		"export panics": func(*asyncprocessor.Processor) error { panic("boom") },
		"partial":       func(*asyncprocessor.Processor) error { return &asyncprocessor.ExportError{Undelivered: []int{1}} },
		"queue is full": func(p *asyncprocessor.Processor) error { offerEnds(p, 20); return nil },
		"START refused": func(p *asyncprocessor.Processor) error {
			for range 20 {
				start(context.Background(), p, "a")
			}
			return nil
		},
	}
	for name, accident := range accidents {
		t.Run(name, func(t *testing.T) {
			collectReports(t)
			exp := new(recorder)
			p := newProcessor(t, exp, parked(asyncprocessor.WithMaxQueueSize(10), asyncprocessor.WithConcurrency(1))...)
			exp.export = func(_ context.Context, n int, _ []asyncprocessor.Snapshot) error {
				if n == 1 {
					return accident(p)
				}
				return nil
			}
			offerEnds(p, 5)
			require.ErrorIs(t, p.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
			require.NoError(t, p.ForceFlush(t.Context()), "the next one starts anew")
			offerEnds(p, 5)
			require.NoError(t, p.ForceFlush(t.Context()))
		})
	}
}

func TestForceFlushIgnoresWhatWasDroppedBefore(t *testing.T) {
	collectReports(t)
	held := newGate()
	p := newProcessor(t, &recorder{export: held.export}, asyncprocessor.WithMaxQueueSize(3))
	offerEnds(p, 10)
	require.Equal(t, reasons{"queue_full": 7}, balanced(t, p).DroppedBy)
	held.open()
	assert.NoError(t, p.ForceFlush(t.Context()))
}

func TestForceFlushContextAlreadyCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, parked()...)
		offerEnd(p, "a")
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		require.ErrorIs(t, p.ForceFlush(ctx), context.Canceled)
		require.ErrorIs(t, provider(p).ForceFlush(ctx), context.Canceled)
		assert.NoError(t, p.ForceFlush(t.Context()))
		assert.Equal(t, []string{"END a"}, exp.names())
	})
}

// Its context ends the wait, not the exports.
func TestForceFlushContextEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		var cause error
		exp.export = func(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
			time.Sleep(10 * time.Second)
			cause = ctx.Err()
			return cause
		}
		p := newProcessor(t, exp, asyncprocessor.WithConcurrency(1), asyncprocessor.WithMaxExportBatchSize(2))
		offerTrace(p, 4)
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
		defer cancel()
		require.ErrorIs(t, p.ForceFlush(ctx), context.DeadlineExceeded)
		assert.Equal(t, 3*time.Second, time.Since(begin))
		require.NoError(t, p.ForceFlush(t.Context()))
		assert.Equal(t, 20*time.Second, time.Since(begin))
		assert.NoError(t, cause)
		assert.Equal(t, uint64(4), balanced(t, p).Exported)
	})
}

// One that nobody waits for any more does not change how later spans are batched.
func TestForceFlushGivenUpDoesNotChangeBatching(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		held := newGate()
		exp.export = func(ctx context.Context, n int, s []asyncprocessor.Snapshot) error {
			if n == 1 {
				return held.export(ctx, n, s)
			}
			return nil
		}
		p := newProcessor(t, exp)
		offerEnd(p, "hangs")
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		require.ErrorIs(t, p.ForceFlush(ctx), context.DeadlineExceeded)
		for range 100 { // 10 s
			offerEnd(p, "a")
			time.Sleep(100 * time.Millisecond)
		}
		assert.LessOrEqual(t, len(exp.calls()), 25, "one for each batch timeout")
		held.open()
	})
}

func TestForceFlushFromManyGoroutinesConcurrentSafe(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(3), asyncprocessor.WithConcurrency(2))
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 20 {
				_, span := start(context.Background(), p, "a")
				end(p, span)
				id := span.SpanContext().SpanID()
				assert.NoError(t, p.ForceFlush(context.Background()))
				found := false
				for _, c := range exp.calls() {
					for _, s := range c.snapshots {
						found = found || s.Phase == asyncprocessor.PhaseEnd && s.Span.SpanContext().SpanID() == id && c.returned
					}
				}
				assert.True(t, found, "flushed and not exported")
			}
		})
	}
	wg.Wait()
}

// Under a Shutdown that delivers, it succeeds when that is done; under one that gives
// up, it says that something was dropped. In neither case does it hang.
func TestForceFlushDuringShutdown(t *testing.T) {
	tests := map[string]struct {
		timeout time.Duration
		want    error
	}{
		"delivers": {10 * time.Second, nil},
		"gives up": {time.Second, asyncprocessor.ErrDropped},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				exp.export = func(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
					select {
					case <-time.After(5 * time.Second):
						return nil
					case <-ctx.Done():
						return ctx.Err()
					}
				}
				p := newProcessor(t, exp, asyncprocessor.WithShutdownTimeout(tt.timeout))
				offerEnds(p, 3)
				result := make(chan error, 1)
				go func() { result <- p.ForceFlush(context.Background()) }()
				synctest.Wait()
				begin := time.Now()
				go func() { _ = p.Shutdown(context.Background()) }()
				assert.ErrorIs(t, <-result, tt.want)
				assert.Equal(t, min(tt.timeout, 5*time.Second), time.Since(begin))
			})
		})
	}
}

// An exporter that flushes is told so, and does not wait for itself.
func TestForceFlushInTheExporter(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var p *asyncprocessor.Processor
		exp := new(recorder)
		exp.export = func(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
			assert.ErrorContains(t, p.ForceFlush(ctx), "would wait for itself")
			return nil
		}
		p = newProcessor(t, exp)
		offerEnd(p, "a")
		begin := time.Now()
		require.NoError(t, p.ForceFlush(t.Context()))
		assert.Zero(t, time.Since(begin))
		assert.Equal(t, []string{"END a"}, exp.names())
	})
}
