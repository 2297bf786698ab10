package asyncprocessor_test

import (
	"context"
	"math"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// Who wants no bound gives the largest number: all is accepted.
func TestTheLargestBoundsAccept(t *testing.T) {
	for name, opt := range map[string]asyncprocessor.Option{
		"items": asyncprocessor.WithMaxQueueSize(math.MaxInt),
		"bytes": asyncprocessor.WithMaxQueueBytes(math.MaxInt64),
	} {
		t.Run(name, func(t *testing.T) {
			exp := new(recorder)
			p := newProcessor(t, exp, opt)
			_, span := start(t.Context(), p, "a")
			require.Empty(t, balanced(t, p).DroppedBy)
			end(p, span)
			require.NoError(t, p.Shutdown(t.Context()))
			assert.Equal(t, []string{"END a"}, exp.names())
		})
	}
}

// Who wants no batch timeout gives the largest: what failed for now is tried again all the same.
func TestTheLargestBatchTimeoutLeavesTheOtherTimersAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(_ context.Context, n int, snapshots []asyncprocessor.Snapshot) error {
			if n == 1 {
				return forNow(snapshots)
			}
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithBatchTimeout(math.MaxInt64), asyncprocessor.WithMaxExportBatchSize(2))
		time.Sleep(time.Second)
		offerEnds(p, 2)
		synctest.Wait()
		offerEnd(p, "waits for its batch")
		time.Sleep(time.Minute)
		assert.Equal(t, uint64(2), balanced(t, p).Exported)
	})
}

// A bound holds for those that come at once, whatever its size. Where it does not, most runs on a machine that is not busy say so.
func TestSmallBoundsHoldForConcurrentCallers(t *testing.T) {
	collectReports(t)
	exp := new(recorder)
	var most atomic.Int64
	p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(1), asyncprocessor.WithConcurrency(1))
	exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
		s := p.Stats()
		if n := s.Queued + s.InFlight; n > most.Load() {
			most.Store(n)
		}
		return nil
	}
	done := make(chan struct{})
	for range 8 {
		go func() {
			for range 20_000 {
				offerEnd(p, "a")
			}
			done <- struct{}{}
		}()
	}
	for range 8 {
		<-done
	}
	require.NoError(t, p.Shutdown(t.Context()))
	assert.Equal(t, int64(1), most.Load(), "waiting and in flight")
}

// What is written of running spans at Shutdown keeps to the bounds too, and none is left out.
func TestUnfinishedSpansKeepToTheBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		var most atomic.Int64
		p := inFlight(t, exp, asyncprocessor.WithMaxQueueSize(10))
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
			s := p.Stats()
			if n := s.Queued + s.InFlight; n > most.Load() {
				most.Store(n)
			}
			return nil
		}
		for range 20 {
			for range 5 {
				start(t.Context(), p, "runs")
			}
			require.NoError(t, p.ForceFlush(t.Context()))
		}
		require.Equal(t, int64(100), p.Stats().Tracked)
		require.NoError(t, p.Shutdown(t.Context()))
		unfinished := 0
		for _, name := range exp.names() {
			if name == "UNFINISHED runs" {
				unfinished++
			}
		}
		assert.Equal(t, 100, unfinished)
		assert.LessOrEqual(t, most.Load(), int64(10), "waiting and in flight")
	})
}

// An END that takes the place of its START needs no more room than that had: the share of its trace is no reason to
// refuse it.
func TestAnEndInThePlaceOfItsStartIsWithinTheShareOfItsTrace(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, parked(asyncprocessor.WithMaxQueueSize(100), asyncprocessor.WithConcurrency(1), asyncprocessor.WithExportTimeout(0))...)
		held := newGate()
		exp.export = held.export
		offerEnd(p, "holds the exporter")
		go p.ForceFlush(t.Context()) // it sends what is there
		synctest.Wait()
		ctx, root := start(t.Context(), p, "root")
		for range 59 {
			start(ctx, p, "child")
		}
		offerEnds(p, 20) // of others: 81 are held
		require.Empty(t, balanced(t, p).DroppedBy)
		end(p, root)
		s := balanced(t, p)
		assert.Empty(t, s.DroppedBy)
		assert.Equal(t, uint64(1), s.Coalesced)
		held.open()
	})
}
