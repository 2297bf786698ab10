package asyncprocessor

import (
	"math"
	"sync"
)

// maxDropReasons bounds the reasons that Stats tells apart, since an exporter
// can make up its own. Beyond it a reason counts as ReasonExportFailed.
const maxDropReasons = 32

// maxLent bounds, in items, what the lanes are lent together before they ask again: it is
// how far producers can go on while the dispatcher cannot.
const maxLent = 1024

// never is a count that is not reached.
const never = math.MaxUint64

// queue is where the application's goroutines leave their snapshots and the
// dispatcher picks them up: a log, in lanes, in which each trace is in the order of
// arrival, and the counts of what becomes of it. It knows nothing of batches or exporters.
//
// It lends every lane a part of the room that is left until something has to be decided:
// whether a snapshot is refused, or waits, or wakes the dispatcher. A lane whose credit
// is used up asks; when there is nothing left to lend, the queue takes all credit back.
// Then no lane accepts anything without asking, the queue knows the exact counts, and
// decides.
type queue struct {
	lanes  []*lane // an allocation each, which begins on a cache line; the slice does not change
	places *places // nil with one lane

	// mu guards all that follows but the limits and wake. No call of the SDK, the exporter
	// or the application is made under it. Who holds it may lock lanes, one at a time.
	mu sync.Mutex
	// accepted is the sum of the lanes' when their credit was last taken back, and lent
	// what they were lent since. While nothing is lent it is exact. released follows it as
	// entries are exported, coalesced or dropped. The difference is what the bounds are
	// about.
	accepted amount
	lent     amount
	released amount
	wakeAt   amount // of either wakes the dispatcher

	closed     bool // Shutdown was called: nothing is accepted
	abandoned  bool // Shutdown gave up: late results change nothing
	waiting    bool // waiters is not empty
	unreported bool // something was refused and not reported yet
	pressed    bool // something did not fit since the last take
	urged      bool // that wakes the dispatcher

	waiters waiterList

	inFlight                     int64
	refused, exported, coalesced uint64
	failed                       uint64 // accepted, and then lost other than on purpose
	droppedBy                    map[DropReason]uint64

	// What the semantic conventions count: spans, that is ENDs alone.
	endsLaunched uint64                // handed to the exporter
	endsDropped  map[DropReason]uint64 // before they were handed to it

	// The limits do not change.
	blocking   bool
	most       amount
	startsFrom amount // from here on STARTs are refused

	// wake tells the dispatcher that accepted reached what it waits for, or that a drop is
	// to be reported. It holds one token.
	wake chan struct{}
}

func newQueue(c config, lanes int) *queue {
	most := amount{uint64(c.maxQueueSize), uint64(c.maxQueueBytes)}
	startsFrom := amount{threeQuarters(most.items), threeQuarters(most.bytes)}
	if c.blocking { // who waits for room is not refused
		startsFrom = most
	}
	q := &queue{
		lanes:       make([]*lane, lanes),
		most:        most,
		startsFrom:  startsFrom,
		blocking:    c.blocking,
		wake:        make(chan struct{}, 1),
		wakeAt:      amount{never, never}, // the dispatcher begins with a look
		droppedBy:   make(map[DropReason]uint64),
		endsDropped: make(map[DropReason]uint64),
	}
	for i := range q.lanes {
		first := new(chunk)
		q.lanes[i] = &lane{now: newPlace(uint64(i), 1), head: first, tail: first}
	}
	if lanes > 1 {
		q.places = newPlaces(lanes)
	}
	return q
}

// threeQuarters returns the least whole number that is at least 3/4 of n.
func threeQuarters(n uint64) uint64 { return n - n/4 }

// offer accepts e or drops it under a reason. It waits only when the queue is
// blocking. at is the index of the lane to which the core keeps, or anyLane.
func (q *queue) offer(e entry, at int) {
	l := q.enter(e.shard, at)
	if l.affords(&e) {
		l.append(e)
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	q.ask(e, at)
}

// offerStart is offer for the entry of a START, which has no span yet: that becomes a copy
// of start.
func (q *queue) offerStart(start *startSpan, e entry, at int) {
	l := q.enter(e.shard, at)
	if l.starts == nil { // others may wait for the lock meanwhile
		l.mu.Unlock()
		more := new(slab)
		l = q.enter(e.shard, at)
		if l.starts == nil {
			l.starts = more
		}
	}
	if l.affords(&e) {
		e.span = l.record(start)
		l.append(e)
		l.mu.Unlock()
		return
	}
	l.mu.Unlock()
	record := *start
	e.span = &record
	q.ask(e, at)
}

// enter locks the lane for the next entry of a shard, and returns it: the lane that got
// others of it in this turn, or, if none did, the one at index at.
//
// It is where traces keep their order: see places.
func (q *queue) enter(shard uint16, at int) *lane {
	if q.places == nil {
		l := q.lanes[0]
		l.mu.Lock()
		return l
	}
	if at == anyLane {
		at = q.places.of(shard).lane()
	}
	for {
		l := q.lanes[at]
		l.mu.Lock()
		switch last := q.places.of(shard); {
		case last == l.now:
			return l
		case last.turn() >= l.now.turn(): // another has it
			at = last.lane()
		case q.places.move(shard, last, l.now):
			return l
		}
		l.mu.Unlock()
	}
}

// ask is offer for an entry that its lane has no credit for.
func (q *queue) ask(e entry, at int) {
	q.mu.Lock()
	if q.lend(e, at) || q.reclaim() && q.lend(e, at) {
		q.mu.Unlock()
		return
	}
	q.decide(e, at) // unlocks
}

// lend gives e's lane a part of what is left to lend, and accepts e from that. It returns
// false when there is too little. It is called with mu held.
func (q *queue) lend(e entry, at int) bool {
	if q.closed || q.waiting {
		return false
	}
	// Below both of these nothing has to be decided.
	room := q.released.plus(q.startsFrom)
	room = amount{min(room.items, q.wakeAt.items-1), min(room.bytes, q.wakeAt.bytes-1)}
	used := q.accepted.plus(q.lent)
	if !room.covers(used) {
		return false
	}
	left := room.minus(used)
	left.items = min(left.items, maxLent)
	n := uint64(len(q.lanes))
	credit := amount{left.items / n, left.bytes / n}
	if !credit.covers(amountOf(&e)) {
		return false
	}
	q.lent = q.lent.plus(credit)
	l := q.enter(e.shard, at)
	l.grant(credit)
	l.append(e)
	l.mu.Unlock()
	return true
}

// reclaim takes back what was lent: from now on, and until something is lent again,
// accepted is exact, and grows by append alone. It returns false when nothing was lent. It
// is called with mu held.
func (q *queue) reclaim() bool {
	if q.lent == (amount{}) {
		return false
	}
	q.lent, q.accepted = amount{}, amount{}
	for _, l := range q.lanes {
		q.accepted = q.accepted.plus(l.reclaim())
	}
	return true
}

// count returns what was accepted so far, and how much of it ENDs. It is called with mu
// held.
func (q *queue) count() (accepted amount, ends uint64) {
	for _, l := range q.lanes {
		l.mu.Lock()
		accepted = accepted.plus(l.accepted())
		ends += l.ends
		l.mu.Unlock()
	}
	return accepted, ends
}

// decide accepts an entry that comes after shutdown, near a bound, or as what the
// dispatcher waits for, or drops it under a reason. It is called with mu held while nothing
// is lent, and releases mu.
func (q *queue) decide(e entry, at int) {
	size := uint64(e.bytes)
	held := q.accepted.minus(q.released)
	fits := held.items < q.most.items && held.bytes+size <= q.most.bytes
	switch {
	case q.closed:
		q.refuse(e.phase, ReasonAlreadyShutdown)
	case size > q.most.bytes:
		q.refuse(e.phase, ReasonTooLarge)
	case q.blocking && (!fits || q.waiting):
		w := &waiter{entry: e, at: at, done: make(chan struct{})}
		q.waiters.push(w)
		q.waiting = true
		wake := q.press()
		q.mu.Unlock()
		if wake {
			q.signal()
		}
		<-w.done // admitted by settle, or refused by close
		return
	case !q.blocking && e.phase == PhaseStart && (held.items >= q.startsFrom.items || held.bytes >= q.startsFrom.bytes):
		q.refuse(e.phase, ReasonStartRefused)
	case !fits:
		q.refuse(e.phase, ReasonQueueFull)
	default:
		wake := q.append(e, at)
		q.mu.Unlock()
		if wake {
			q.signal()
		}
		return
	}
	wake := !q.unreported
	q.unreported = true
	if !q.closed && q.press() {
		wake = true
	}
	q.mu.Unlock()
	if wake {
		q.signal()
	}
	release(e.span)
}

// append adds e to its lane and reports whether the dispatcher is to be woken. It is
// called with mu held, and nothing lent.
func (q *queue) append(e entry, at int) (wake bool) {
	q.accepted = q.accepted.plus(amountOf(&e))
	if q.accepted.reaches(q.wakeAt) {
		q.wakeAt = amount{never, never}
		wake = true
		for _, l := range q.lanes { // which accept nothing now
			l.wake()
		}
	}
	l := q.enter(e.shard, at)
	l.grant(amountOf(&e))
	l.append(e)
	l.mu.Unlock()
	return wake
}

// press notes that something did not fit, and reports whether the dispatcher is to
// be woken for it: what is queued is then sent without waiting for a full batch
// or the batch timeout. It is called with mu held.
func (q *queue) press() (wake bool) {
	q.pressed = true
	wake, q.urged = q.urged, false
	return wake
}

// refuse counts an entry that was offered and not accepted. It is called with mu held.
func (q *queue) refuse(phase Phase, reason DropReason) {
	q.refused++
	q.droppedBy[reason]++
	if phase == PhaseEnd {
		q.endsDropped[reason]++
	}
}

// signal wakes the dispatcher. It never blocks.
func (q *queue) signal() {
	select {
	case q.wake <- struct{}{}:
	default:
	}
}

// taking is what take returns.
type taking struct {
	earlier, later log    // than when the dispatcher was woken, if it was
	accepted       amount // so far, these included
	pressed        bool   // something did not fit since the last time
}

// take hands the whole log to the dispatcher, lane by lane. From here on that is awake,
// and need not be woken. Empty chunks it takes back.
//
// All of it is done with mu held. So when a lane has to be waited for, because the
// goroutine that holds its lock has lost its core in the middle of an append, the others
// soon wait too, as they run out of credit, and that one has a core again. Otherwise
// they would go on and on while the dispatcher cannot.
func (q *queue) take(empty *freeChunks) taking {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := taking{pressed: q.pressed || q.waiting}
	q.pressed = false
	q.wakeAt, q.urged = amount{never, never}, false
	for _, l := range q.lanes {
		earlier, later, accepted := l.take(empty)
		t.earlier.append(earlier)
		t.later.append(later)
		t.accepted = t.accepted.plus(accepted)
	}
	return t
}

// await is the dispatcher's last step before it waits: it asks to be woken when as much
// was accepted since New, in items or bytes, or, if urged, when something does not fit.
// It returns false, and asks nothing, when that is so already. Nothing is lent then, so
// that none is accepted meanwhile, and no wake-up missed.
func (q *queue) await(mark amount, urged bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.reclaim()
	if q.accepted.reaches(mark) || urged && q.pressed {
		return false
	}
	q.wakeAt, q.urged = mark, urged
	return true
}
