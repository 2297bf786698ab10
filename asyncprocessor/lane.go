package asyncprocessor

import "sync"

// maxLanes bounds the lanes of a queue.
const maxLanes = 16

// lanesPerCore is how many there are for each core, so that two producers seldom meet
// in one.
const lanesPerCore = 4

// lane is a part of the queue's log: what arrived of the traces that fall to it, in the
// order of arrival, and the counts of that. Lanes have a lock each, so that producers on
// different cores seldom wait for one another; the traces keep their order, since a trace
// has one lane.
//
// An append is a few stores under one short lock, and asks nobody: the queue has lent the
// lane what it may accept. So the bounds are exact, and so is the moment at which the
// dispatcher is woken, as if all lanes were one.
type lane struct {
	// mu guards all that follows. It is held for a few instructions at a time: no call of
	// the SDK, the exporter or the application is made under it, and no other lock is
	// taken.
	//
	// What every append touches fills one cache line, which is what moves between cores.
	mu       sync.Mutex
	credit   amount
	accepted counts
	tail     *chunk
	tailLen  int // entries in tail; all chunks before it are full

	head  *chunk
	free  freeChunks
	spent int // chunks that the dispatcher has not given back yet
	// Once the dispatcher has been woken, until the next take, what had arrived before is
	// in earlier.
	woken   bool
	earlier log

	_ [8]byte // to 128 bytes: cores fetch cache lines in pairs
}

// amount is a number of snapshots, and the estimate of their memory.
type amount struct{ items, bytes uint64 }

func (a amount) plus(b amount) amount { return amount{a.items + b.items, a.bytes + b.bytes} }

// minus returns what is left of a without b, but not less than nothing.
func (a amount) minus(b amount) amount {
	return amount{a.items - min(a.items, b.items), a.bytes - min(a.bytes, b.bytes)}
}

// covers reports whether e is within a.
func (a amount) covers(e *entry) bool { return a.items > 0 && a.bytes >= uint64(e.bytes) }

// counts only grow.
type counts struct {
	amount
	ends uint64 // of items
}

func (c *counts) add(d counts) {
	c.amount = c.plus(d.amount)
	c.ends += d.ends
}

// offer accepts e if the lane has credit for it.
func (l *lane) offer(e entry) bool {
	l.mu.Lock()
	if !l.credit.covers(&e) {
		l.mu.Unlock()
		return false
	}
	l.credit.items--
	l.credit.bytes -= uint64(e.bytes)
	l.append(e)
	l.mu.Unlock()
	return true
}

// append adds e to the log. It is called with mu held.
func (l *lane) append(e entry) {
	if l.tailLen == chunkSize {
		l.tail.end = chunkSize
		l.tail.next = l.takeChunk()
		l.tail, l.tailLen = l.tail.next, 0
	}
	l.tail.entries[l.tailLen] = e
	l.tailLen++
	l.accepted.items++
	l.accepted.bytes += uint64(e.bytes)
	if e.phase == PhaseEnd {
		l.accepted.ends++
	}
}

// clear makes the log empty, and returns what it was. It is called with mu held.
func (l *lane) clear() (all log) {
	if l.tailLen == 0 { // a chunk is linked only when there is an entry for it
		return log{}
	}
	l.tail.end = l.tailLen
	all = log{l.head, l.tail}
	l.head = l.takeChunk()
	l.tail, l.tailLen = l.head, 0
	return all
}

// takeChunk returns an empty chunk. It is called with mu held.
func (l *lane) takeChunk() *chunk {
	l.spent++
	return l.free.take()
}

// wake notes that the dispatcher is woken now.
func (l *lane) wake() {
	l.mu.Lock()
	l.woken, l.earlier = true, l.clear()
	l.mu.Unlock()
}

// taking is what take returns.
type taking struct {
	earlier, later log    // than when the dispatcher was woken, if it was
	accepted       amount // so far, these included
}

// take hands the lane's part of the log to the dispatcher, in order, and takes back as many
// empty chunks as it has spent, if there are so many.
func (l *lane) take(empty *freeChunks) taking {
	l.mu.Lock()
	defer l.mu.Unlock()
	t := taking{accepted: l.accepted.amount}
	for ; l.spent > 0 && empty.first != nil; l.spent-- {
		l.free.put(empty.take())
	}
	if l.woken {
		t.earlier, t.later = l.earlier, l.clear()
	} else {
		t.earlier = l.clear()
	}
	l.woken, l.earlier = false, log{}
	return t
}
