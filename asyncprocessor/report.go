package asyncprocessor

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
)

// reportInterval is the least time between two reports.
const reportInterval = 10 * time.Second

// reporter tells the OpenTelemetry error handler what was lost, with the numbers, the last
// cause of each reason and what to do, and what exporters warn of. The first loss is told at
// once.
//
// The handler is called on a goroutine of its own, one at a time: it is the application's, and may
// make spans, flush, shut down, block or panic.
type reporter struct {
	handling chan struct{} // holds a token while the handler is called

	mu      sync.Mutex // guards what follows; may be taken with the queue's lock held
	pending report
	timer   *time.Timer // set while something is pending
	last    time.Time   // when something was told
	stopped bool        // after Shutdown nothing is told
}

// report is what there is to tell.
type report struct {
	refused  map[DropReason]uint64 // at the queue's door
	failed   map[DropReason]loss   // by exports
	warnings []error
}

// loss is how many snapshots exports lost for one reason, and the last cause.
type loss struct {
	snapshots uint64
	cause     *ExportError
}

// maxWarnings bounds the warnings in one report.
const maxWarnings = 4

func newReporter() *reporter {
	return &reporter{handling: make(chan struct{}, 1), pending: newReport()}
}

func newReport() report {
	return report{refused: make(map[DropReason]uint64), failed: make(map[DropReason]loss)}
}

// refused notes that a snapshot was refused at the queue's door.
func (r *reporter) refused(reason DropReason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.pending.refused[reason]++
	r.schedule()
}

// undelivered notes what a call of the exporter lost, at once, so that one report has it all.
func (r *reporter) undelivered(lost map[DropReason]loss) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for reason, l := range lost {
		r.pending.failed[reason] = loss{r.pending.failed[reason].snapshots + l.snapshots, l.cause}
	}
	r.schedule()
}

// warn notes what has cost nothing yet.
func (r *reporter) warn(err error) { r.warnBelow(maxWarnings, err) }

// warnBelow is warn if fewer than so many warnings are pending. Else it reports false.
func (r *reporter) warnBelow(most int, err error) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.pending.warnings) >= most {
		return false
	}
	r.pending.warnings = append(r.pending.warnings, err)
	r.schedule()
	return true
}

// schedule sees to it that what is pending is told, an interval after the last report.
func (r *reporter) schedule() {
	if r.timer == nil && !r.stopped {
		r.timer = time.AfterFunc(reportInterval-time.Since(r.last), r.tell)
	}
}

// tell hands what is pending to the handler.
func (r *reporter) tell() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.timer == nil || r.stopped { // told meanwhile
		return
	}
	r.timer.Stop()
	select {
	case r.handling <- struct{}{}:
	default: // it is still busy with the last report
		r.timer = time.AfterFunc(reportInterval, r.tell)
		return
	}
	since := ""
	if ago := time.Since(r.last); !r.last.IsZero() && ago >= time.Second {
		since = fmt.Sprintf(" in the last %s", ago.Round(time.Second))
	}
	pending := r.pending
	r.pending, r.timer, r.last = newReport(), nil, time.Now()
	go r.handle(func() []error { return pending.errors(since) })
}

// handle calls the handler. The caller has put the token into handling.
func (r *reporter) handle(errs func() []error) {
	defer func() {
		_ = recover() // of the handler: it is no reason to end the process
		<-r.handling
	}()
	for _, err := range errs() {
		otel.Handle(err)
	}
}

// gaveUp reports what Shutdown lost when it ran out of time: its error is easily
// ignored, as by a deferred call.
func (r *reporter) gaveUp(grace context.Context, err error) {
	select {
	case r.handling <- struct{}{}:
		go r.handle(func() []error { return []error{err} })
	case <-grace.Done():
	}
}

// stop waits until the handler has returned, or until grace ends. What comes later is counted alone.
func (r *reporter) stop(grace context.Context) {
	r.mu.Lock()
	r.stopped = true
	if r.timer != nil {
		r.timer.Stop()
	}
	r.mu.Unlock()
	select {
	case r.handling <- struct{}{}:
		<-r.handling
	case <-grace.Done():
	}
}

// errors puts a report into words: one error for what was refused, one for what exports lost, and the
// warnings.
func (r *report) errors(since string) []error {
	errs := r.warnings
	if len(r.refused) > 0 {
		errs = append(errs, fmt.Errorf("%w%s: %s: %s", ErrDropped, since, r.refusals(), advice(r.refused)))
	}
	if len(r.failed) > 0 {
		errs = append(errs, r.undelivered(since))
	}
	return errs
}

// undelivered says what exports lost, by reason, with the last cause of each.
func (r *report) undelivered(since string) error {
	var total uint64
	var parts []string
	lost := new(oneLine)
	for _, reason := range slices.Sorted(maps.Keys(r.failed)) {
		l := r.failed[reason]
		total += l.snapshots
		parts = append(parts, fmt.Sprintf("%d %s: %v", l.snapshots, reason, l.cause.Err))
		lost.errs = append(lost.errs, l.cause)
		if len(r.failed) == 1 {
			since += fmt.Sprintf(" (%s)", reason)
			parts[0] = fmt.Sprint(l.cause.Err)
		}
	}
	lost.text = fmt.Sprintf("asyncprocessor: %s not delivered%s: %s", countOf(total), since, strings.Join(parts, "; "))
	return lost
}

func (r *report) refusals() string {
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(r.refused)) {
		parts = append(parts, fmt.Sprintf("%d %s", r.refused[reason], reason))
	}
	return strings.Join(parts, ", ")
}

// advice says what to do about refusals.
func advice(counts map[DropReason]uint64) string {
	switch {
	case counts[ReasonQueueFull]+counts[ReasonStartRefused] > 0:
		return "the exporter does not keep up; look at the backend, or raise WithConcurrency, WithMaxQueueSize or WithMaxQueueBytes"
	case counts[ReasonTraceShare] > 0:
		return "one trace holds more than half of the queue; give each request a trace of its own"
	case counts[ReasonTooLarge] > 0:
		return "a span is larger than WithMaxQueueBytes"
	case counts[ReasonAlreadyEnded] > 0:
		return "a span was started again before its END was delivered"
	default:
		return "spans start or end after Shutdown"
	}
}

// countOf returns "1 snapshot", "2 snapshots".
func countOf(n uint64) string {
	if n == 1 {
		return "1 snapshot"
	}
	return fmt.Sprintf("%d snapshots", n)
}

// oneLine is several errors in one line.
type oneLine struct {
	text string
	errs []error
}

func (e *oneLine) Error() string   { return e.text }
func (e *oneLine) Unwrap() []error { return e.errs }

// joined is errors.Join in one line.
func joined(a, b error) error {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &oneLine{text: a.Error() + "; " + b.Error(), errs: []error{a, b}}
}
