package asyncprocessor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// A flush that ends with a loss says so, though more of the same call is still to be settled.
func TestAFlushTellsTheLossThatEndsIt(t *testing.T) {
	collectReports(t)
	for range 100 {
		synctest.Test(t, func(t *testing.T) {
			exp, first := new(recorder), newGate()
			exp.export = func(ctx context.Context, n int, snapshots []asyncprocessor.Snapshot) error {
				if n == 1 {
					return first.export(ctx, n, snapshots)
				}
				lost := &asyncprocessor.ExportError{Err: errors.New("lost")}
				for i := range snapshots {
					lost.Undelivered = append(lost.Undelivered, i)
				}
				asyncprocessor.Progress(ctx, nil, lost)
				return nil
			}
			p := newProcessor(t, exp, asyncprocessor.WithConcurrency(1))
			offerEnds(p, 512) // with the exporter
			synctest.Wait()
			offerEnd(p, "flushed")
			flushed := make(chan error)
			go func() { flushed <- p.ForceFlush(t.Context()) }()
			synctest.Wait()
			offerEnds(p, 511)
			first.open()
			require.ErrorIs(t, <-flushed, asyncprocessor.ErrDropped)
		})
	}
}
