package asyncprocessor

import (
	"sync"
	"sync/atomic"
)

// maxLanes bounds the lanes of a queue.
const maxLanes = 16

// lanesPerCore is how many there are for each core, so that two cores seldom share one.
const lanesPerCore = 2

// maxLaneChunks bounds the empty chunks that a lane keeps: 64 KiB.
const maxLaneChunks = 64

// numLanes returns how many lanes serve producers on so many cores.
func numLanes(cores int) int {
	if cores == 1 {
		return 1 // nobody else is there to wait for
	}
	return min(lanesPerCore*cores, maxLanes)
}

// anyLane stands for the index of a lane where it is not known which one the core keeps to.
// A span mostly ends on the core on which it, or another of its trace, started: then the
// place of its shard is best.
const anyLane = -1

// homes tell a core to which lane it keeps.
type homes struct {
	pool  sync.Pool // of *int, which is kept by core
	lanes int
	cores atomic.Uint32 // that came for the first time
}

// lane returns the index of this core's lane.
func (h *homes) lane() int {
	if h.lanes == 1 {
		return 0
	}
	at, _ := h.pool.Get().(*int)
	if at == nil {
		at = new(int)
		*at = int(h.cores.Add(1) % uint32(h.lanes))
	}
	h.pool.Put(at)
	return *at
}

// lane is a part of the queue's log. Lanes have a lock each, and a core keeps to one as
// long as order allows it: so producers on different cores neither wait for one another
// nor move cache lines between them.
//
// An append is a few stores under one short lock, and asks nobody: the queue has lent the
// lane what it may accept. So the bounds are exact, and so is the moment at which the
// dispatcher is woken, as if all lanes were one.
type lane struct {
	// mu guards all that follows. It is held for a few instructions at a time, and, seldom,
	// an allocation, of a chunk: no call of the SDK, the exporter or the application is made
	// under it, and no other lock is taken.
	//
	// What every append touches fits in a cache line.
	mu      sync.Mutex
	now     place // which the log's shards have
	credit  amount
	ends    uint64 // that were accepted
	tail    *chunk
	tailLen int   // entries in tail; all chunks before it are full
	starts  *slab // with room for another record, or nil

	granted amount // what was accepted, and credit
	head    *chunk
	free    freeChunks
	spent   int32 // chunks since the last take, for which take gives others
	// Once the dispatcher has been woken, until the next take, what had arrived before is
	// in earlier.
	woken   bool
	earlier log
}

// place is where a shard's entries go: to a lane, by its index, in a turn of it. A turn
// lasts from one take to the next.
type place uint64

func newPlace(lane, turn uint64) place { return place(turn*maxLanes + lane) }

func (p place) lane() int { return int(p % maxLanes) }

func (p place) turn() uint64 { return uint64(p / maxLanes) }

// places keep traces in order, one for each shard. In each turn at most one lane gets entries
// of a place: it moves only to a later turn, under the lock of the lane to which it moves, and
// entries are added only under the lock of the place's lane, in the place's turn. The
// dispatcher takes from every lane once before it takes from any again, so it gets to all
// entries of a turn before any of the next.
//
// To look at one is a cache miss for a producer, mostly since another core wrote to others
// beside it. So there are no fewer of them than shards, 128 KiB.
type places [numShards]atomic.Uint64

func newPlaces(lanes int) *places {
	ps := new(places)
	for i := range ps {
		ps[i].Store(uint64(newPlace(uint64(i%lanes), 0)))
	}
	return ps
}

func (ps *places) of(shard uint16) place { return place(ps[shard%numShards].Load()) }

// move makes to the place of a shard, if that is still from.
func (ps *places) move(shard uint16, from, to place) bool {
	return ps[shard%numShards].CompareAndSwap(uint64(from), uint64(to))
}

// amount is a number of snapshots, and the estimate of their memory.
type amount struct{ items, bytes uint64 }

func amountOf(e *entry) amount { return amount{1, uint64(e.bytes)} }

func (a amount) plus(b amount) amount { return amount{a.items + b.items, a.bytes + b.bytes} }

// minus returns a without b, which is no more than a.
func (a amount) minus(b amount) amount { return amount{a.items - b.items, a.bytes - b.bytes} }

// covers reports whether all of b is within a.
func (a amount) covers(b amount) bool { return a.items >= b.items && a.bytes >= b.bytes }

// reaches reports whether a is as much as b in one of the two.
func (a amount) reaches(b amount) bool { return a.items >= b.items || a.bytes >= b.bytes }

// accepted returns what the lane has accepted. It is called with mu held.
func (l *lane) accepted() amount { return l.granted.minus(l.credit) }

// affords reports whether the credit is enough for e. It is called with mu held.
func (l *lane) affords(e *entry) bool {
	return l.credit.items > 0 && l.credit.bytes >= uint64(e.bytes)
}

// record returns a copy of s that may be kept. It is called with mu held, and starts not nil.
func (l *lane) record(s *startSpan) *startSpan {
	b := l.starts
	r := &b.records[b.used]
	if b.used++; b.used == slabSize {
		l.starts = nil
	}
	*r = *s
	return r
}

// append adds e to the log, on credit. It is called with mu held, and enough of that.
func (l *lane) append(e entry) {
	if l.tailLen == chunkSize {
		l.tail.end = chunkSize
		l.tail.next = l.takeChunk()
		l.tail, l.tailLen = l.tail.next, 0
	}
	l.tail.entries[l.tailLen] = e
	l.tailLen++
	l.credit.items--
	l.credit.bytes -= uint64(e.bytes)
	if e.phase == PhaseEnd {
		l.ends++
	}
}

// grant adds to the credit. It is called with mu held.
func (l *lane) grant(a amount) {
	l.granted, l.credit = l.granted.plus(a), l.credit.plus(a)
}

// reclaim takes the credit back, and returns what the lane has accepted.
func (l *lane) reclaim() amount {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.granted, l.credit = l.accepted(), amount{}
	return l.granted
}

// wake notes that the dispatcher is woken now.
func (l *lane) wake() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.woken = true
	l.earlier.append(l.clear())
}

// take hands over the lane's part of the log, in order, in two parts if the dispatcher has
// been woken, and says how much the lane has accepted so far. In exchange it takes as many
// empty chunks, if there are so many.
//
// A lane in which nothing was gives up what it has for records of STARTs: those that are in
// it may have been exported, and it would keep them, and their spans, until the next comes.
func (l *lane) take(empty *freeChunks) (earlier, later log, accepted amount) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for ; l.spent > 0 && l.free.count < maxLaneChunks && empty.first != nil; l.spent-- {
		l.free.put(empty.take())
	}
	l.spent = 0
	earlier = l.clear()
	if l.woken {
		earlier, later = l.earlier, earlier
	}
	if earlier.empty() && later.empty() {
		l.starts = nil
	}
	l.woken, l.earlier = false, log{}
	l.now = newPlace(uint64(l.now.lane()), l.now.turn()+1)
	return earlier, later, l.accepted()
}

// discard drops all that is in the lane.
func (l *lane) discard() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.clear()
	l.earlier, l.starts = log{}, nil
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
