package asyncprocessor

import "time"

// numShards is how many FIFOs keep order. Traces that share one share their turn, so
// there are many: an export that takes long, of a batch of 512 traces, holds up 12 %
// of the others. A shard costs a cache line, and a busy one what it holds.
const numShards = 4096

// shard is the FIFO of what waits of the traces that hash to it. While some of its
// entries are with the exporter it is busy, and what follows waits: so a trace has one
// export in flight at a time, and a retry holds up its own shards only. It is one
// cache line.
type shard struct {
	head, tail *node // nil while it is empty
	count      uint32
	// out counts the entries that are in a batch. While there are any, the shard is
	// busy, or, until the batch is sent, open.
	out  uint32
	open bool // they are in the open batch
	// since is when the oldest entry began to wait, or somewhat before, in
	// nanoseconds since the dispatcher's epoch.
	since time.Duration
	// settled counts the entries that came back over the shard's life: a flush
	// waits for it to reach the sum of all.
	settled uint64

	_ [16]byte
}

// accepted counts all entries over the shard's life.
func (s *shard) accepted() uint64 { return s.settled + uint64(s.out) + uint64(s.count) }

// push puts n behind the others.
func (s *shard) push(n *node) {
	if s.tail == nil {
		s.head = n
	} else {
		s.tail.next = n
	}
	s.tail = n
	s.count++
}

// pop returns the oldest.
func (s *shard) pop() *node {
	n := s.head
	if s.head = n.next; s.head == nil {
		s.tail = nil
	}
	s.count--
	return n
}

// drop takes the oldest out of s.
func (ss *shards) drop(s *shard) {
	ss.nodes.put(s.pop())
	if ss.waiting--; ss.waiting == 0 {
		ss.nodes.trim()
	}
}

// shards is all of them, with those that are ready, idle and not empty, in the
// order in which they became so: from its front a batch is filled, so none is
// starved.
type shards struct {
	all     [numShards]shard
	nodes   nodes // to use again
	waiting int   // entries in all of them

	ready      [numShards]uint16 // a ring; each shard is in it at most once
	readyHead  int
	readyCount int
}

// add puts a copy of e behind the entries of its shard. since is when it began to
// wait.
func (ss *shards) add(e *entry, since time.Duration) {
	s := &ss.all[e.shard]
	if s.count == 0 {
		s.since = since
		if s.out == 0 {
			ss.enqueue(e.shard)
		}
	}
	s.push(ss.nodes.take(e))
	ss.waiting++
}

func (ss *shards) enqueue(i uint16) {
	ss.ready[(ss.readyHead+ss.readyCount)%numShards] = i
	ss.readyCount++
}

// turn returns the shard whose turn it is. There must be a ready one.
func (ss *shards) turn() (uint16, *shard) {
	i := ss.ready[ss.readyHead]
	return i, &ss.all[i]
}

// pass ends the turn of a shard that has given entries, and is busy now.
func (ss *shards) pass() {
	ss.readyHead = (ss.readyHead + 1) % numShards
	ss.readyCount--
}

// free ends the busy time of shard i: what was out came back.
func (ss *shards) free(i uint16) *shard {
	s := &ss.all[i]
	s.settled += uint64(s.out)
	s.out = 0
	if s.count > 0 {
		ss.enqueue(i)
	}
	return s
}
