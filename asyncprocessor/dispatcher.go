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

	// exportCtx is the parent of all exports' contexts; Shutdown cancels it
	// when it gives up.
	exportCtx context.Context
	// keepCtx is that of calls of KeepSnapshots, which go on when exports are cancelled to make time
	// for them.
	keepCtx context.Context

	closing chan struct{} // closed when Shutdown begins
	stopped chan struct{} // closed when run returns
	lag     lag
	loops   int // how often it looked, for tests

	wroteUnfinished bool
	pass            pass
}

func newDispatcher(c config, q *queue, exporter Exporter, exportCtx, keepCtx context.Context, l lag) *dispatcher {
	d := &dispatcher{
		cfg:       c,
		queue:     q,
		exporter:  exporter,
		exportCtx: exportCtx,
		keepCtx:   keepCtx,
		closing:   make(chan struct{}),
		stopped:   make(chan struct{}),
		lag:       l,
	}
	d.keeper = keeperOf(exporter)
	return d
}

// keeperOf returns the exporter if it is a Keeper, and has no method Keeps() bool that returns
// false.
func keeperOf(exporter Exporter) Keeper {
	keeper, _ := exporter.(Keeper)
	if e, ok := exporter.(interface{ Keeps() bool }); ok && !e.Keeps() {
		return nil
	}
	return keeper
}

// run serves the queue until Shutdown began and everything is settled, or until
// Shutdown gives up.
func (d *dispatcher) run() {
	defer close(d.stopped)
	defer d.queue.reporter.tellNow()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		until, done := d.look()
		if done && !d.unfinished() {
			return
		} else if done {
			continue
		}
		until = min(until, d.queue.reporter.tell())
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

// unfinished writes, once all else is delivered, what still runs as unfinished. It reports whether there
// is more to deliver now.
func (d *dispatcher) unfinished() (more bool) {
	if !d.cfg.unfinished || d.wroteUnfinished {
		return false
	}
	d.wroteUnfinished = true
	defer func() { _ = recover() }() // a span that is not the SDK's: the rest is left
	return d.writeUnfinished()
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
	held := q.bounds.amount().plus(q.released) // at the least: what comes meanwhile may be collected too
	q.collect()
	now := q.lookedAt
	keep := d.keeps(now)
	q.wakeRested(now)
	sent := false
	for (q.sendable() || keep && q.traces.first != nil && q.calls == d.cfg.concurrency) && q.batchDue(now) {
		sent = true
		b := q.nextBatch()
		b.keep = keep
		q.calls++
		go (&export{d, b}).run()
	}
	q.pressed = !q.waiters.empty()
	if q.closed && q.calls == 0 && q.bounds.amount().items == 0 {
		return 0, true
	}
	until, more := d.waitFor(now, q.found && !sent)
	q.found = false
	until = min(until, q.nextRested(), d.nextPass())
	if !q.bounds.await(held.plus(more).less(q.released)) {
		q.signal()
	}
	return until, false
}

// waitFor says until when to wait at the most, and how much more must be held until then.
//
// busy says that what came since the last look can only wait.
func (d *dispatcher) waitFor(now time.Duration, busy bool) (until time.Duration, more amount) {
	q := d.queue
	size := amount{uint64(d.cfg.maxBatchSize), uint64(d.cfg.maxBatchBytes)}
	ready := q.traces.waiting
	q.idle = false
	switch {
	case q.calls >= d.cfg.concurrency:
		// Nothing can be sent before a call is over, which wakes it. Who needs the room of a START
		// whose END is in the logs sorts them. But the first START begins the time of a pass.
		if q.running == 0 && d.cfg.startPolicy != StartNever {
			return noDeadline, amount{1, maxBytes}
		}
		switch held := q.bounds.amount(); {
		case d.keeper == nil || q.calls > d.cfg.concurrency:
			return noDeadline, never
		case held.reaches(q.keepFrom): // by what is with the exporter, or the Keeper has failed
			return now + d.cfg.batchTimeout, never
		default:
			return noDeadline, q.keepFrom.less(held)
		}
	case ready.items > 0:
		return q.traces.oldest + d.cfg.batchTimeout, size.minus(ready)
	case busy:
		// More for traces that are with the exporter, or rest, need not wake it one by one.
		return now + d.cfg.batchTimeout, size
	default:
		q.idle = true
		return noDeadline, amount{1, maxBytes}
	}
}

// keeps reports whether what is sent now is handed over to a Keeper: because Shutdown is nearly over, because
// delivery fails for now and half of a bound is held, or because all calls are under way and more is held.
func (d *dispatcher) keeps(now time.Duration) bool {
	q := d.queue
	if d.keeper == nil || now < q.keepAfter {
		return false
	}
	held := q.bounds.amount()
	switch {
	case q.keeping:
	case q.retry.failing && !held.within(q.half):
	case q.calls >= d.cfg.concurrency && held.reaches(q.keepFrom):
	default:
		return false
	}
	q.wakeResting(func(rest) bool { return true })
	return true
}
