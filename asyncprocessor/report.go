package asyncprocessor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
)

// reportInterval is the least time between two reports.
const reportInterval = 10 * time.Second

// reporter tells the OpenTelemetry error handler what was lost, with the numbers, the last
// cause of each reason or what to do, and what exporters warn of. The first loss is told at
// once.
//
// The handler is called on a goroutine of its own, one at a time: it is the application's, and may
// make spans, flush, shut down, block or panic.
type reporter struct {
	telling chan struct{} // holds a token while the handler is called

	mu       sync.Mutex // guards what follows; may be taken with the queue's lock held
	lost     map[lossKind]*loss
	warnings []error
	timer    *time.Timer // set while there is something to tell
	last     time.Time   // when something was told
	stopped  bool        // after Shutdown nothing is told
}

// maxWarnings bounds the warnings in one report.
const maxWarnings = 4

func newReporter() *reporter {
	return &reporter{telling: make(chan struct{}, 1), lost: make(map[lossKind]*loss)}
}

// warn notes what has cost nothing yet.
func (r *reporter) warn(err error) { r.warnBelow(maxWarnings, err) }

// warnBelow is warn if fewer than so many warnings are pending. Else it reports false.
func (r *reporter) warnBelow(most int, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.warnings) >= most {
		return false
	}
	r.warnings = append(r.warnings, err)
	r.schedule()
	return true
}

// schedule sees to it that what is pending is told, an interval after the last report.
func (r *reporter) schedule() {
	if r.timer == nil && !r.stopped {
		r.timer = time.AfterFunc(reportInterval-time.Since(r.last), func() { r.tell() })
	}
}

// tell hands what is pending to the handler, and last.
func (r *reporter) tell(last ...error) {
	r.telling <- struct{}{}
	defer func() { <-r.telling }()
	for _, err := range append(r.pending(), last...) {
		func() {
			defer func() { _ = recover() }() // of the handler: it is no reason to end the process
			otel.Handle(err)
		}()
	}
}

// pending returns what is to be told, and has not been. An error for each kind of loss wraps its cause, or says what to do.
func (r *reporter) pending() (errs []error) {
	r.mu.Lock()
	errs, since := r.warnings, ""
	if ago := time.Since(r.last); !r.last.IsZero() && ago >= time.Second {
		since = fmt.Sprintf(" in the last %s", ago.Round(time.Second))
	}
	r.warnings, r.timer, r.last = nil, nil, time.Now()
	news := make(map[lossKind]loss)
	for kind, l := range r.lost {
		if l.snapshots > l.told {
			news[kind] = loss{snapshots: l.snapshots - l.told, cause: cmp.Or(l.cause, advice[kind.reason], errNoCause)}
			l.told = l.snapshots
		}
	}
	r.mu.Unlock()
	for _, kind := range slices.SortedFunc(maps.Keys(news), lossKind.compare) { // without the lock, since a cause is the exporter's
		l := news[kind]
		errs = append(errs, fmt.Errorf("%w%s: %d %s: %w", ErrDropped, since, l.snapshots, kind.reason, l.cause))
	}
	return errs
}

// stop tells what is left, and last, and waits a moment until the handler has returned. What comes later is counted alone.
func (r *reporter) stop(timeUp context.Context, last ...error) {
	r.mu.Lock()
	r.stopped = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	told := make(chan struct{})
	go func() {
		defer close(told)
		r.tell(last...)
	}()
	select {
	case <-told:
	case <-time.After(shutdownGrace):
	case <-timeUp.Done():
	}
}

// advice says what to do about losses that have no cause.
var advice = map[DropReason]error{
	ReasonQueueFull:       errKeepUp,
	ReasonStartRefused:    errKeepUp,
	ReasonTraceShare:      errors.New("one trace holds more than half of the queue; give each request a trace of its own"),
	ReasonTooLarge:        errors.New("a span is larger than WithMaxQueueBytes"),
	ReasonAlreadyEnded:    errors.New("a span was started again before its END was delivered"),
	ReasonAlreadyShutdown: errors.New("spans start or end after Shutdown"),
}

var errNoCause = errors.New("the exporter gives no cause")

var errKeepUp = errors.New("the exporter does not keep up; look at the backend, or raise WithConcurrency, WithMaxQueueSize or WithMaxQueueBytes")

// countOf returns "1 snapshot", "2 snapshots".
func countOf(n uint64) string {
	if n == 1 {
		return "1 snapshot"
	}
	return fmt.Sprintf("%d snapshots", n)
}
