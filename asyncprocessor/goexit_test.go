package asyncprocessor_test

import (
	"context"
	"runtime"
	"testing"

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
