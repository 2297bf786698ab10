package asyncprocessor

import "time"

// numShards is how many FIFOs keep order. Traces that share one share their turn, so
// there are many: an export that takes long, of a batch of 512 traces, holds up 12 %
// of the others. A shard costs 44 bytes, and a busy one what it holds.
const numShards = 4096

// shard is the FIFO of what waits of the traces that hash to it. While some of its
// entries are with the exporter it is busy, and what follows waits: so a trace has one
// export in flight at a time, and a retry holds up its own shards only.
type shard struct {
	head, tail *node // nil while it is empty
	count      int
	// since is when the oldest entry began to wait, or somewhat before, in
	// nanoseconds since the dispatcher's epoch.
	since time.Duration
}

// shardState is what has to be known of a shard for every entry: how many of its entries
// are in a batch, whether that is the open one, or they are with the exporter and the
// shard is busy, and whether others wait. It is small and apart from the rest so that
// those of all shards stay in a core's cache: a miss costs more than all else that the
// dispatcher does for an entry.
type shardState uint32

const (
	stateOpen    shardState = 1 << 31
	stateWaiting shardState = 1 << 30
	stateIdle    shardState = 0
)

// out returns how many of the shard's entries are in a batch.
func (s shardState) out() uint64 { return uint64(s &^ (stateOpen | stateWaiting)) }

// joins reports whether the next entry can go into the open batch: no other waits before
// it, and none is with the exporter.
func (s shardState) joins() bool {
	return s == stateIdle || s&(stateOpen|stateWaiting) == stateOpen
}

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

// held returns how many entries of shard i wait or are in a batch.
func (ss *shards) held(i uint16) uint64 { return ss.states[i].out() + uint64(ss.all[i].count) }

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
	states  [numShards]shardState
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
	s, state := &ss.all[e.shard], &ss.states[e.shard]
	if s.count == 0 {
		s.since = since
		if *state == stateIdle {
			ss.enqueue(e.shard)
		}
		*state |= stateWaiting
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

// close ends the time in which what comes next of shard i can join its entries that are
// in a batch: that goes to the exporter, and the shard is busy.
func (ss *shards) close(i uint16) { ss.states[i] &^= stateOpen }

// free ends the busy time of shard i: what was out came back. It returns how many
// entries that were.
func (ss *shards) free(i uint16) (back uint64) {
	state := &ss.states[i]
	back = state.out()
	*state &= stateWaiting
	if *state != stateIdle {
		ss.enqueue(i)
	}
	return back
}
