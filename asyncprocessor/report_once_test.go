package asyncprocessor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// What the exporter has reported is not said again. It is counted all the same, and
// fails whoever waits for it.
func TestReportedLossIsNotReportedAgain(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
			return fmt.Errorf("wrapped: %w", &asyncprocessor.ExportError{
				Undelivered: []int{0}, Reason: "rejected", Err: errors.New("bad span"), Reported: true,
			})
		}
		p := newProcessor(t, exp, parked()...)
		offerEnds(p, 3)
		require.ErrorIs(t, p.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
		offerEnds(p, 3)
		var undelivered *asyncprocessor.ShutdownError
		require.ErrorAs(t, p.Shutdown(t.Context()), &undelivered)
		assert.Equal(t, uint64(1), undelivered.Undelivered)
		assert.Equal(t, reasons{"rejected": 2}, balanced(t, p).DroppedBy)
		assert.Empty(t, log.take())
	})
}

// Of one export it is told what the exporter has not reported, that alone, and why.
func TestTheRestOfAReportedLossIsReported(t *testing.T) {
	refused, cut := errors.New("refused"), errors.New("cut")
	reported := &asyncprocessor.ExportError{Undelivered: []int{0, 1}, Reason: "rejected", Err: errors.New("bad span"), Reported: true}
	filtered := &asyncprocessor.ExportError{Undelivered: []int{2}, Reason: "filtered", Err: errors.New("by a hook")}
	failed := &asyncprocessor.ExportError{Undelivered: []int{3, 4}, Err: refused}
	quota := &asyncprocessor.ExportError{Undelivered: []int{5}, Reason: "quota", Err: cut}
	for want, err := range map[string]error{
		"asyncprocessor: 2 snapshots not delivered (export_failed): refused": errors.Join(reported, failed),
		"asyncprocessor: 1 snapshot not delivered (quota): cut":              errors.Join(filtered, reported, quota),
		"asyncprocessor: 3 snapshots not delivered: " +
			"2 snapshots not delivered (export_failed): refused; 1 snapshot not delivered (quota): cut": errors.Join(failed, reported, filtered, quota),
	} {
		log := collectReports(t)
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error { return err }
		p := newProcessor(t, exp, parked()...)
		offerEnds(p, 10)
		require.ErrorIs(t, p.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
		require.NoError(t, p.Shutdown(t.Context()))
		told := log.take()
		require.Len(t, told, 1, want)
		assert.EqualError(t, told[0], want)
	}
}
