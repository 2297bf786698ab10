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

// The first and the longest rest, each varied at random by a half, and the least when Shutdown is
// nearly over.
const (
	firstRest    = 500 * time.Millisecond
	longestRest  = 20 * time.Second
	shortestRest = 20 * time.Millisecond
)

type retry struct {
	backoff     *backoff.ExponentialBackOff
	lastSuccess time.Duration
	failing     bool          // the last call that said something failed for now
	deadline    time.Duration // Shutdown's
	resting     []*traceQueue
}

// failing is what is known of a trace whose snapshots failed for now.
type failing struct {
	failures int
	since    time.Duration // of its first failure, or from when on it was alone
	alone    bool
	resting  bool
	until    time.Duration // it rests
}

func newRetry() retry {
	b := backoff.NewExponentialBackOff()
	b.InitialInterval, b.MaxInterval, b.Multiplier = firstRest, longestRest, 2
	return retry{backoff: b, lastSuccess: longAgo}
}

// succeeded notes that a snapshot was delivered.
func (q *queue) succeeded(now time.Duration) {
	q.retry.lastSuccess = now
	if q.retry.failing {
		q.retry.failing = false
		q.retry.backoff.Reset()
		q.wakeResting(func(t *traceQueue) bool { return !t.alone })
	}
}

// failedForNow lets the traces of one call that failed for now rest.
func (q *queue) failedForNow(traces []*traceQueue, now time.Duration) {
	if len(traces) == 0 {
		return
	}
	q.retry.failing = true
	together := q.retry.backoff.NextBackOff()
	for _, t := range traces {
		switch t.failures++; {
		case t.failures == 1:
			t.since = now
		case !t.alone && q.retry.lastSuccess > t.since:
			t.alone, t.since = true, now
		}
		rest := together
		if t.alone {
			rest = min(firstRest<<min(t.failures, 10), longestRest)
		}
		t.until = q.restUntil(rest, now)
	}
	q.retry.resting = append(q.retry.resting, traces...)
}

// restUntil is when a rest ends that begins now. Several tries fit into what Shutdown has left.
func (q *queue) restUntil(rest, now time.Duration) time.Duration {
	if q.closed {
		rest = min(rest, max((q.retry.deadline-now)/8, shortestRest))
	}
	return now + rest
}

// gaveUp reports whether an item that failed for now is given up: alone it has failed for
// longer than the export timeout, while others succeeded.
func (q *queue) gaveUp(t *traceQueue, now time.Duration) bool {
	return t.alone && q.cfg.ExportTimeout > 0 && now-t.since > q.cfg.ExportTimeout && q.retry.lastSuccess > t.since
}

// wakeResting ends the rest of traces.
func (q *queue) wakeResting(which func(*traceQueue) bool) {
	q.retry.resting = slices.DeleteFunc(q.retry.resting, func(t *traceQueue) bool {
		if !which(t) {
			return false
		}
		t.resting = false
		q.goOn(t)
		return true
	})
}
