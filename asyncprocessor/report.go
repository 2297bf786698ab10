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

	mu        sync.Mutex // guards what follows; may be taken with the queue's lock held
	atDoor    losses     // of what was refused, or given up by Shutdown
	byExports losses
	failed    uint64 // snapshots that were accepted and then lost, other than on purpose
	warnings  []error
	timer     *time.Timer // set while there is something to tell
	last      time.Time   // when something was told
	stopped   bool        // after Shutdown nothing is told
}

// maxWarnings bounds the warnings in one report.
const maxWarnings = 4

func newReporter() *reporter {
	return &reporter{handling: make(chan struct{}, 1), atDoor: make(losses), byExports: make(losses)}
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
	warnings, refused, failed := r.warnings, r.atDoor.toTell(), r.byExports.toTell()
	r.warnings, r.timer, r.last = nil, nil, time.Now()
	go r.handle(func() []error { return append(append(warnings, refusal(refused, since)...), failure(failed, since)...) })
}

// handle calls the handler. The caller has put the token into handling.
func (r *reporter) handle(errs func() []error) {
	defer func() { <-r.handling }()
	for _, err := range errs() {
		func() {
			defer func() { _ = recover() }() // of the handler: it is no reason to end the process
			otel.Handle(err)
		}()
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

// refusal puts what was refused at the queue's door into words.
func refusal(lost losses, since string) []error {
	if len(lost) == 0 {
		return nil
	}
	var parts []string
	for _, reason := range slices.Sorted(maps.Keys(lost)) {
		parts = append(parts, fmt.Sprintf("%d %s", lost[reason].snapshots, reason))
	}
	return []error{fmt.Errorf("%w%s: %s: %s", ErrDropped, since, strings.Join(parts, ", "), advice(lost))}
}

// failure puts what exports lost into words, with the last cause of each reason.
func failure(lost losses, since string) []error {
	if len(lost) == 0 {
		return nil
	}
	var parts []string
	var n uint64
	err := new(oneLine)
	for _, reason := range slices.Sorted(maps.Keys(lost)) {
		l := lost[reason]
		n += l.snapshots
		parts = append(parts, fmt.Sprintf("%d %s: %v", l.snapshots, reason, l.cause.Err))
		err.errs = append(err.errs, l.cause)
	}
	err.text = fmt.Sprintf("asyncprocessor: %s not delivered%s: %s", countOf(n), since, strings.Join(parts, "; "))
	return []error{err}
}

// advice says what to do about refusals.
func advice(lost losses) string {
	for _, a := range []struct {
		reason DropReason
		text   string
	}{
		{ReasonQueueFull, keepUp},
		{ReasonStartRefused, keepUp},
		{ReasonTraceShare, "one trace holds more than half of the queue; give each request a trace of its own"},
		{ReasonTooLarge, "a span is larger than WithMaxQueueBytes"},
		{ReasonAlreadyEnded, "a span was started again before its END was delivered"},
	} {
		if lost[a.reason] != nil {
			return a.text
		}
	}
	return "spans start or end after Shutdown"
}

const keepUp = "the exporter does not keep up; look at the backend, or raise WithConcurrency, WithMaxQueueSize or WithMaxQueueBytes"

// countOf returns "1 snapshot", "2 snapshots".
func countOf(n uint64) string {
	if n == 1 {
		return "1 snapshot"
	}
	return fmt.Sprintf("%d snapshots", n)
}

// oneLine is several errors in one line.
type oneLine struct {
	text string // theirs, if it is empty
	errs []error
}

func (e *oneLine) Unwrap() []error { return e.errs }

func (e *oneLine) Error() string {
	if e.text != "" {
		return e.text
	}
	var parts []string
	for _, err := range e.errs {
		parts = append(parts, err.Error())
	}
	return strings.Join(parts, "; ")
}

// joined is errors.Join in one line.
func joined(a, b error) error {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &oneLine{errs: []error{a, b}}
}
