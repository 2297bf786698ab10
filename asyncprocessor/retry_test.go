package asyncprocessor_test

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

var errUnavailable = errors.New("503")

// forNow says that all snapshots failed for now.
func forNow(snapshots []asyncprocessor.Snapshot) error {
	e := &asyncprocessor.ExportError{Err: errUnavailable, Retryable: true}
	for i := range snapshots {
		e.Undelivered = append(e.Undelivered, i)
	}
	return e
}

// What failed for now is tried again, in its place, with growing rests, and nothing is lost or told.
func TestWhatFailedForNowIsTriedAgain(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		begin := time.Now()
		exp.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			if time.Since(begin) < 10*time.Minute {
				return forNow(snapshots)
			}
			return nil
		}
		p := newProcessor(t, exp)
		ctx, parent := start(t.Context(), p, "parent")
		_, child := start(ctx, p, "child")
		time.Sleep(time.Minute)
		end(p, child)
		end(p, parent)
		s := balanced(t, p)
		require.Equal(t, uint64(2), s.Coalesced, "the STARTs wait again, and their ENDs take their places")
		require.Equal(t, int64(2), s.Queued)
		time.Sleep(9 * time.Minute)
		before := len(exp.calls())
		assert.Less(t, before, 100, "a rest of 20 s at the most, 10 s at the least")
		time.Sleep(31 * time.Second)
		synctest.Wait()
		calls := exp.calls()
		assert.Equal(t, []string{"END parent", "END child"}, calls[len(calls)-1].names())
		assert.Equal(t, uint64(2), balanced(t, p).Exported)
	})
	assert.Empty(t, log.take())
}

// The first success of others ends the rest.
func TestTheFirstSuccessEndsAllRests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		var down atomic.Bool
		down.Store(true)
		exp.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			if down.Load() {
				return forNow(snapshots)
			}
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithBatchTimeout(time.Millisecond))
		for range 50 { // each batch rests by itself
			offerEnd(p, "old")
			time.Sleep(time.Second)
		}
		down.Store(false)
		offerEnd(p, "new")
		time.Sleep(10 * time.Millisecond)
		synctest.Wait()
		assert.Equal(t, uint64(51), balanced(t, p).Exported)
	})
}

// A snapshot that the backend never takes holds up nobody, and is given up when it has failed alone for
// longer than the export timeout, while others succeeded.
func TestWhatAloneFailsIsGivenUp(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			for _, s := range snapshots {
				if s.Span.Name() == "poison" {
					return forNow(snapshots)
				}
			}
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithExportTimeout(time.Minute))
		offerEnd(p, "poison")
		for range 120 {
			offerEnd(p, "good")
			time.Sleep(time.Second)
		}
		synctest.Wait()
		s := balanced(t, p)
		assert.Equal(t, reasons{"export_failed": 1}, s.DroppedBy)
		assert.Equal(t, uint64(120), s.Exported+uint64(s.Queued))
		together := 0
		for _, c := range exp.calls() {
			if c.at.Sub(exp.calls()[0].at) > 30*time.Second && slices.Contains(c.names(), "END poison") && len(c.snapshots) > 1 {
				together++
			}
		}
		assert.Zero(t, together, "once it has failed again while others succeeded it is tried alone")
	})
}

// While nothing succeeds nothing is given up, whatever the export timeout.
func TestNothingIsGivenUpInAnOutage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		var down atomic.Bool
		down.Store(true)
		exp.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			if down.Load() {
				return forNow(snapshots)
			}
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithExportTimeout(time.Second))
		offerEnds(p, 1000)
		time.Sleep(time.Hour)
		down.Store(false)
		time.Sleep(time.Minute)
		synctest.Wait()
		assert.Equal(t, uint64(1000), balanced(t, p).Exported)
	})
}

// Shutdown tries again within its time, and counts what is left exactly.
func TestShutdownTriesAgain(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		begin := time.Now()
		exp.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			if time.Since(begin) < 65*time.Second {
				return forNow(snapshots)
			}
			return nil
		}
		p := newProcessor(t, exp)
		offerEnds(p, 10)
		time.Sleep(time.Minute)
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		require.NoError(t, p.Shutdown(ctx), "the backend is back a second before the deadline")
		assert.Equal(t, uint64(10), balanced(t, p).Exported)
	})
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error { return forNow(snapshots) }
		p := newProcessor(t, exp)
		offerEnds(p, 10)
		ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
		defer cancel()
		assert.Equal(t, uint64(10), undelivered(t, p.Shutdown(ctx), context.DeadlineExceeded))
		assert.Less(t, len(exp.calls()), 300)
	})
}

// Progress frees room and traces while the call goes on; what was told is final.
func TestProgress(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp, held := new(recorder), newGate()
		told := make(chan struct{})
		exp.export = func(ctx context.Context, n int, snapshots []asyncprocessor.Snapshot) error {
			if n > 1 {
				return nil
			}
			asyncprocessor.Progress(ctx, []int{0, 1, 1, 99, -1}, &asyncprocessor.ExportError{Undelivered: []int{2}, Reason: "rejected"})
			close(told)
			_ = held.export(ctx, n, snapshots)
			return errors.New("of the others")
		}
		p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(4), asyncprocessor.WithMaxQueueSize(4))
		// The recorder would take a trace for busy until its call is over.
		offerEnds(p, 4)
		<-told
		synctest.Wait()
		s := balanced(t, p)
		require.Equal(t, uint64(2), s.Exported)
		require.Equal(t, int64(1), s.InFlight)
		require.Equal(t, reasons{"rejected": 1}, s.DroppedBy)
		offerEnds(p, 3)
		require.Equal(t, reasons{"rejected": 1}, balanced(t, p).DroppedBy, "there is room again")
		held.open()
		_ = p.ForceFlush(t.Context()) // the loss may be counted before it begins
		s = balanced(t, p)
		assert.Equal(t, uint64(5), s.Exported)
		assert.Equal(t, reasons{"rejected": 1, "export_failed": 1}, s.DroppedBy)
		asyncprocessor.Progress(t.Context(), []int{0}, nil) // not a call's context
	})
}

// What was answered of a batch before Shutdown gave up is not counted as undelivered.
func TestShutdownDoesNotCountWhatWasAnsweredOfABatch(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
			asyncprocessor.Progress(ctx, []int{0, 2, 4, 6}, nil)
			<-ctx.Done()
			return ctx.Err()
		}
		p := newProcessor(t, exp)
		offerEnds(p, 8)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Equal(t, uint64(4), undelivered(t, p.Shutdown(ctx), context.DeadlineExceeded))
		assert.Equal(t, uint64(4), balanced(t, p).Exported)
	})
}

// keeping is a Keeper.
type keeping struct {
	*recorder
	kept []string
}

func (k *keeping) KeepSnapshots(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.kept = append(k.kept, call{snapshots: snapshots}.names()...)
	return nil
}

// A Keeper gets what waits while delivery fails for now and half of a bound is held.
func TestAKeeperGetsWhatTheQueueHasNoRoomFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeping{recorder: new(recorder)}
		var down atomic.Bool
		down.Store(true)
		k.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			if down.Load() {
				return forNow(snapshots)
			}
			return nil
		}
		p := asyncprocessor.New(k, asyncprocessor.WithMaxQueueSize(100))
		offerEnds(p, 40)
		time.Sleep(time.Hour)
		require.Empty(t, k.kept, "there is room")
		offerEnds(p, 60)
		time.Sleep(time.Second)
		synctest.Wait()
		s := balanced(t, p)
		require.Zero(t, s.Dropped)
		require.GreaterOrEqual(t, len(k.kept), 50)
		require.Equal(t, uint64(len(k.kept)), s.Exported)
		down.Store(false)
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, uint64(100), balanced(t, p).Exported)
	})
}

// It gets too what comes while all calls take long: the queue does not fill up.
func TestAKeeperGetsWhatASlowExporterHasNoTimeFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeping{recorder: new(recorder)}
		k.export = func(ctx context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			<-ctx.Done()
			return forNow(snapshots)
		}
		p := asyncprocessor.New(k, asyncprocessor.WithMaxQueueSize(160), asyncprocessor.WithMaxExportBatchSize(10),
			asyncprocessor.WithConcurrency(2), asyncprocessor.WithBatchTimeout(time.Second))
		for range 20 {
			offerEnds(p, 10)
			time.Sleep(2 * time.Second)
		}
		s := balanced(t, p)
		assert.Zero(t, s.Dropped)
		assert.Equal(t, int64(20), s.InFlight)
		assert.Len(t, k.kept, 110, "90 stay: once 100 of 160 are held, 10 go")
		assert.Equal(t, 2, k.maxAtOnce)
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, uint64(200), balanced(t, p).Exported)
	})
}

// And what Shutdown has no time for.
func TestAKeeperGetsWhatShutdownHasNoTimeFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		k := &keeping{recorder: &recorder{}}
		k.export = func(ctx context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			<-ctx.Done()
			return forNow(snapshots)
		}
		p := asyncprocessor.New(k, asyncprocessor.WithExportTimeout(0), asyncprocessor.WithMaxExportBatchSize(10))
		offerEnds(p, 200)
		synctest.Wait()
		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 4*time.Second)
		defer cancel()
		require.NoError(t, p.Shutdown(ctx))
		assert.Equal(t, 3*time.Second, time.Since(begin).Round(100*time.Millisecond), "a quarter of its time is for the Keeper")
		assert.Len(t, k.kept, 200)
		assert.Equal(t, uint64(200), balanced(t, p).Exported)
	})
}
