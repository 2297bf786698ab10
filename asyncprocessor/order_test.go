package asyncprocessor_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// checkOrder asserts on what the exporter was given that no START comes after its
// END, nothing twice, and nothing of a child before its parent. Since recorder
// sees to it that no trace is in two calls at once, the order of the calls is the
// order of delivery. startsMade says that every parent has a START.
func checkOrder(t *testing.T, exp *recorder, startsMade bool) {
	t.Helper()
	type key struct {
		trace trace.TraceID
		span  trace.SpanID
	}
	started, ended := map[key]bool{}, map[key]bool{}
	for _, c := range exp.calls() {
		for _, s := range c.snapshots {
			sc, parent := s.Span.SpanContext(), s.Span.Parent()
			k := key{sc.TraceID(), sc.SpanID()}
			require.False(t, ended[k], "%s of %s after its END", s.Phase, s.Span.Name())
			if s.Phase == asyncprocessor.PhaseStart {
				require.False(t, started[k], "a second START of %s", s.Span.Name())
				started[k] = true
			} else {
				ended[k] = true
			}
			if startsMade && parent.IsValid() {
				above := key{parent.TraceID(), parent.SpanID()}
				require.True(t, started[above] || ended[above], "%s of %s before its parent", s.Phase, s.Span.Name())
			}
		}
	}
}

// pause sleeps for a random time of at most d of the fake clock.
func pause(d time.Duration) { time.Sleep(rand.N(d + 1)) }

// grow makes a random tree of spans, which take time.
func grow(ctx context.Context, p *asyncprocessor.Processor, depth int) {
	ctx, span := start(ctx, p, fmt.Sprintf("depth %d", depth))
	pause(30 * time.Millisecond)
	for range rand.IntN(4) {
		if depth < 4 {
			grow(ctx, p, depth+1)
		}
	}
	if rand.IntN(20) == 0 {
		return // never ends
	}
	end(p, span)
	if depth < 4 && rand.IntN(5) == 0 {
		grow(ctx, p, depth+1) // a child that outlives its parent
	}
}

func TestOrder(t *testing.T) {
	refused := errors.New("refused")
	exporters := map[string]func(context.Context, int, []asyncprocessor.Snapshot) error{
		"instant": nil,
		"slow": func(context.Context, int, []asyncprocessor.Snapshot) error {
			pause(200 * time.Millisecond)
			return nil
		},
		"failing": func(context.Context, int, []asyncprocessor.Snapshot) error {
			pause(50 * time.Millisecond)
			if rand.IntN(3) == 0 {
				return refused
			}
			return nil
		},
		"retrying": func(context.Context, int, []asyncprocessor.Snapshot) error {
			for range rand.IntN(5) {
				time.Sleep(time.Second)
			}
			return nil
		},
		"panicking": func(context.Context, int, []asyncprocessor.Snapshot) error {
			pause(50 * time.Millisecond)
			if rand.IntN(3) == 0 {
				panic("boom")
			}
			return nil
		},
	}
	for _, policy := range []asyncprocessor.StartPolicy{
		asyncprocessor.StartCoalesced, asyncprocessor.StartAlways, asyncprocessor.StartNever,
	} {
		for name, export := range exporters {
			for _, size := range []int{1, 3, 50} {
				t.Run(fmt.Sprintf("%s/%s/%d", policy, name, size), func(t *testing.T) {
					collectReports(t)
					synctest.Test(t, func(t *testing.T) {
						exp := &recorder{export: export}
						p := newProcessor(t, exp, asyncprocessor.WithStartPolicy(policy), asyncprocessor.WithConcurrency(4),
							asyncprocessor.WithMaxExportBatchSize(size), asyncprocessor.WithBatchTimeout(100*time.Millisecond),
							asyncprocessor.WithShutdownTimeout(24*time.Hour))
						var wg sync.WaitGroup
						for range 6 {
							wg.Go(func() {
								for range 5 {
									grow(context.Background(), p, 0)
								}
							})
						}
						wg.Go(func() {
							for range 5 {
								pause(300 * time.Millisecond)
								_ = p.ForceFlush(context.Background())
							}
						})
						wg.Wait()
						_ = p.Shutdown(context.Background())
						s := balanced(t, p)
						assert.Zero(t, s.DroppedBy["start_refused"]+s.DroppedBy["queue_full"])
						checkOrder(t, exp, policy != asyncprocessor.StartNever)
					})
				})
			}
		}
	}
}

// A START that waits in a retry holds up what belongs to its trace, and nothing of
// it is sent meanwhile, however much there is.
func TestARetryHoldsUpItsTrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		retrying := newGate()
		exp.export = func(ctx context.Context, n int, s []asyncprocessor.Snapshot) error {
			if n == 1 {
				return retrying.export(ctx, n, s)
			}
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithBatchTimeout(time.Second))
		ctx, root := start(t.Context(), p, "root")
		time.Sleep(2 * time.Second)
		require.Equal(t, [][]string{{"START root"}}, exp.batches())
		_, child := start(ctx, p, "child")
		end(p, child)
		end(p, root)
		time.Sleep(time.Minute)
		require.Len(t, exp.calls(), 1)
		retrying.open()
		synctest.Wait()
		assert.Equal(t, [][]string{{"START root"}, {"END child", "END root"}}, exp.batches())
	})
}

// A trace that hangs in a call does not hold up the others.
func TestARetryDoesNotHoldUpOtherTraces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		retrying := newGate()
		exp.export = func(ctx context.Context, n int, s []asyncprocessor.Snapshot) error {
			if n == 1 {
				return retrying.export(ctx, n, s)
			}
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithConcurrency(2))
		offerEnd(p, "hangs")
		time.Sleep(time.Second)
		offerEnds(p, 100)
		time.Sleep(time.Second)
		// Of 100 traces, some may share their turn with the one that hangs: 1 in 16,384.
		assert.GreaterOrEqual(t, balanced(t, p).Exported, uint64(97))
		retrying.open()
	})
}

// The END of a span whose START was refused is delivered all the same.
func TestEndWithoutItsStart(t *testing.T) {
	collectReports(t)
	exp := new(recorder)
	p := newProcessor(t, exp, parked(asyncprocessor.WithMaxQueueSize(4))...)
	offerEnds(p, 3)
	_, span := start(t.Context(), p, "refused")
	end(p, span)
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Contains(t, exp.names(), "END refused")
	assert.Equal(t, reasons{"start_refused": 1}, balanced(t, p).DroppedBy)
}
