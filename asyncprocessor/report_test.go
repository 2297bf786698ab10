package asyncprocessor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// What is dropped at the door is told at once, in a line with its count, and then
// not again within the interval of 10 s, when a line for each reason tells all that came since.
func TestDropsAreReportedOncePerInterval(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := &recorder{export: newGate().export}
		p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(4), asyncprocessor.WithMaxQueueBytes(50_000),
			asyncprocessor.WithMaxExportBatchSize(4), asyncprocessor.WithExportTimeout(0))
		offerEnds(p, 4)
		synctest.Wait()
		require.Empty(t, log.take())

		offerEnd(p, "dropped")
		synctest.Wait()
		errs := log.take()
		require.Len(t, errs, 1)
		assert.ErrorContains(t, errs[0], "1 queue_full")
		assert.NotContains(t, errs[0].Error(), "\n")

		for range 99 { // in 9.9 s
			offerEnds(p, 2)
			start(t.Context(), p, "refused")
			time.Sleep(100 * time.Millisecond)
		}
		offerEnd(p, "too large", payload(50_000))
		synctest.Wait()
		require.Empty(t, log.take(), "not within the interval")
		time.Sleep(time.Second)
		synctest.Wait()
		errs = log.take()
		var told []string
		for _, err := range errs {
			told = append(told, err.Error())
		}
		keepUp := "the exporter does not keep up; look at the backend, or raise WithConcurrency, WithMaxQueueSize or WithMaxQueueBytes"
		assert.ElementsMatch(t, []string{
			"asyncprocessor: snapshots were dropped in the last 10s: 199 queue_full: " + keepUp,
			"asyncprocessor: snapshots were dropped in the last 10s: 99 start_refused: " + keepUp,
			"asyncprocessor: snapshots were dropped in the last 10s: 1 too_large: a span is larger than WithMaxQueueBytes",
		}, told)

		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Empty(t, log.take(), "no drops, no reports")
		offerEnd(p, "dropped")
		synctest.Wait()
		require.Len(t, log.take(), 1, "after a pause it is told at once")
	})
}

// A failed export is told with its cause, not once per batch for as long as the
// backend is away.
func TestFailedExportsAreReportedOncePerInterval(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		failed := errors.New("503 Service Unavailable")
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error { return failed }
		p := newProcessor(t, exp)
		for range 600 { // a minute, in which 120 exports fail
			offerEnd(p, "a")
			time.Sleep(100 * time.Millisecond)
		}
		errs := log.take()
		assert.GreaterOrEqual(t, len(errs), 1)
		assert.LessOrEqual(t, len(errs), 7)
		for _, err := range errs {
			assert.ErrorIs(t, err, failed)
		}
	})
}

// A failed export is told in one line that says each thing once.
func TestFailedExportIsToldOnce(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		refused := errors.New("connection refused")
		plain := errors.New("plain")
		lost := func(indexes ...int) error {
			return &asyncprocessor.ExportError{Undelivered: indexes, Reason: "export_failed", Err: refused}
		}
		results := []error{
			lost(0),
			lost(0, 1), lost(0),
			&asyncprocessor.ExportError{Undelivered: []int{0, 1}, Err: refused},
			fmt.Errorf("wrapped: %w", lost(0)),
			plain,
		}
		exp := new(recorder)
		exp.export = func(_ context.Context, n int, _ []asyncprocessor.Snapshot) error { return results[n-1] }
		p := newProcessor(t, exp)
		said := func(wait time.Duration, flushes ...int) error {
			for _, spans := range flushes {
				offerEnds(p, spans)
				require.Error(t, p.ForceFlush(t.Context()))
			}
			time.Sleep(wait)
			synctest.Wait()
			errs := log.take()
			require.Len(t, errs, 1)
			return errs[0]
		}
		err := said(0, 1)
		assert.EqualError(t, err, "asyncprocessor: snapshots were dropped: 1 export_failed: connection refused")
		assert.ErrorIs(t, err, refused)
		assert.ErrorIs(t, err, asyncprocessor.ErrDropped)
		assert.EqualError(t, said(10*time.Second, 2, 1),
			"asyncprocessor: snapshots were dropped in the last 10s: 3 export_failed: connection refused")
		assert.EqualError(t, said(10*time.Second, 2), "asyncprocessor: snapshots were dropped in the last 10s: 2 export_failed: connection refused")
		assert.EqualError(t, said(10*time.Second, 1), "asyncprocessor: snapshots were dropped in the last 10s: 1 export_failed: connection refused")
		err = said(10*time.Second, 3)
		assert.EqualError(t, err, "asyncprocessor: snapshots were dropped in the last 10s: 3 export_failed: plain")
		assert.ErrorIs(t, err, plain)
	})
}

// Several reasons are told together, each with its last cause; what was dropped on purpose is not. So is one without a cause.
func TestReasonsAreToldTogether(t *testing.T) {
	log := collectReports(t)
	refused, cut := errors.New("refused"), errors.New("cut")
	exp := new(recorder)
	exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
		return errors.Join(
			&asyncprocessor.ExportError{Undelivered: []int{0, 1}, Err: refused},
			&asyncprocessor.ExportError{Undelivered: []int{2}, Reason: "filtered", Err: errors.New("by a hook")},
			&asyncprocessor.ExportError{Undelivered: []int{3}, Reason: "quota", Err: cut},
			&asyncprocessor.ExportError{Undelivered: []int{4}, Reason: "mute"},
		)
	}
	p := newProcessor(t, exp, parked()...)
	offerEnds(p, 10)
	require.ErrorIs(t, p.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
	require.NoError(t, p.Shutdown(t.Context()))
	told := map[string]error{}
	for _, err := range log.take() {
		told[err.Error()] = err
	}
	require.Len(t, told, 3)
	assert.ErrorIs(t, told["asyncprocessor: snapshots were dropped: 2 export_failed: refused"], refused)
	assert.ErrorIs(t, told["asyncprocessor: snapshots were dropped: 1 quota: cut"], cut)
	assert.Error(t, told["asyncprocessor: snapshots were dropped: 1 mute: the exporter gives no cause"])
}

// A warning of an exporter is told at once, on the reporter's goroutine, and not again within the interval.
func TestWarningsAreReported(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(ctx context.Context, n int, _ []asyncprocessor.Snapshot) error {
			asyncprocessor.Warn(ctx, fmt.Errorf("slow %d", n))
			return nil
		}
		p := newProcessor(t, exp)
		for range 8 { // in 8 s
			offerEnd(p, "a")
			time.Sleep(time.Second)
		}
		told := log.take()
		require.Len(t, told, 1)
		require.EqualError(t, told[0], "slow 1")
		time.Sleep(10 * time.Second)
		synctest.Wait()
		require.Len(t, log.take(), 4, "the first of those that came meanwhile")
		asyncprocessor.Warn(t.Context(), errors.New("not a call's context"))
		synctest.Wait()
		assert.Empty(t, log.take())
	})
}

// Nothing is told of a processor that delivers.
func TestNothingToReport(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		p := newProcessor(t, new(recorder))
		for range 100 {
			family(t.Context(), p)
			time.Sleep(time.Second)
		}
		require.NoError(t, p.Shutdown(context.Background()))
	})
	assert.Empty(t, log.take())
}

// Shutdown tells what was not told yet.
func TestShutdownReportsWhatIsLeft(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		held := newGate()
		p := newProcessor(t, &recorder{export: held.export}, asyncprocessor.WithMaxQueueSize(1))
		offerEnds(p, 2)
		synctest.Wait()
		require.Len(t, log.take(), 1)
		offerEnds(p, 5)
		synctest.Wait()
		require.Empty(t, log.take())
		held.open()
		require.NoError(t, p.Shutdown(context.Background()))
		synctest.Wait()
		errs := log.take()
		require.Len(t, errs, 1)
		assert.ErrorContains(t, errs[0], "5 queue_full")
	})
}
