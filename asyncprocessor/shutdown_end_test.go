package asyncprocessor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// An exporter whose Shutdown does not return takes nothing of the moment in which the error handler writes what was lost.
func TestALossIsReportedThoughTheExportersShutdownHangs(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		var written []error
		onReport(t, func(err error) {
			time.Sleep(10 * time.Millisecond)
			written = append(written, err)
		})
		exp, released := new(recorder), make(chan struct{})
		exp.export = func(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
			<-ctx.Done()
			return ctx.Err()
		}
		exp.shutdown = func(context.Context) error {
			<-released
			return nil
		}
		p := newProcessor(t, exp)
		offerEnds(p, 3)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		err := p.Shutdown(ctx)
		require.Error(t, err)
		assert.Equal(t, 1085*time.Millisecond, time.Since(begin), "the deadline, 75 ms for the exporter, 10 ms to write")
		assert.Equal(t, []error{err}, written, "by the time Shutdown has returned")
		close(released)
	})
}

// What a Keeper could not take, and was delivered after all, does not hold up the end of Shutdown until the Keeper would be
// asked again.
func TestShutdownEndsAsSoonAsNothingIsLeft(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		k, first := &fullKeeper{recorder: new(recorder), pause: 7850 * time.Millisecond}, newGate()
		k.export = func(ctx context.Context, n int, snapshots []asyncprocessor.Snapshot) error {
			if n == 1 {
				return first.export(ctx, n, snapshots)
			}
			<-ctx.Done()
			return nil // it was answered at the last moment
		}
		p := asyncprocessor.New(k, asyncprocessor.WithConcurrency(1), asyncprocessor.WithMaxQueueSize(16),
			asyncprocessor.WithMaxExportBatchSize(10))
		offerEnds(p, 10)
		synctest.Wait()
		offerEnds(p, 2)
		time.AfterFunc(7900*time.Millisecond, first.open)

		begin := time.Now()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		require.NoError(t, p.Shutdown(ctx))
		assert.Equal(t, 8*time.Second, time.Since(begin), "when exports are cut off to make time for the Keeper")
		assert.Equal(t, int32(1), k.asked.Load())
		assert.Equal(t, uint64(12), balanced(t, p).Exported)
	})
}
