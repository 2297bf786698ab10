package asyncprocessor_test

import (
	"context"
	"runtime"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// An exporter that ends its goroutine, as require does in a test, loses its batch
// and nothing else.
func TestGoexitInTheExporter(t *testing.T) {
	collectReports(t)
	exp := new(recorder)
	exp.export = func(_ context.Context, n int, _ []asyncprocessor.Snapshot) error {
		if n == 1 {
			runtime.Goexit()
		}
		return nil
	}
	p := newProcessor(t, exp, parked()...)
	offerEnds(p, 3)
	require.ErrorIs(t, p.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
	offerEnds(p, 2)
	require.NoError(t, p.Shutdown(context.Background()))
	s := balanced(t, p)
	assert.Equal(t, reasons{"exporter_panic": 3}, s.DroppedBy)
	assert.Equal(t, uint64(2), s.Exported)
}

// The same in its Shutdown, which is then over.
func TestGoexitInTheExportersShutdown(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := &recorder{shutdown: func(context.Context) error { runtime.Goexit(); return nil }}
		p := asyncprocessor.New(exp)
		begin := time.Now()
		require.ErrorContains(t, p.Shutdown(t.Context()), "exporter panicked in Shutdown")
		assert.Zero(t, time.Since(begin))
	})
}

// askable is an exporter that asks its own state whether it is disabled.
type askable struct {
	recorder
	off bool
}

func (e *askable) Disabled() bool { return e.off }

// A typed nil that cannot say whether it is disabled does not panic in the
// application: what it is given is counted.
func TestExporterThatPanicsWhenAskedIfItIsDisabled(t *testing.T) {
	collectReports(t)
	var p *asyncprocessor.Processor
	require.NotPanics(t, func() { p = asyncprocessor.New((*askable)(nil)) })
	offerEnd(p, "a")
	require.Error(t, p.Shutdown(context.Background()))
	assert.Equal(t, reasons{"exporter_panic": 1}, balanced(t, p).DroppedBy)
}
