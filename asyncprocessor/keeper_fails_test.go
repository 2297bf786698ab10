package asyncprocessor_test

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// fullKeeper is a Keeper that has no room for now, and says so after a pause.
type fullKeeper struct {
	*recorder
	pause time.Duration
	asked atomic.Int32
}

func (k *fullKeeper) KeepSnapshots(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
	k.asked.Add(1)
	time.Sleep(k.pause)
	return forNow(snapshots)
}

// A Keeper that has no room for now, as one whose disk is full, does not take the place of the exporter for good: after an
// outage all is delivered.
func TestAKeeperThatFailsLeavesTheExporterItsTurn(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		k := &fullKeeper{recorder: new(recorder)}
		var down atomic.Bool
		down.Store(true)
		k.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			if down.Load() {
				return forNow(snapshots)
			}
			return nil
		}
		p := asyncprocessor.New(k, asyncprocessor.WithMaxQueueSize(100), asyncprocessor.WithMaxExportBatchSize(10))
		offerEnds(p, 60)
		time.Sleep(10 * time.Minute)
		assert.Equal(t, int64(60), balanced(t, p).Queued)
		assert.Greater(t, k.asked.Load(), int32(20))
		down.Store(false)
		time.Sleep(time.Minute)
		assert.Equal(t, uint64(60), balanced(t, p).Exported)
		require.NoError(t, p.Shutdown(t.Context()))
	})
}

// A Keeper that failed for now is asked again within what a short Shutdown has left, whenever it failed.
func TestAKeeperThatFailedIsAskedAgainInAShortShutdown(t *testing.T) {
	for name, before := range map[string]time.Duration{"before it": 10 * time.Millisecond, "in it": 0} {
		t.Run(name, func(t *testing.T) {
			collectReports(t)
			synctest.Test(t, func(t *testing.T) {
				k := &tiredKeeper{recorder: new(recorder)}
				k.export = func(ctx context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
					<-ctx.Done()
					return forNow(snapshots)
				}
				p := asyncprocessor.New(k, asyncprocessor.WithConcurrency(1), asyncprocessor.WithMaxQueueSize(16),
					asyncprocessor.WithMaxExportBatchSize(10), asyncprocessor.WithBatchTimeout(time.Millisecond))
				offerEnds(p, 10)
				synctest.Wait()
				offerEnds(p, 2)
				time.Sleep(before)
				ctx, cancel := context.WithTimeout(t.Context(), 400*time.Millisecond)
				defer cancel()
				assert.NoError(t, p.Shutdown(ctx))
				assert.Equal(t, 12, k.kept)
			})
		})
	}
}
