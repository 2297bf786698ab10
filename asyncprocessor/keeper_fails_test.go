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
