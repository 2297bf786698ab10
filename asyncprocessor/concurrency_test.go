package asyncprocessor_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// At most WithConcurrency calls are under way, and, with work for more, no fewer.
func TestConcurrencyIsBoundedAndUsed(t *testing.T) {
	for _, calls := range []int{1, 2, 5, 16} {
		t.Run(fmt.Sprint(calls), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
					time.Sleep(time.Second)
					return nil
				}
				p := newProcessor(t, exp, asyncprocessor.WithConcurrency(calls), asyncprocessor.WithMaxExportBatchSize(10),
					asyncprocessor.WithShutdownTimeout(time.Hour))
				for range 200 {
					offerTrace(p, 10)
				}
				require.NoError(t, p.Shutdown(t.Context()))
				assert.Equal(t, calls, exp.maxAtOnce)
				assert.Equal(t, uint64(2000), balanced(t, p).Exported)
			})
		})
	}
}

// Also with spans of one trace alone: it has one call at a time, in full batches.
func TestOneTraceHasOneCallAtATime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
			time.Sleep(time.Second)
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithConcurrency(8), asyncprocessor.WithMaxExportBatchSize(100))
		begin := time.Now()
		offerTrace(p, 1000)
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, 1, exp.maxAtOnce)
		assert.Len(t, exp.calls(), 10)
		assert.Equal(t, 10*time.Second, time.Since(begin))
	})
}

// Many goroutines, traces that several of them share, a slow exporter: what -race
// and recorder have to say.
func TestManyGoroutinesConcurrentSafe(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(50), asyncprocessor.WithConcurrency(4),
		asyncprocessor.WithBatchTimeout(time.Millisecond), asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(500))
	tracer := provider(p).Tracer("t")
	shared, root := tracer.Start(context.Background(), "shared")
	var wg sync.WaitGroup
	for i := range 32 {
		wg.Go(func() {
			for range 200 {
				ctx := context.Background()
				if i%2 == 0 {
					ctx = shared
				}
				ctx, parent := tracer.Start(ctx, "parent")
				_, child := tracer.Start(ctx, "child")
				child.End()
				parent.End()
			}
		})
	}
	wg.Wait()
	root.End()
	require.NoError(t, p.Shutdown(t.Context()))
	s := balanced(t, p)
	assert.Equal(t, uint64(32*200*4+2), s.Offered)
	assert.Equal(t, s.Offered, s.Exported+s.Coalesced)
	assert.LessOrEqual(t, exp.maxAtOnce, 4)
	checkOrder(t, exp, true)
}

// One trace with a great many spans does not delay the others: an END elsewhere is
// delivered within two batch timeouts and one request.
func TestFairness(t *testing.T) {
	for _, calls := range []int{1, 8} {
		t.Run(fmt.Sprint(calls), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
					time.Sleep(150 * time.Millisecond)
					return nil
				}
				p := newProcessor(t, exp, asyncprocessor.WithConcurrency(calls), asyncprocessor.WithShutdownTimeout(time.Hour))
				offerTrace(p, 40_000)
				synctest.Wait()
				begin := time.Now()
				for range 40 {
					offerEnd(p, "cold")
				}
				require.NoError(t, p.Shutdown(t.Context()))
				require.Greater(t, time.Since(begin), 10*time.Second, "the hot trace kept it busy")
				late := 0
				for _, c := range exp.calls() {
					for _, name := range c.names() {
						if name == "END cold" && c.at.Sub(begin) > time.Second {
							late++
						}
					}
				}
				// One in 16,384 traces shares its turn with the hot one and waits for it.
				assert.LessOrEqual(t, late, 2)
			})
		})
	}
}

// Two hot traces share the calls.
func TestHotTracesTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
			time.Sleep(time.Second)
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithConcurrency(1), asyncprocessor.WithMaxExportBatchSize(10))
		for range 20 { // more than one pair, since two may share their turn
			offerTrace(p, 100)
		}
		time.Sleep(40 * time.Second)
		seen := map[string]int{}
		for _, c := range exp.calls() {
			for _, s := range c.snapshots {
				seen[s.Span.SpanContext().TraceID().String()]++
			}
		}
		assert.GreaterOrEqual(t, len(seen), 15, "in 40 calls nearly all of 20 traces had their turn")
		_ = p.ForceFlush(t.Context())
	})
}

// A backlog of hot traces, more than there are calls and more than is sorted at once,
// does not keep a trace waiting that comes after all of it.
func TestAColdTraceDoesNotWaitForABacklogOfHotOnes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
			time.Sleep(time.Second)
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithShutdownTimeout(time.Hour))
		for range 9 {
			offerTrace(p, 6000)
			synctest.Wait()
		}
		time.Sleep(100 * time.Millisecond)
		begin := time.Now()
		for range 3 { // of which one may share its shard with a hot one
			offerEnd(p, "cold")
		}
		require.NoError(t, p.Shutdown(t.Context()))
		soon := 0
		for _, c := range exp.calls() {
			for _, name := range c.names() {
				if name == "END cold" && c.at.Sub(begin) <= 2*time.Second {
					soon++
				}
			}
		}
		assert.GreaterOrEqual(t, soon, 2)
	})
}
