package asyncprocessor

import (
	"context"
	"time"
)

// dispatcher is the one goroutine that starts exports. It looks into the queue, sends the
// batches that are due, and waits until there may be something to do.
type dispatcher struct {
	cfg      config
	queue    *queue
	exporter Exporter
	keeper   Keeper // the exporter, if it is one

	// exportCtx is the parent of all contexts of ExportSnapshots; Shutdown cancels it when it gives up. Calls
	// of KeepSnapshots have keepCtx, and go on when exports are cancelled to make time for them.
	exportCtx, keepCtx       context.Context
	cancelExports, cancelAll context.CancelFunc

	closing chan struct{} // closed when Shutdown begins
	stopped chan struct{} // closed when run returns
	lag     lag
	loops   int // how often it looked, for tests

	pass pass
}

func newDispatcher(c config, q *queue, exporter Exporter, l lag) *dispatcher {
	d := &dispatcher{
		cfg:      c,
		queue:    q,
		exporter: exporter,
		keeper:   keeperOf(exporter),
		closing:  make(chan struct{}),
		stopped:  make(chan struct{}),
		lag:      l,
	}
	d.keepCtx, d.cancelAll = context.WithCancel(SuppressContext(context.Background()))
	d.exportCtx, d.cancelExports = context.WithCancel(d.keepCtx)
	return d
}

// keeperOf returns the exporter if it is a Keeper, and has no method Keeps() bool that returns
// false.
func keeperOf(exporter Exporter) Keeper {
	keeper, _ := exporter.(Keeper)
	if e, ok := exporter.(interface{ Keeps() bool }); ok && !answer(e.Keeps) {
		return nil
	}
	return keeper
}

// run serves the queue until Shutdown began and everything is settled, or until
// Shutdown gives up.
func (d *dispatcher) run() {
	defer close(d.stopped)
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		until, done := d.look()
		if done && !d.unfinished() {
			return
		} else if done {
			continue
		}
		var timeout <-chan time.Time
		if until != noDeadline {
			timer.Reset(until - d.queue.now())
			timeout = timer.C
		}
		select {
		case <-d.queue.wake:
		case <-timeout:
		}
	}
}

// look sends what is due, and says until when to wait at the most, or that all is done.
func (d *dispatcher) look() (until time.Duration, done bool) {
	d.loops++
	d.runPass()
	q := d.queue
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.abandoned {
		return 0, true
	}
	q.collect()
	if q.closed && q.calls == 0 && q.intake.amount().items == 0 {
		return 0, true
	}
	now := q.lookedAt
	keep := d.keeps(now)
	if q.keeping && !keep { // exports are cut off, and the Keeper rests
		return q.keepAfter, false
	}
	q.wakeResting(func(t *traceQueue) bool { return t.until <= now })
	sent := false
	calls := d.cfg.Concurrency
	if keep {
		calls++
	}
	for q.calls < calls && q.batchDue(now) {
		sent = true
		b := q.nextBatch()
		b.keep = keep
		q.calls++
		go (&export{d, b}).run()
	}
	q.pressed = len(q.waiters) > 0
	until, more := d.nextLook(now, q.arrived && !sent)
	q.arrived = false
	if q.running == 0 && until > now+passInterval && d.cfg.StartPolicy != StartNever {
		more = one // the first START in a log begins the time of a pass
	}
	if q.running > 0 {
		until = min(until, d.pass.last+passInterval)
	}
	for _, t := range q.retry.resting {
		until = min(until, t.until)
	}
	// What came into the logs meanwhile counts as more.
	if !q.intake.await(more) {
		q.signal()
	}
	return until, false
}

// noDeadline is a time that does not come.
const noDeadline = time.Duration(1<<63 - 1)

// nextLook says until when to wait at the most, and how much more must be held until then.
//
// busy says that what came since the last look can only wait.
func (d *dispatcher) nextLook(now time.Duration, busy bool) (until time.Duration, more amount) {
	q := d.queue
	ready, full := q.traces.ready, q.fullBatch()
	q.idle = false
	switch {
	case q.calls >= d.cfg.Concurrency:
		// Nothing can be sent before a call is over, which wakes it. Who needs the room of a START
		// whose END is in a log sorts them. But a Keeper takes what comes from some amount on.
		held, from := q.intake.amount(), q.bounds.keepFrom
		switch {
		case d.keeper == nil || q.calls > d.cfg.Concurrency:
			return noDeadline, never
		case held.reaches(from): // by what is with the exporter, or the Keeper has failed
			return max(now+d.cfg.BatchTimeout, q.keepAfter), never
		default:
			return noDeadline, held.upTo(from)
		}
	case ready.items > 0:
		return q.traces.oldest + d.cfg.BatchTimeout, ready.upTo(full)
	case busy:
		// More for traces that are with the exporter, or rest, need not wake it one by one.
		return now + d.cfg.BatchTimeout, full
	default:
		q.idle = true
		return noDeadline, one
	}
}

// keeps reports whether what is sent now is handed over to a Keeper: because Shutdown is nearly over, because
// delivery fails for now, half of a bound is held and it is not the exporter's turn, or because all calls are under way
// and more is held.
func (d *dispatcher) keeps(now time.Duration) bool {
	q := d.queue
	if d.keeper == nil || now < q.keepAfter {
		return false
	}
	held := q.intake.amount()
	failing := q.retry.failing && !q.keepFailed && !held.within(q.bounds.half)
	busy := q.calls >= d.cfg.Concurrency && held.reaches(q.bounds.keepFrom)
	if !q.keeping && !failing && !busy {
		return false
	}
	q.wakeResting(func(*traceQueue) bool { return true })
	return true
}
