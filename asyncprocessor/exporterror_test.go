package asyncprocessor_test

import (
	"context"
	"errors"
	"fmt"
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

func TestWhatAnExportErrorSaysIsCounted(t *testing.T) {
	plain := errors.New("connection refused")
	part := func(reason asyncprocessor.DropReason, undelivered ...int) error {
		return &asyncprocessor.ExportError{Undelivered: undelivered, Reason: reason, Err: plain}
	}
	tests := map[string]struct {
		err      error
		exported uint64
		dropped  reasons
	}{
		"none":                {nil, 10, reasons{}},
		"plain":               {plain, 0, reasons{"export_failed": 10}},
		"partial":             {part("rejected", 0, 9), 8, reasons{"rejected": 2}},
		"all of them":         {part("rejected", 0, 1, 2, 3, 4, 5, 6, 7, 8, 9), 0, reasons{"rejected": 10}},
		"names none":          {part("rejected"), 10, reasons{}},
		"no reason":           {part("", 3), 9, reasons{"export_failed": 1}},
		"a reason of its own": {part("quota", 3, 4), 8, reasons{"quota": 2}},
		"out of range":        {part("rejected", -1, 10, math.MaxInt32, 5), 9, reasons{"rejected": 1}},
		"named twice":         {part("rejected", 5, 5, 5), 9, reasons{"rejected": 1}},
		"wrapped":             {fmt.Errorf("batch: %w", fmt.Errorf("request: %w", part("rejected", 1))), 9, reasons{"rejected": 1}},
		"joined": {
			errors.Join(part("rejected", 1, 2), part("quota", 3), part("rejected", 4)),
			6, reasons{"rejected": 3, "quota": 1},
		},
		"joined, named twice":       {errors.Join(part("rejected", 1), part("quota", 1)), 9, reasons{"rejected": 1}},
		"joined and wrapped":        {fmt.Errorf("two: %w", errors.Join(part("rejected", 1), fmt.Errorf("x: %w", part("quota", 2)))), 8, reasons{"rejected": 1, "quota": 1}},
		"wrapped by fmt, many":      {fmt.Errorf("%w and %w", part("rejected", 1), part("quota", 2)), 8, reasons{"rejected": 1, "quota": 1}},
		"joined with a plain error": {errors.Join(part("rejected", 1), plain), 0, reasons{"export_failed": 10}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			log := collectReports(t)
			exp := new(recorder)
			exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error { return tt.err }
			p := newProcessor(t, exp, parked()...)
			offerEnds(p, 10)
			err := p.ForceFlush(t.Context())
			if len(tt.dropped) > 0 {
				assert.ErrorIs(t, err, asyncprocessor.ErrDropped)
			} else {
				assert.NoError(t, err)
			}
			s := balanced(t, p)
			assert.Equal(t, tt.exported, s.Exported)
			assert.Equal(t, tt.dropped, s.DroppedBy)
			_ = p.Shutdown(t.Context())
			if tt.err == plain {
				errs := log.take()
				require.Len(t, errs, 1)
				assert.ErrorIs(t, errs[0], plain)
			}
		})
	}
}

// The classic mistake: a nil pointer in an error that is not nil. It says nothing of
// what was delivered, and does not end the process.
func TestNilExportErrorIsAFailure(t *testing.T) {
	collectReports(t)
	exp := new(recorder)
	exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
		var none *asyncprocessor.ExportError
		return none
	}
	p := newProcessor(t, exp, parked()...)
	offerEnds(p, 10)
	require.ErrorIs(t, p.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
	assert.Equal(t, reasons{"export_failed": 10}, balanced(t, p).DroppedBy)
}

// What the application has filtered out is dropped on purpose: counted, and no
// failure to anybody.
func TestFilteredIsNoFailure(t *testing.T) {
	log := collectReports(t)
	exp := new(recorder)
	exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
		return &asyncprocessor.ExportError{Undelivered: []int{0, 1}, Reason: "filtered", Err: errors.New("by a hook")}
	}
	p := newProcessor(t, exp, parked()...)
	offerEnds(p, 3)
	require.NoError(t, p.ForceFlush(t.Context()))
	offerEnds(p, 3)
	require.NoError(t, p.Shutdown(t.Context()))
	s := balanced(t, p)
	assert.Equal(t, reasons{"filtered": 4}, s.DroppedBy)
	assert.Equal(t, uint64(2), s.Exported)
	assert.Empty(t, log.take())
}

// An error that panics when it is asked is a failure like any other.
func TestErrorThatPanicsIsAFailure(t *testing.T) {
	collectReports(t)
	exp := new(recorder)
	exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error { return panickingError{} }
	p := newProcessor(t, exp, parked()...)
	offerEnds(p, 10)
	require.ErrorIs(t, p.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
	assert.Equal(t, uint64(10), balanced(t, p).Dropped)
	require.NoError(t, p.Shutdown(t.Context()))
}

type panickingError struct{}

func (panickingError) Error() string { panic("Error") }
func (panickingError) Unwrap() error { panic("Unwrap") }

// An index is one into what the call carries, which is after coalescing.
func TestExportErrorIndexesAreOfTheCall(t *testing.T) {
	collectReports(t)
	exp := new(recorder)
	exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
		return &asyncprocessor.ExportError{Undelivered: []int{1, 2, 3, 4, 5}, Reason: "rejected"}
	}
	p := newProcessor(t, exp, parked()...)
	family(t.Context(), p) // six snapshots, three after coalescing
	require.ErrorIs(t, p.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
	s := balanced(t, p)
	assert.Equal(t, uint64(3), s.Coalesced)
	assert.Equal(t, uint64(1), s.Exported)
	assert.Equal(t, reasons{"rejected": 2}, s.DroppedBy)
}

// An exporter that makes up a reason for each snapshot does not fill the memory,
// and every loss is still counted.
func TestReasonsAreBounded(t *testing.T) {
	collectReports(t)
	exp := new(recorder)
	exp.export = func(_ context.Context, n int, _ []asyncprocessor.Snapshot) error {
		return &asyncprocessor.ExportError{Undelivered: []int{0}, Reason: asyncprocessor.DropReason(fmt.Sprintf("reason %d", n))}
	}
	p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(1))
	offerEnds(p, 1000)
	require.Error(t, p.ForceFlush(t.Context()))
	s := balanced(t, p)
	assert.Equal(t, uint64(1000), s.Dropped)
	assert.LessOrEqual(t, len(s.DroppedBy), 100)
	assert.Equal(t, uint64(1), s.DroppedBy["reason 1"])
}

func TestExportError(t *testing.T) {
	cause := errors.New("400 Bad Request")
	err := fmt.Errorf("wrapped: %w", &asyncprocessor.ExportError{Undelivered: []int{1, 4}, Reason: "rejected", Err: cause})
	assert.ErrorIs(t, err, cause)
	assert.EqualError(t, err, "wrapped: 2 snapshots not delivered (rejected): 400 Bad Request")
	assert.EqualError(t, &asyncprocessor.ExportError{Undelivered: []int{1}, Err: cause}, "1 snapshot not delivered (export_failed): 400 Bad Request")
	var exportErr *asyncprocessor.ExportError
	require.ErrorAs(t, err, &exportErr)
	assert.Equal(t, []int{1, 4}, exportErr.Undelivered)
}

func TestReasonsAreWhatTheyAreCalled(t *testing.T) {
	assert.Equal(t, []asyncprocessor.DropReason{
		"queue_full", "start_refused", "too_large", "already_shutdown",
		"shutdown_deadline", "export_failed", "exporter_panic", "rejected", "filtered",
	}, []asyncprocessor.DropReason{
		asyncprocessor.ReasonQueueFull, asyncprocessor.ReasonStartRefused, asyncprocessor.ReasonTooLarge,
		asyncprocessor.ReasonAlreadyShutdown, asyncprocessor.ReasonShutdownDeadline, asyncprocessor.ReasonExportFailed,
		asyncprocessor.ReasonExporterPanic, asyncprocessor.ReasonRejected, asyncprocessor.ReasonFiltered,
	})
}

func TestPhase(t *testing.T) {
	assert.Equal(t, asyncprocessor.Phase(1), asyncprocessor.PhaseStart)
	assert.Equal(t, asyncprocessor.Phase(2), asyncprocessor.PhaseEnd)
	assert.Equal(t, "START", asyncprocessor.PhaseStart.String())
	assert.Equal(t, "END", asyncprocessor.PhaseEnd.String())
	assert.Equal(t, "Phase(7)", asyncprocessor.Phase(7).String())
}

func TestStartPolicyString(t *testing.T) {
	assert.Equal(t, "StartCoalesced", asyncprocessor.StartCoalesced.String())
	assert.Equal(t, "StartAlways", asyncprocessor.StartAlways.String())
	assert.Equal(t, "StartNever", asyncprocessor.StartNever.String())
	assert.Equal(t, "StartPolicy(7)", asyncprocessor.StartPolicy(7).String())
}
