package asyncprocessor_test

import (
	"context"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// stuckFirst is an exporter whose first call does not return until the gate is open.
type stuckFirst struct {
	gate  *gate
	calls atomic.Int32
}

func (e *stuckFirst) ExportSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
	if n := e.calls.Add(1); n == 1 {
		return e.gate.export(ctx, int(n), snapshots)
	}
	return nil
}

func (*stuckFirst) Shutdown(context.Context) error { return nil }

// A service that flushes after each request keeps nothing of these flushes, though one of the first
// snapshots is stuck.
func TestFlushesThatGaveUpKeepNoMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &stuckFirst{gate: newGate()}
		p := asyncprocessor.New(exp, asyncprocessor.WithExportTimeout(0))
		flush := func() {
			ctx, cancel := context.WithTimeout(t.Context(), time.Millisecond)
			defer cancel()
			require.ErrorIs(t, p.ForceFlush(ctx), context.DeadlineExceeded)
		}
		offerEnd(p, "stuck")
		flush()
		held := func(flushes int) uint64 {
			for range flushes {
				offerEnd(p, "another")
				flush()
			}
			runtime.GC()
			var m runtime.MemStats
			runtime.ReadMemStats(&m)
			return m.HeapAlloc
		}
		before := held(1000)
		assert.Less(t, int64(held(20_000)-before), int64(256<<10))

		flushed := make(chan error)
		go func() { flushed <- p.ForceFlush(t.Context()) }()
		synctest.Wait()
		assert.Equal(t, int64(1), p.Stats().InFlight)
		exp.gate.open()
		require.NoError(t, <-flushed)
		require.NoError(t, p.Shutdown(t.Context()))
	})
}
