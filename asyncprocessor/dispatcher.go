package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
	"math"
	"time"
)

// noDeadline is a time that does not come.
const noDeadline = time.Duration(math.MaxInt64)

// dispatcher is the one goroutine that takes snapshots out of the queue, sorts
// them into shards, fills batches and starts exports. All its fields are its own,
// so it needs no lock; it meets the others only in the queue, under the queue's
// lock, and over channels.
type dispatcher struct {
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
	done    chan *batch   // exports that came back

	shards   shards
	batcher  *batcher
	idle     []*batch // batches to use again
	inFlight int      // exports under way
	flushing []*flush // flushes that wait
	draining bool     // Shutdown began

	epoch             time.Time     // all times below count from here
	taken, takenBytes uint64        // what was taken from the queue so far
	takenAt           time.Duration // when the queue was last looked into
	quiet             bool          // and found nothing
	watched           bool          // and is watched since for its first entry
	pressed           bool          // and something had not fitted
	vain              bool          // but nothing could be sent for it
	timer             *time.Timer
	report            *reporter
	lag               lag
}

func newDispatcher(c config, q *queue, exporter Exporter, exportCtx context.Context, l lag) *dispatcher {
	return &dispatcher{
		cfg:       c,
		queue:     q,
		exporter:  exporter,
		exportCtx: exportCtx,
		flushes:   make(chan *flush),
		closing:   make(chan struct{}),
		giveUp:    make(chan struct{}),
		stopped:   make(chan struct{}),
		done:      make(chan *batch),
		batcher:   newBatcher(c),
		report:    newReporter(q),
		lag:       l,
	}
}

// run serves the queue until Shutdown began and everything is settled, or until
// Shutdown gives up.
func (d *dispatcher) run() {
	defer close(d.stopped)
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
		if d.draining && d.inFlight == 0 && d.shards.readyCount == 0 && d.quiet {
			return
		}
		if !d.wait() {
			return
		}
	}
}

// collect moves what is in the queue's log into the shards.
func (d *dispatcher) collect(now time.Duration) {
	first, lastLen, pressed := d.queue.take()
	d.pressed = pressed
	// What woke the dispatcher as the first entry of an empty log arrived now;
	// anything else may have waited since the log was last looked into.
	since := d.takenAt
	if d.watched {
		since = now
	}
	d.quiet = first == nil
	d.takenAt = now
	for c := first; c != nil; {
		n := chunkSize
		if c.next == nil {
			n = lastLen
		}
		for i := range c.entries[:n] {
			e := &c.entries[i]
			d.takenBytes += uint64(e.bytes)
			d.shards.add(e, since)
		}
		d.taken += uint64(n)
		clear(c.entries[:n])
		next := c.next
		d.shards.chunks.put(c)
		c = next
	}
	if first != nil {
		d.queue.recycle(&d.shards.chunks)
	}
}

// dispatch starts exports for as long as a batch is due and a call is to be had.
// It returns false when Shutdown gave up.
func (d *dispatcher) dispatch(now time.Duration) bool {
	d.vain = d.pressed && d.shards.readyCount == 0
	for d.inFlight < d.cfg.concurrency && d.due(now) {
		b := d.newBatch()
		d.batcher.fill(b, &d.shards)
		if !d.queue.launch(b) {
			return false
		}
		d.inFlight++
		go d.export(b)
	}
	return true
}

// due reports whether a batch is to be made: because it would be full, because
// its first snapshot has waited the batch timeout, or because somebody waits for
// the queue to drain, or for room in it.
func (d *dispatcher) due(now time.Duration) bool {
	ss := &d.shards
	switch {
	case ss.readyCount == 0:
		return false
	case ss.readyItems >= d.full() || ss.readyBytes >= d.batcher.maxBytes:
		return true
	case d.draining || d.pressed || d.flushDue():
		return true
	default:
		return now-ss.oldest() >= d.cfg.batchTimeout
	}
}

// full returns how many entries make a batch that need not wait for more. When
// STARTs are coalesced that many may leave only half of them, so while an export
// is under way it takes twice as many, if the queue has plenty of room: a busy
// service then sends full batches, not half as many spans in twice as many. While
// none is, nothing waits without need.
func (d *dispatcher) full() int {
	n := d.batcher.maxItems
	if d.batcher.coalesce && d.inFlight > 0 && n <= d.cfg.maxQueueSize/16 {
		return 2 * n
	}
	return n
}

// wait blocks until there may be something to do. It returns false when Shutdown
// gave up.
func (d *dispatcher) wait() bool {
	// What to be woken for, and when at the latest.
	var (
		items, bytes uint64 = never, never
		deadline            = noDeadline
	)
	switch {
	case d.inFlight == d.cfg.concurrency:
		// Nothing can be sent before an export comes back.
	case d.draining:
		items = 1
	case d.shards.readyCount == 0 && (d.quiet || d.vain):
		// Nothing has arrived since the last look, or nothing that could be sent
		// although somebody waits for room: no timer, and the next arrival tells
		// when its wait began.
		items = 1
	default:
		// It is not full here, or a batch would have been made.
		items = uint64(d.full() - d.shards.readyItems)
		bytes = d.batcher.maxBytes - d.shards.readyBytes
		deadline = d.takenAt
		if d.shards.readyCount > 0 {
			deadline = d.shards.oldest()
		}
		deadline += d.cfg.batchTimeout
	}
	d.watched = false
	// Being urged is of use only while something can be sent.
	urged := d.inFlight < d.cfg.concurrency && !d.vain
	if !d.queue.await(d.taken, d.takenBytes, items, bytes, urged) {
		return true
	}
	d.watched = items == 1
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

// reap frees the shards of an export that came back.
func (d *dispatcher) reap(b *batch) {
	d.inFlight--
	if b.lost > 0 {
		d.report.exportFailed(b.lost, b.err)
	}
	for _, i := range b.shards {
		s := d.shards.free(i)
		for _, f := range d.flushing {
			f.settled(i, s.settled)
		}
	}
	d.endFlushes()
	b.reset()
	d.idle = append(d.idle, b)
}

func (d *dispatcher) newBatch() *batch {
	if n := len(d.idle); n > 0 {
		b := d.idle[n-1]
		d.idle = d.idle[:n-1]
		return b
	}
	return new(batch)
}

// errExporterPanic is wrapped by the error that stands for a panic.
var errExporterPanic = errors.New("exporter panicked")

// errExportTimeout is the cause of an export's context that ended by
// WithExportTimeout.
var errExportTimeout = errors.New("asyncprocessor: export timeout")

// export runs on a goroutine of its own: it calls the exporter, settles the
// counts and hands the batch back.
func (d *dispatcher) export(b *batch) {
	if d.queue.isAbandoned() {
		return // the exporter is being shut down
	}
	// What holds if the exporter ends this goroutine with runtime.Goexit.
	lost, err := allLost(ReasonExporterPanic, len(b.snapshots)), errExporterPanic
	defer func() {
		if d.queue.settle(len(b.snapshots), b.bytes, lost) {
			d.lag.record(b.snapshots, lost)
		}
		b.lost, b.err = lost.failed(), err
		select {
		case d.done <- b:
		case <-d.stopped: // Shutdown gave this export up
		}
	}()
	lost, err = d.call(b.snapshots)
}

// call is ExportSnapshots with a timeout, and with a panic turned into an error.
// It returns what was lost beside the error.
func (d *dispatcher) call(snapshots []Snapshot) (lost losses, err error) {
	ctx := d.exportCtx
	if d.cfg.exportTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.cfg.exportTimeout, errExportTimeout)
		defer cancel()
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errExporterPanic, r)
			lost = allLost(ReasonExporterPanic, len(snapshots))
		}
	}()
	err = d.exporter.ExportSnapshots(ctx, snapshots)
	return lossesOf(err, len(snapshots)), err
}
