package asyncprocessor

import (
	"sync"
	"time"
)

// queue holds the snapshots between the SDK and the exporter.
//
// A snapshot is offered on the application's goroutine. While less than three quarters of
// the bounds are held, that is an addition and an append to a log of the intake, and nothing has to be decided.
// From there on the goroutine takes the queue's lock, sorts what is in the logs, which may free room, and decides:
// see admission.go.
//
// Everything behind the logs is guarded by one lock. It is never held while the
// SDK, the exporter or the application is called; those of stripes are taken under it, never the other way round.
type queue struct {
	cfg      config
	bounds   bounds
	intake   intake
	epoch    time.Time // the queue's clock counts from here
	reporter *reporter
	wake     chan struct{} // holds one token, for the dispatcher

	mu sync.Mutex // guards all that follows

	traces traces
	items  pool[item]
	runs   pool[running]
	blocks []*block // the slice of a log that was sorted last
	freed  amount   // to be released: once for many snapshots

	lookedAt time.Duration // when the logs were last looked into
	arrived  bool          // something was in them since the dispatcher looked
	idle     bool          // the dispatcher waits to be woken by the next arrival

	tracked      int           // spans that are tracked
	trackedBytes int64         // what they hold, as passes estimated it
	oldest       time.Duration // when the first of them started, as the last pass saw it
	oldestSeen   time.Duration // the same, of a pass that is under way
	running      int           // records that keep a live span

	waiters []waiter
	pressed bool // something did not fit since the dispatcher last looked
	flushes flushes
	retry   retry

	calls     int // of the exporter, under way
	closed    bool
	keeping   bool // Shutdown is nearly over: what is left is handed to a Keeper
	abandoned bool // Shutdown gave up: late results change nothing

	keepFailed bool          // the last call was a Keeper's, and failed for now: it is the exporter's turn
	keepAfter  time.Duration // a Keeper failed, and is not asked before

	counts counts
}

func newQueue(cfg config) *queue {
	q := &queue{
		cfg:        cfg,
		bounds:     newBounds(cfg),
		epoch:      time.Now(),
		reporter:   newReporter(),
		wake:       make(chan struct{}, 1),
		retry:      newRetry(),
		idle:       true,
		oldest:     noDeadline,
		oldestSeen: noDeadline,
	}
	q.traces.index = newIndex(cfg.MaxQueueSize)
	q.intake.init(q.bounds.fastBelow)
	q.intake.await(one)
	return q
}

// now returns the time since the queue was made.
func (q *queue) now() time.Duration { return time.Since(q.epoch) }

// signal wakes the dispatcher. It never blocks.
func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default: // it will wake up anyway
	}
}

// collect sorts what is in the logs into the queues of the traces. It is called with mu
// held.
//
// When a snapshot arrived is not known: nobody asks the clock on the hot path. It is now, if the
// dispatcher waits to be woken by the next arrival, and otherwise taken to be
// when the logs were last looked into.
func (q *queue) collect() {
	now := q.now()
	since := q.lookedAt
	if q.idle {
		since = now
	}
	q.lookedAt = now
	for i := range q.intake.stripes {
		s := &q.intake.stripes[i]
		q.blocks = s.take(q.blocks[:0])
		for _, b := range q.blocks {
			q.arrived = true
			for k := range b.entries[:b.used] {
				q.put(&b.entries[k], since)
			}
			s.giveBack(b)
		}
		clear(q.blocks) // those that are not used again
	}
	q.release()
}

// free frees the room of what is no longer held, as soon as release is called.
func (q *queue) free(a amount) { q.freed = q.freed.plus(a) }

// release gives the room that is free to who needs it. Whoever is admitted may free more.
func (q *queue) release() {
	for {
		if q.freed != (amount{}) {
			q.intake.release(q.freed)
			q.freed = amount{}
		}
		if len(q.waiters) == 0 {
			return
		}
		if q.admit(); q.freed == (amount{}) {
			return
		}
	}
}

// put puts a snapshot that is accepted where it belongs. It is called with mu held.
func (q *queue) put(e *entry, since time.Duration) {
	known := q.traces.find(e.key)
	if e.phase == PhaseStart && known != nil && known.state != settled && known.last() { // as a workflow engine replays it
		q.free(e.amount())
		q.reporter.refused(e.phase, ReasonAlreadyEnded)
		return
	}
	if known != nil && e.phase != PhaseUpdate && known.run != nil {
		q.ended(known.run)
	}
	if q.replaces(e.phase, known) {
		q.replace(known, e)
		return
	}
	it := q.items.get()
	it.span, it.key, it.bytes, it.phase, it.since = e.span, e.key, e.bytes, e.phase, since
	switch e.phase {
	case PhaseStart:
		it.span, it.run = nil, q.track(e, since)
	case PhaseUpdate:
		it.run = known.run
	case PhaseEnd: // of a span that was not tracked the START may have been delivered
		it.closes = known == nil && q.counts.untracked > 0 || known != nil && known.run != nil
	}
	q.traces.set(it, known)
	t := q.traces.of(e.key.trace)
	it.epoch = q.flushes.add()
	q.counts.countEnd(it, +1)
	q.traces.push(t, it)
	q.goOn(t)
}

// replaces reports whether a snapshot takes the place of an earlier one of its span that
// still waits: the latest phase wins.
func (q *queue) replaces(phase Phase, known *item) bool {
	if known == nil || known.state != waiting {
		return false
	}
	switch known.phase {
	case PhaseStart:
		return phase != PhaseStart && q.cfg.StartPolicy == StartCoalesced
	case PhaseUpdate:
		return phase != PhaseStart
	case PhaseUnfinished:
		return phase == PhaseEnd
	default:
		return false
	}
}

// replace makes a later snapshot of a span take the place of one that waits, whose room is
// free then.
func (q *queue) replace(it *item, e *entry) {
	before := it.amount()
	q.counts.coalesced++
	q.free(before)
	it.closes = it.phase == PhaseUnfinished || it.run != nil && it.run.sent
	it.span, it.phase, it.bytes, it.sent = e.span, e.phase, e.bytes, false
	if r := it.run; r != nil && it.last() {
		it.run = nil
		if q.letGo(r); !r.sent { // nobody else refers to it
			*r = running{}
			q.runs.put(r, maxUnused)
		}
	}
	q.counts.countEnd(it, +1)
	q.traces.resize(it.trace, it.amount(), before)
}

// goOn makes a trace ready of which something waits and nothing is with the exporter, or forgets one of
// which nothing is left.
func (q *queue) goOn(t *traceQueue) {
	switch {
	case t.exporting.items > 0 || t.ready || t.resting:
	case t.head != nil:
		q.traces.makeReady(t, q.due(t.head))
	default:
		q.traces.retire(t)
	}
}

// due is when an item began to wait, or long ago if a flush waits for it.
func (q *queue) due(it *item) time.Duration {
	if q.flushes.cover(it) {
		return longAgo
	}
	return it.since
}

// longAgo is a time of the queue's clock at which every wait began long ago.
const longAgo = time.Duration(-1 << 62)

// track makes the record of a span that starts.
func (q *queue) track(e *entry, now time.Duration) *running {
	r := q.runs.get()
	r.live, r.start, r.startedAt = e.span, e.start, now
	q.running++
	if q.tracked < q.cfg.MaxTrackedSpans {
		r.tracked = true
		q.tracked++
	}
	return r
}

// ended ends the tracking of a span, since its END came or it started anew.
func (q *queue) ended(r *running) {
	q.untrack(r)
	if r.sent { // a START that waits reads what never changes when it leaves
		q.letGo(r)
	}
}

func (q *queue) untrack(r *running) {
	if r.tracked {
		q.trackedBytes -= int64(r.size)
		r.tracked, r.size = false, 0
		q.tracked--
	}
}

// letGo ends that a record keeps the live span.
func (q *queue) letGo(r *running) {
	if r.live != nil {
		r.live = nil
		q.running--
	}
}

// stats returns a consistent view of the counts.
func (q *queue) stats() Stats { return q.measure().Stats }

// measures is what the metrics show beside Stats.
type measures struct {
	Stats
	bytes  uint64
	oldest time.Duration // how long the oldest tracked span has run
	ends   ends
	lost   map[DropReason]uint64 // ENDs that no exporter has seen
}

func (q *queue) measure() measures {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	held := q.intake.amount()
	m := measures{bytes: held.bytes, ends: q.counts.ends}
	m.DroppedBy, m.lost = q.reporter.dropped()
	for _, n := range m.DroppedBy {
		m.Dropped += n
	}
	m.Exported, m.Coalesced, m.InFlight = q.counts.exported, q.counts.coalesced, q.counts.inFlight
	m.Queued = int64(held.items) - m.InFlight
	m.Offered = m.Exported + m.Coalesced + m.Dropped + held.items
	m.Tracked, m.Untracked = int64(q.tracked), q.counts.untracked
	if q.tracked > 0 && q.oldest != noDeadline {
		m.oldest = q.now() - q.oldest
	}
	return m
}
