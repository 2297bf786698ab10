package asyncprocessor

import (
	"slices"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// What failed for now keeps its place at the head of its trace, and the trace rests before
// it is tried again. All traces of one call rest together, twice as long after each failure, and
// all that rest go on at the first success of others.
//
// A snapshot that the backend can never take must not hold up others. A trace that fails
// again though others succeeded since its first failure is tried alone, one
// snapshot at a time, and is not woken by the success of others. What fails so for longer than the
// export timeout is given up.

// The first and the longest rest, each varied at random by a half.
const (
	firstRest   = 500 * time.Millisecond
	longestRest = 20 * time.Second
)

type retry struct {
	backoff     *backoff.ExponentialBackOff
	lastSuccess time.Duration
	failing     bool // the last call that said something failed for now
	resting     []rest
	deadline    time.Duration // Shutdown's, or none
}

// rest is traces that rest until a time.
type rest struct {
	until  time.Duration
	traces []*traceQueue
	alone  bool
}

func newRetry() retry {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = firstRest, longestRest, 2
	return retry{backoff: b, lastSuccess: longAgo, deadline: noDeadline}
}

// noDeadline is a time that does not come.
const noDeadline = time.Duration(1<<63 - 1)

// succeeded notes that a snapshot was delivered.
func (q *queue) succeeded(now time.Duration) {
	q.retry.lastSuccess = now
	if !q.retry.failing {
		return
	}
	q.retry.failing = false
	q.retry.backoff.Reset()
	q.wakeResting(func(r rest) bool { return !r.alone })
}

// failedForNow lets the traces of one call that failed for now rest.
func (q *queue) failedForNow(traces []*traceQueue, now time.Duration) {
	q.retry.failing = true
	together := rest{until: now + q.within(q.retry.backoff.NextBackOff(), now)}
	for _, t := range traces {
		if t.failures++; t.failures == 1 {
			t.failingSince = now
		}
		t.resting = true
		if !t.alone && t.failures > 1 && q.retry.lastSuccess > t.failingSince {
			t.alone, t.aloneSince = true, now
		}
		if t.alone {
			wait := min(firstRest<<min(t.failures, 10), longestRest)
			q.retry.resting = append(q.retry.resting, rest{now + q.within(wait, now), []*traceQueue{t}, true})
		} else {
			together.traces = append(together.traces, t)
		}
	}
	if len(together.traces) > 0 {
		q.retry.resting = append(q.retry.resting, together)
	}
}

// within shortens a wait so that another try fits into what Shutdown has left.
func (q *queue) within(wait, now time.Duration) time.Duration {
	if !q.closed {
		return wait
	}
	return min(wait, max((q.retry.deadline-now)/2, shortestRest))
}

// shortestRest is how long a trace rests at the least when Shutdown is nearly over.
const shortestRest = 20 * time.Millisecond

// gaveUp reports whether an item that failed for now is given up: alone it has failed for
// longer than the export timeout, while others succeeded.
func (q *queue) gaveUp(t *traceQueue, now time.Duration) bool {
	return t.alone && q.cfg.exportTimeout > 0 && now-t.aloneSince > q.cfg.exportTimeout && q.retry.lastSuccess > t.aloneSince
}

// recovered ends the failing of a trace.
func (t *traceQueue) recovered() { t.failures, t.alone = 0, false }

// wakeResting makes the traces of rests ready.
func (q *queue) wakeResting(which func(rest) bool) {
	q.retry.resting = slices.DeleteFunc(q.retry.resting, func(r rest) bool {
		if !which(r) {
			return false
		}
		for _, t := range r.traces {
			t.resting = false
			q.goOn(t)
		}
		return true
	})
}

// wakeRested makes those ready that have rested long enough.
func (q *queue) wakeRested(now time.Duration) {
	if len(q.retry.resting) > 0 {
		q.wakeResting(func(r rest) bool { return r.until <= now })
	}
}

// nextRested is when the next of them has.
func (q *queue) nextRested() time.Duration {
	next := noDeadline
	for _, r := range q.retry.resting {
		next = min(next, r.until)
	}
	return next
}
