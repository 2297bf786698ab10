package asyncprocessor_test

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// Every step of a life full of accidents is accounted for.
func TestConservationAfterEveryStep(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(_ context.Context, n int, snapshots []asyncprocessor.Snapshot) error {
			time.Sleep(time.Second)
			switch n % 4 {
			case 1:
				return errors.New("failed")
			case 2:
				return &asyncprocessor.ExportError{Undelivered: []int{0}, Reason: "rejected", Err: errors.New("no")}
			case 3:
				panic("boom")
			}
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(12), asyncprocessor.WithMaxExportBatchSize(3),
			asyncprocessor.WithConcurrency(2), asyncprocessor.WithMaxQueueBytes(60_000))
		offered := uint64(0)
		for i := range 200 {
			ctx, span := start(t.Context(), p, "parent")
			balanced(t, p)
			_, child := start(ctx, p, "child", payload(10*i))
			balanced(t, p)
			end(p, child)
			balanced(t, p)
			end(p, span)
			offered += 4
			assert.Equal(t, offered, balanced(t, p).Offered)
			if i%7 == 0 {
				for range 10 {
					start(t.Context(), p, "running")
				}
				offered += 10
			}
			time.Sleep(time.Duration(i%5) * 300 * time.Millisecond)
			balanced(t, p)
		}
		offerEnd(p, "too large", payload(60_000))
		balanced(t, p)
		ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
		defer cancel()
		offerEnds(p, 20)
		balanced(t, p)
		require.Error(t, p.Shutdown(ctx))
		offerEnd(p, "late")
		s := balanced(t, p)
		assert.Equal(t, offered+23, s.Offered, "with what remains of the one that was too large")
		for _, reason := range []asyncprocessor.DropReason{
			"queue_full", "start_refused", "too_large", "already_shutdown", "shutdown_deadline",
			"export_failed", "exporter_panic", "rejected",
		} {
			assert.NotZero(t, s.DroppedBy[reason], reason)
		}
		assert.NotZero(t, s.Exported)
		assert.NotZero(t, s.Coalesced)
	})
}

// Stats adds up at every moment, and its totals never decrease, whatever goes on.
func TestConservationConcurrentSafe(t *testing.T) {
	collectReports(t)
	exp := new(recorder)
	exp.export = func(_ context.Context, n int, snapshots []asyncprocessor.Snapshot) error {
		if n%3 == 0 {
			return errors.New("failed")
		}
		return nil
	}
	p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(100), asyncprocessor.WithMaxExportBatchSize(7))
	stop := make(chan struct{})
	var watching, producing sync.WaitGroup
	for range 2 {
		watching.Go(func() {
			var last asyncprocessor.Stats
			for {
				s := balanced(t, p)
				if s.Offered < last.Offered || s.Exported < last.Exported || s.Coalesced < last.Coalesced || s.Dropped < last.Dropped {
					t.Errorf("decreased from %+v to %+v", last, s)
				}
				if s.Queued+s.InFlight > 100 {
					t.Errorf("over the bound: %+v", s)
				}
				last = s
				select {
				case <-stop:
					return
				default:
				}
			}
		})
	}
	for range 4 {
		producing.Go(func() {
			for range 2000 {
				_, span := start(context.Background(), p, "a")
				if rand.IntN(2) == 0 {
					end(p, span)
				}
			}
		})
	}
	producing.Wait()
	_ = p.Shutdown(context.Background())
	close(stop)
	watching.Wait()
}

func TestDroppedByBelongsToTheCaller(t *testing.T) {
	collectReports(t)
	held := newGate()
	p := newProcessor(t, &recorder{export: held.export}, asyncprocessor.WithMaxQueueSize(1))
	offerEnds(p, 2)
	first := p.Stats()
	require.Equal(t, reasons{"queue_full": 1}, first.DroppedBy)
	first.DroppedBy["queue_full"] = 99
	first.DroppedBy["mine"] = 1
	require.Equal(t, reasons{"queue_full": 1}, balanced(t, p).DroppedBy)
	second := p.Stats()
	offerEnd(p, "dropped")
	assert.Equal(t, reasons{"queue_full": 1}, second.DroppedBy, "a later drop does not show in it")
	held.open()
}

// Under StartNever ENDs alone are offered.
func TestStartNeverOffersEndsAlone(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked(asyncprocessor.WithStartPolicy(asyncprocessor.StartNever))...)
	_, span := start(t.Context(), p, "a")
	assert.Zero(t, balanced(t, p).Offered)
	end(p, span)
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, []string{"END a"}, exp.names())
	s := balanced(t, p)
	assert.Equal(t, uint64(1), s.Offered)
	assert.Equal(t, uint64(1), s.Exported)
	assert.Zero(t, s.Coalesced)
}
