package asyncprocessor

import "time"

// numShards is how many FIFOs keep order. Two traces share one with a chance of
// 1 in 256, and then share their turn; a busy shard costs what it holds, an idle
// one nothing. A power of two.
const numShards = 256

// minRing is the least capacity of a shard's ring, in entries.
const minRing = 16

// keepRing is the largest capacity that an empty shard keeps, in entries.
const keepRing = 256

// shard is the FIFO of the traces that hash to it. While one of its entries is
// with the exporter it is busy, and what follows waits: so a trace has one export
// in flight at a time, and a retry holds up its own shard only.
type shard struct {
	ring  []entry // length a power of two, or 0
	head  int
	count int
	bytes uint64

	// since is when the oldest entry began to wait, or somewhat before.
	since time.Time
	busy  bool

	// added and settled count entries over the shard's life: a flush waits
	// until settled reaches what added was.
	added, settled uint64
}

func (s *shard) push(e entry) {
	if s.count == len(s.ring) {
		s.resize(max(minRing, 2*len(s.ring)))
	}
	s.ring[(s.head+s.count)&(len(s.ring)-1)] = e
	s.count++
	s.added++
	s.bytes += uint64(e.bytes)
}

// front returns the oldest entry. It is valid until the next push or pop.
func (s *shard) front() *entry { return &s.ring[s.head] }

func (s *shard) pop() {
	e := s.front()
	s.bytes -= uint64(e.bytes)
	*e = entry{} // let the collector have the span
	s.head = (s.head + 1) & (len(s.ring) - 1)
	s.count--
	if s.count == 0 && len(s.ring) > keepRing {
		s.ring, s.head = nil, 0
	}
}

func (s *shard) resize(size int) {
	ring := make([]entry, size)
	n := copy(ring, s.ring[s.head:])
	copy(ring[n:], s.ring[:s.head])
	s.ring, s.head = ring, 0
}

// shards is all of them, with those that are ready, idle and not empty, in the
// order in which they became so: from its front a batch is filled, so none is
// starved.
type shards struct {
	all [numShards]shard

	ready      [numShards]uint16 // a ring; each shard is in it at most once
	readyHead  int
	readyCount int
	readyItems int    // entries in ready shards
	readyBytes uint64 // and their bytes

	count int // entries in all shards
}

// add puts e behind the entries of its shard. since is when it began to wait.
func (ss *shards) add(e entry, since time.Time) {
	s := &ss.all[e.shard]
	if s.count == 0 {
		s.since = since
		if !s.busy {
			ss.enqueue(e.shard)
		}
	}
	s.push(e)
	ss.count++
	if !s.busy {
		ss.readyItems++
		ss.readyBytes += uint64(e.bytes)
	}
}

func (ss *shards) enqueue(i uint16) {
	ss.ready[(ss.readyHead+ss.readyCount)%numShards] = i
	ss.readyCount++
}

// next takes the shard whose turn it is out of the ready ones and marks it busy.
// There must be one.
func (ss *shards) next() (uint16, *shard) {
	i := ss.ready[ss.readyHead]
	ss.readyHead = (ss.readyHead + 1) % numShards
	ss.readyCount--
	s := &ss.all[i]
	s.busy = true
	ss.readyItems -= s.count
	ss.readyBytes -= s.bytes
	return i, s
}

// undoNext puts shard i, which next just returned, back where it was.
func (ss *shards) undoNext(i uint16) {
	s := &ss.all[i]
	s.busy = false
	ss.readyHead = (ss.readyHead + numShards - 1) % numShards
	ss.readyCount++
	ss.readyItems += s.count
	ss.readyBytes += s.bytes
}

// free ends the busy time of shard i, of which settled entries came back.
func (ss *shards) free(i uint16, settled int) {
	s := &ss.all[i]
	s.busy = false
	s.settled += uint64(settled)
	if s.count > 0 {
		ss.enqueue(i)
		ss.readyItems += s.count
		ss.readyBytes += s.bytes
	}
}

// oldest returns when the entry that waits longest in a ready shard began to.
func (ss *shards) oldest() time.Time {
	var t time.Time
	for k := range ss.readyCount {
		s := &ss.all[ss.ready[(ss.readyHead+k)%numShards]]
		if k == 0 || s.since.Before(t) {
			t = s.since
		}
	}
	return t
}
