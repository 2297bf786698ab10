package asyncprocessor

import (
	"context"
	"math"
	"slices"
	"time"
)

// noDeadline is a time that does not come.
const noDeadline = time.Duration(math.MaxInt64)

// dispatcher is the one goroutine that takes snapshots out of the queue, fills one
// batch after the other and starts exports. All its fields are its own,
// so it needs no lock; it meets the others only in the queue, under the queue's
// lock, and over channels.
type dispatcher struct {
	shards shards

	cfg      config
	queue    *queue
	exporter Exporter

	// exportCtx is the parent of all exports' contexts; Shutdown cancels it
	// when it gives up.
	exportCtx context.Context

	flushes chan *flush   // from ForceFlush
	closing chan struct{} // closed when Shutdown begins
	giveUp  chan struct{} // closed when Shutdown's time is up
	stopped chan struct{} // closed when run returns
	begun   chan struct{} // an export has begun
	done    chan *batch   // exports that came back

	log      log        // taken from the queue
	chunks   freeChunks // and emptied
	batcher  *batcher
	open     *batch   // the one that is being filled
	loose    *batch   // the open one, or the one sent last, if its shards are not noted
	idle     []*batch // batches to use again
	inFlight []*batch // with the exporter
	flushing []*flush // flushes that wait
	settled  []uint32 // what one of them waited for, all zero, to use again
	draining bool     // Shutdown began

	epoch    time.Time     // all times below count from here
	taken    amount        // what was taken from the queue so far
	takenAt  time.Duration // when the queue was last looked into
	quiet    bool          // and found nothing
	behind   bool          // or only what had to queue up behind exports
	pressed  bool          // and something had not fitted
	vain     bool          // but nothing could be sent for it
	detachAt time.Duration // when STARTs may be detached again
	timer    *time.Timer
	report   *reporter
	lag      lag
}

func newDispatcher(c config, q *queue, exporter Exporter, exportCtx context.Context, l lag) *dispatcher {
	d := &dispatcher{
		cfg:       c,
		queue:     q,
		exporter:  exporter,
		exportCtx: exportCtx,
		flushes:   make(chan *flush),
		closing:   make(chan struct{}),
		giveUp:    make(chan struct{}),
		stopped:   make(chan struct{}),
		begun:     make(chan struct{}),
		done:      make(chan *batch, min(c.concurrency, 64)), // so that who has done his work is gone
		batcher:   newBatcher(c),
		report:    newReporter(q),
		lag:       l,
	}
	d.openNext()
	return d
}

// run serves the queue until Shutdown began and everything is settled, or until
// Shutdown gives up.
func (d *dispatcher) run() {
	defer close(d.stopped)
	defer d.forget()
	d.epoch = time.Now()
	d.timer = time.NewTimer(time.Hour)
	defer d.timer.Stop()
	defer func() { d.report.tellNow(time.Since(d.epoch)) }()
	for {
		select {
		case <-d.giveUp: // what the queue dropped then is never collected
			return
		default:
		}
		now := time.Since(d.epoch)
		d.collect(now)
		if !d.dispatch(now) {
			return
		}
		d.report.tell(now)
		if d.draining && len(d.inFlight) == 0 && d.open.empty() {
			if d.quiet {
				return
			}
			continue
		}
		if !d.wait() {
			return
		}
	}
}

// forget lets go of what is left when Shutdown gave up: the Processor may live on.
func (d *dispatcher) forget() {
	d.shards, d.log, d.open, d.loose, d.idle, d.inFlight, d.settled = shards{}, log{}, nil, nil, nil, nil, nil
}

// dispatch starts exports for as long as a batch is due and a call is to be had.
// It returns false when Shutdown gave up.
func (d *dispatcher) dispatch(now time.Duration) bool {
	d.vain = d.pressed && d.open.empty()
	for len(d.inFlight) < d.cfg.concurrency && d.due(now) {
		if !d.send() {
			return false
		}
		d.poll()
		d.fill()
	}
	return true
}

// send starts the export of the open batch, and opens the next. It returns false when
// Shutdown gave up.
//
// It waits until the export has begun. On a machine without a core to spare the next
// would take this one's place at the head of the line, and its traces would wait
// with it.
func (d *dispatcher) send() bool {
	b := d.open
	if !d.queue.launch(b) {
		return false
	}
	d.inFlight = append(d.inFlight, b)
	go d.export(b)
	<-d.begun
	d.openNext()
	return true
}

// due reports whether the open batch is to be sent: because it is full, because its
// first snapshot has waited the batch timeout, or because somebody waits for the
// queue to drain, or for room in it.
func (d *dispatcher) due(now time.Duration) bool {
	switch {
	case d.open.empty():
		return false
	case d.batcher.full(d.open) || d.draining || d.pressed || d.flushDue():
		return true
	default:
		return now-d.open.since >= d.cfg.batchTimeout
	}
}

// wait blocks until there may be something to do. It returns false when Shutdown
// gave up.
func (d *dispatcher) wait() bool {
	// What to be woken for, and when at the latest.
	more, deadline := amount{items: 1, bytes: never}, noDeadline
	switch {
	case d.draining, d.open.empty() && (!d.behind || d.vain), d.quiet && len(d.inFlight) == d.cfg.concurrency:
		// The next arrival may be sent at once, or tells when its wait began.
		if !d.log.empty() { // to be sorted when it is old
			deadline = d.takenAt + d.cfg.batchTimeout
		}
	case d.open.empty(), len(d.inFlight) == d.cfg.concurrency:
		// What arrives is of traces that are with the exporter, or cannot be sent before an
		// export comes back: it need not wake it one by one.
		more = amount{uint64(d.batcher.maxItems), d.batcher.maxBytes}
		deadline = d.takenAt + d.cfg.batchTimeout
	default:
		// It is not full here, or it would have been sent.
		more = amount{uint64(d.batcher.room(d.open)), d.batcher.maxBytes - d.open.bytes}
		deadline = d.open.since + d.cfg.batchTimeout
	}
	// Being urged is of use only while something can be sent.
	urged := len(d.inFlight) < d.cfg.concurrency && !d.vain
	mark := amount{saturate(d.taken.items, more.items), saturate(d.taken.bytes, more.bytes)}
	if !d.queue.await(mark, urged) {
		d.poll()
		return true
	}
	deadline = d.report.before(deadline)
	var timeout <-chan time.Time
	if deadline != noDeadline {
		d.timer.Reset(deadline - time.Since(d.epoch))
		timeout = d.timer.C
	}
	closing := d.closing
	if d.draining {
		closing = nil
	}
	select {
	case <-d.queue.wake:
	case <-timeout:
	case b := <-d.done:
		d.reap(b)
	case f := <-d.flushes:
		d.beginFlush(f)
	case <-closing:
		d.draining = true
	case <-d.giveUp:
		return false
	}
	return true
}

// poll sees to exports that came back and to flushes, which nobody else would while there
// is always something to send.
func (d *dispatcher) poll() {
	for {
		select {
		case b := <-d.done:
			d.reap(b)
		case f := <-d.flushes:
			d.beginFlush(f)
		default:
			return
		}
	}
}

// reap frees the shards of an export that came back.
func (d *dispatcher) reap(b *batch) {
	i := slices.Index(d.inFlight, b)
	d.inFlight = slices.Delete(d.inFlight, i, i+1)
	if b.untold > 0 {
		d.report.exportFailed(b.untold, b.err)
	}
	noted := b != d.loose
	for _, i := range b.shards {
		n := uint32(1)
		if noted {
			n = d.shards.free(i)
		}
		for _, f := range d.flushing {
			f.settled(i, n)
		}
	}
	d.endFlushes()
	b.reset()
	d.idle = append(d.idle, b)
}

// saturate returns n + more, or never.
func saturate(n, more uint64) uint64 {
	if more > never-n {
		return never
	}
	return n + more
}
