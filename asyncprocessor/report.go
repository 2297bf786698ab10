package asyncprocessor

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"go.opentelemetry.io/otel"
)

// reportInterval is the least time between two reports.
const reportInterval = 10 * time.Second

// reporter tells the OpenTelemetry error handler what was lost: one line for all
// that was refused at the queue's door since the last time, and one for all that
// exports lost, each with the numbers and what to do. The first loss is told at
// once. It belongs to the dispatcher: the application's goroutines only count.
//
// The handler is called on a goroutine of its own, one at a time: it is the
// application's, and may make spans, flush, shut down or block.
type reporter struct {
	queue   *queue
	telling chan struct{} // holds a token while the handler is called

	told   bool          // something was reported before
	last   time.Duration // then
	next   time.Duration // not before then again
	waits  bool          // there is something to tell once the interval is over
	doors  map[DropReason]uint64
	failed uint64 // lost by exports since the last report
	cause  error  // the last export's error, nil when none failed since
}

func newReporter(q *queue) *reporter {
	return &reporter{queue: q, telling: make(chan struct{}, 1)}
}

// exportFailed notes that an export lost n snapshots.
func (r *reporter) exportFailed(n uint64, err error) {
	r.failed += n
	r.cause = err
}

// tell reports what there is, if the interval is over.
func (r *reporter) tell(now time.Duration) {
	r.waits = r.cause != nil || r.queue.hasUnreported()
	if r.waits && now >= r.next {
		r.tellNow(now)
	}
}

// tellNow reports what there is, unless the handler is still busy with the last
// report.
func (r *reporter) tellNow(now time.Duration) {
	r.next = now + reportInterval
	select {
	case r.telling <- struct{}{}:
	default:
		return
	}
	since := ""
	if r.told && now-r.last >= time.Second {
		since = fmt.Sprintf(" in the last %s", (now - r.last).Round(time.Second))
	}
	var errs []error
	if err := r.refused(since); err != nil {
		errs = append(errs, err)
	}
	if r.cause != nil {
		errs = append(errs, notDelivered(r.failed, since, r.cause))
	}
	r.failed, r.cause, r.waits = 0, nil, false
	if len(errs) == 0 {
		r.next = 0
		<-r.telling
		return
	}
	r.told, r.last = true, now
	r.handle(errs...)
}

// notDelivered describes what exports lost since the last report. cause is the
// last export's error: when it is an ExportError, the count is not said twice.
func notDelivered(n uint64, since string, cause error) error {
	lost := "asyncprocessor: " + countOf(n) + " not delivered" + since
	one, ok := cause.(*ExportError) //nolint:errorlint // one that is wrapped has more to say
	if !ok || one == nil {
		return fmt.Errorf("%s: %w", lost, cause)
	}
	if last := len(one.Undelivered); uint64(last) < n {
		lost += fmt.Sprintf(", the last %d", last)
	}
	return &lossError{text: fmt.Sprintf("%s (%s): %v", lost, one.reason(), one.Err), err: one}
}

// lossError is err in other words.
type lossError struct {
	text string
	err  error
}

func (e *lossError) Error() string { return e.text }
func (e *lossError) Unwrap() error { return e.err }

// countOf returns "1 snapshot", "2 snapshots".
func countOf(n uint64) string {
	if n == 1 {
		return "1 snapshot"
	}
	return fmt.Sprintf("%d snapshots", n)
}

// handle calls the handler. The caller has put the token into telling.
func (r *reporter) handle(errs ...error) {
	go func() {
		defer func() { <-r.telling }()
		for _, err := range errs {
			otel.Handle(err)
		}
	}()
}

// gaveUp reports what Shutdown lost when it ran out of time: its error is easily
// ignored, as by a deferred call.
func (r *reporter) gaveUp(grace context.Context, err error) {
	select {
	case r.telling <- struct{}{}:
		r.handle(err)
	case <-grace.Done():
	}
}

// settle waits until the handler has returned, or until grace ends.
func (r *reporter) settle(grace context.Context) {
	select {
	case r.telling <- struct{}{}:
		<-r.telling
	case <-grace.Done():
	}
}

// refused describes what the queue refused since the last report, nil if nothing.
func (r *reporter) refused(since string) error {
	counts := r.queue.takeUnreported()
	fresh := make(map[DropReason]uint64)
	var total uint64
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(counts)) {
		if n := counts[reason] - r.doors[reason]; n > 0 {
			fresh[reason] = n
			total += n
			parts = append(parts, fmt.Sprintf("%d %s", n, reason))
		}
	}
	r.doors = counts
	if total == 0 {
		return nil
	}
	return fmt.Errorf("%w%s: %s: %s", ErrDropped, since, strings.Join(parts, ", "), advice(fresh))
}

// advice says what to do about the refusals.
func advice(counts map[DropReason]uint64) string {
	switch {
	case counts[ReasonQueueFull]+counts[ReasonStartRefused] > 0:
		return "the exporter does not keep up; look at the backend, or raise WithConcurrency, WithMaxQueueSize or WithMaxQueueBytes"
	case counts[ReasonTooLarge] > 0:
		return "a span is larger than WithMaxQueueBytes"
	default:
		return "spans start or end after Shutdown"
	}
}

// before returns deadline, or the time of the next report if that is earlier.
func (r *reporter) before(deadline time.Duration) time.Duration {
	if !r.waits {
		return deadline
	}
	return min(deadline, r.next)
}
