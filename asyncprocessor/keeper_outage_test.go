package asyncprocessor_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// That a Keeper took something over does not say that the backend takes anything: in an outage nothing is given up as
// failing alone.
func TestAnOutageWithAKeeperGivesNothingUp(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		k := &keeping{recorder: new(recorder)}
		k.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error { return forNow(snapshots) }
		p := asyncprocessor.New(k, asyncprocessor.WithMaxQueueSize(400), asyncprocessor.WithMaxExportBatchSize(10),
			asyncprocessor.WithConcurrency(2))
		for i := range 3600 {
			offerEnd(p, fmt.Sprint(i))
			time.Sleep(time.Second)
		}
		assert.Empty(t, balanced(t, p).DroppedBy)
		require.NoError(t, p.Shutdown(t.Context()))
	})
}

// What a Keeper took over is not at the backend: it has no delivery lag.
func TestWhatAKeeperTookHasNoDeliveryLag(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		k := &keeping{recorder: new(recorder)}
		k.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error { return forNow(snapshots) }
		reader := sdkmetric.NewManualReader()
		p := asyncprocessor.New(k, asyncprocessor.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		offerEnds(p, 3)
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, uint64(3), p.Stats().Exported)
		assert.NotContains(t, collect(t, reader), "asyncprocessor.delivery.lag")
	})
}

// tiredKeeper is a Keeper whose first call fails for now.
type tiredKeeper struct {
	*recorder
	calls, kept int
}

func (k *tiredKeeper) KeepSnapshots(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.calls++; k.calls == 1 {
		return forNow(snapshots)
	}
	k.kept += len(snapshots)
	return nil
}

// Once Shutdown has cut off the exports, what a Keeper could not take at once waits for it: an exporter whose context has
// ended is not asked, and would lose it.
func TestShutdownAsksNoExporterWhoseContextHasEnded(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		k := &tiredKeeper{recorder: new(recorder)}
		k.export = func(ctx context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
			assert.NoError(t, ctx.Err(), "a call that can do nothing")
			<-ctx.Done()
			return forNow(snapshots)
		}
		p := asyncprocessor.New(k, asyncprocessor.WithExportTimeout(0), asyncprocessor.WithMaxExportBatchSize(10), asyncprocessor.WithConcurrency(1))
		offerEnds(p, 30)
		synctest.Wait()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		assert.NoError(t, p.Shutdown(ctx))
		assert.Equal(t, 30, k.kept)
	})
}

// optionalKeeper can be told not to keep.
type optionalKeeper struct {
	keeping
	keeps bool
}

func (k *optionalKeeper) Keeps() bool { return k.keeps }

// A nil pointer in an Exporter fails in the background, where it is counted, and not in the application's start.
func TestANilKeeperDoesNotPanicInNew(t *testing.T) {
	collectReports(t)
	var p *asyncprocessor.Processor
	require.NotPanics(t, func() { p = asyncprocessor.New((*optionalKeeper)(nil)) })
	offerEnd(p, "a")
	require.Error(t, p.Shutdown(t.Context()))
	assert.Equal(t, reasons{"exporter_panic": 1}, p.Stats().DroppedBy)
}
