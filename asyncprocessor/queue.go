package asyncprocessor

import (
	"math"
	"sync"
)

// maxDropReasons bounds the reasons that Stats tells apart, since an exporter
// can make up its own. Beyond it a reason counts as ReasonExportFailed.
const maxDropReasons = 32

// never is a wakeAt that is not reached.
const never = math.MaxUint64

// queue is where the application's goroutines leave their snapshots and the
// dispatcher picks them up: one log in the order of arrival, with all counts
// beside it under the same lock, so that the bounds are exact and Stats adds up
// at every moment. It knows nothing of traces, batches or exporters.
//
// An append is a few stores under one short lock. The dispatcher takes the whole
// log in one step, so it never holds the lock for longer than an append does.
type queue struct {
	// mu guards everything but the limits and wake. It is held for a few
	// instructions at a time: no call of the SDK, the exporter or the
	// application is made under it.
	//
	// What every append touches fills the first two cache lines, which are what
	// moves between the cores of concurrent producers.
	mu sync.Mutex
	// accepted and acceptedBytes only grow; released and releasedBytes follow
	// them as entries are exported, coalesced or dropped. The difference is what
	// the bounds are about.
	accepted, released           uint64
	acceptedBytes, releasedBytes uint64
	wakeAt, wakeAtBytes          uint64
	ends                         uint64 // of accepted

	tail       *chunk
	tailLen    uint32 // entries in tail; all chunks before it are full
	closed     bool   // Shutdown was called: nothing is accepted
	abandoned  bool   // Shutdown gave up: late results change nothing
	waiting    bool   // waiters is not empty
	unreported bool   // something was refused and not reported yet
	pressed    bool   // something did not fit since the last take
	urged      bool   // that wakes the dispatcher
	// The limits do not change.
	blocking             bool
	maxItems, startItems uint64 // startItems: from here on STARTs are refused
	maxBytes, startBytes uint64

	head    *chunk
	free    freeChunks
	waiters waiterList

	inFlight                     int64
	refused, exported, coalesced uint64
	failed                       uint64 // accepted, and then lost other than on purpose
	droppedBy                    map[DropReason]uint64

	// What the semantic conventions count: spans, that is ENDs alone.
	endsLaunched uint64                // handed to the exporter
	endsDropped  map[DropReason]uint64 // before they were handed to it

	// wake tells the dispatcher that accepted or acceptedBytes reached what it
	// waits for, or that a drop is to be reported. It holds one token.
	wake chan struct{}

	_ [24]byte // to 256 bytes: an allocation of that size begins on a cache line
}

func newQueue(c config) *queue {
	first := new(chunk)
	maxItems, maxBytes := uint64(c.maxQueueSize), uint64(c.maxQueueBytes)
	startItems, startBytes := threeQuarters(maxItems), threeQuarters(maxBytes)
	if c.blocking { // who waits for room is not refused
		startItems, startBytes = maxItems, maxBytes
	}
	return &queue{
		maxItems:    maxItems,
		startItems:  startItems,
		maxBytes:    maxBytes,
		startBytes:  startBytes,
		blocking:    c.blocking,
		wake:        make(chan struct{}, 1),
		wakeAt:      1,
		wakeAtBytes: never,
		head:        first,
		tail:        first,
		droppedBy:   make(map[DropReason]uint64),
		endsDropped: make(map[DropReason]uint64),
	}
}

// threeQuarters returns the least whole number that is at least 3/4 of n.
func threeQuarters(n uint64) uint64 { return n - n/4 }

// offer accepts e or drops it under a reason. It waits only when the queue is
// blocking.
func (q *queue) offer(e entry) {
	size := uint64(e.bytes)
	q.mu.Lock()
	held := q.accepted - q.released
	heldBytes := q.acceptedBytes - q.releasedBytes

	if q.closed || held >= q.startItems || heldBytes >= q.startBytes || heldBytes+size > q.maxBytes ||
		q.waiting {
		q.offerSlow(e, held, heldBytes) // unlocks
		return
	}
	wake := q.append(e)
	q.mu.Unlock()
	if wake {
		q.signal()
	}
}

// offerSlow decides on an entry that comes after shutdown or near a bound. It is
// called with mu held and releases it.
func (q *queue) offerSlow(e entry, held, heldBytes uint64) {
	size := uint64(e.bytes)
	fits := held < q.maxItems && heldBytes+size <= q.maxBytes
	switch {
	case q.closed:
		q.refuse(e.phase, ReasonAlreadyShutdown)
	case size > q.maxBytes:
		q.refuse(e.phase, ReasonTooLarge)
	case q.blocking && (!fits || q.waiting):
		w := &waiter{entry: e, done: make(chan struct{})}
		q.waiters.push(w)
		q.waiting = true
		wake := q.press()
		q.mu.Unlock()
		if wake {
			q.signal()
		}
		<-w.done // admitted by settle, or refused by close
		return
	case !q.blocking && e.phase == PhaseStart && (held >= q.startItems || heldBytes >= q.startBytes):
		q.refuse(e.phase, ReasonStartRefused)
	case !fits:
		q.refuse(e.phase, ReasonQueueFull)
	default:
		wake := q.append(e)
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

// append adds e to the log and reports whether the dispatcher is to be woken.
// It is called with mu held.
func (q *queue) append(e entry) (wake bool) {
	if q.tailLen == chunkSize {
		c := q.free.take()
		q.tail.next = c
		q.tail, q.tailLen = c, 0
	}
	q.tail.entries[q.tailLen] = e
	q.tailLen++
	q.accepted++
	q.acceptedBytes += uint64(e.bytes)
	if e.phase == PhaseEnd {
		q.ends++
	}
	if q.accepted < q.wakeAt && q.acceptedBytes < q.wakeAtBytes {
		return false
	}
	q.wakeAt, q.wakeAtBytes = never, never
	return true
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
	first, last  *chunk // nil if nothing was there
	lastLen      int    // entries in the last
	items, bytes uint64 // what was accepted so far, these included
	pressed      bool   // something did not fit since the last time
}

// take hands the whole log to the dispatcher, in order.
func (q *queue) take() taking {
	q.mu.Lock()
	defer q.mu.Unlock()
	t := taking{items: q.accepted, bytes: q.acceptedBytes, pressed: q.pressed || q.waiting}
	q.pressed = false
	if q.tailLen == 0 { // a chunk is linked only when there is an entry for it
		return t
	}
	t.first, t.last, t.lastLen = q.head, q.tail, int(q.tailLen)
	q.head = q.free.take()
	q.tail, q.tailLen = q.head, 0
	return t
}

// recycle gives the queue the dispatcher's free chunks for its own, if those are
// more.
func (q *queue) recycle(free *freeChunks) {
	q.mu.Lock()
	if free.count > q.free.count {
		q.free, *free = *free, q.free
	}
	q.mu.Unlock()
}

// await is the dispatcher's last step before it waits: it asks to be woken when so
// many items or bytes were accepted since New, or, if urged, when something does not
// fit. It returns false, and asks nothing, when that is so already. Being under the
// same lock as append, it misses none.
func (q *queue) await(items, bytes uint64, urged bool) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.accepted >= items || q.acceptedBytes >= bytes || urged && q.pressed {
		q.wakeAt, q.wakeAtBytes, q.urged = never, never, false
		return false
	}
	q.wakeAt, q.wakeAtBytes, q.urged = items, bytes, urged
	return true
}
