package asyncprocessor_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// Shutdown says why what it had to deliver was lost, and not what was lost before it.
func TestShutdownSaysWhy(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		refusal := errors.New("the backend answered 403")
		exp.export = func(_ context.Context, n int, snapshots []asyncprocessor.Snapshot) error {
			lost := &asyncprocessor.ExportError{Reason: "unauthorized", Err: refusal}
			if n == 1 {
				lost = &asyncprocessor.ExportError{Reason: "rejected", Err: errors.New("before")}
			}
			for i := range snapshots {
				lost.Undelivered = append(lost.Undelivered, i)
			}
			return lost
		}
		p := asyncprocessor.New(exp)
		offerEnd(p, "before")
		require.ErrorIs(t, p.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
		offerEnds(p, 3)
		err := p.Shutdown(t.Context())
		require.EqualError(t, err, "asyncprocessor: shutdown with 3 snapshots not delivered: "+
			"asyncprocessor: snapshots were dropped: 3 unauthorized: the backend answered 403")
		require.ErrorIs(t, err, asyncprocessor.ErrDropped)
		require.ErrorIs(t, err, refusal)
	})
}
