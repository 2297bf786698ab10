package asyncprocessor

import (
	"iter"
	"time"
)

// numShards is how many FIFOs keep order. Traces that share one share their turn, and what
// waits is handled twice, so there are many: an export that takes long, of a batch of 512
// traces, holds up 3 % of the others, and eight of them a fifth. A shard costs 38 bytes, and
// a busy one what it holds.
const numShards = 16384

// shard is the FIFO of what waits of the traces that hash to it. While some of its
// entries are with the exporter it is busy, and what follows waits: so a trace has one
// export in flight at a time, and a retry holds up its own shards only.
type shard struct {
	head, tail *node // nil while it is empty
	count      int32
	at         uint16 // the oldest entry in head
	end        uint16 // of the entries in tail
	// since is when the oldest entry began to wait, or somewhat before, in
	// nanoseconds since the dispatcher's epoch.
	since time.Duration
}

// first returns the oldest entry. There must be one.
func (s *shard) first() *entry { return &s.head.entries[s.at] }

// entries are all that wait, the oldest first.
func (s *shard) entries() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		at := int(s.at)
		for n := s.head; n != nil; n, at = n.next, 0 {
			end := nodeSize
			if n == s.tail {
				end = int(s.end)
			}
			for ; at < end; at++ {
				if !yield(&n.entries[at]) {
					return
				}
			}
		}
	}
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
func (s shardState) out() uint32 { return uint32(s &^ (stateOpen | stateWaiting)) }

// joins reports whether the next entry can go into the open batch: no other waits before
// it, and none is with the exporter.
func (s shardState) joins() bool {
	return s == stateIdle || s&(stateOpen|stateWaiting) == stateOpen
}

// held returns how many entries of shard i wait or are in a batch.
func (ss *shards) held(i uint16) uint32 { return ss.states[i].out() + uint32(ss.all[i].count) }

// push puts a copy of e behind the entries of s.
func (ss *shards) push(s *shard, e *entry) {
	if s.tail == nil || s.end == nodeSize {
		n := ss.nodes.take()
		if s.tail == nil {
			s.head, s.at = n, 0
		} else {
			s.tail.next = n
		}
		s.tail, s.end = n, 0
	}
	s.tail.entries[s.end] = *e
	s.end++
	s.count++
	ss.waiting++
}

// drop takes the oldest entry out of s.
func (ss *shards) drop(s *shard) {
	n := s.head
	n.entries[s.at].span = nil // let the collector have it
	s.at++
	s.count--
	ss.waiting--
	if s.at < nodeSize && s.count > 0 {
		return
	}
	s.head, s.at = n.next, 0
	if s.head == nil {
		s.tail = nil
	}
	ss.nodes.put(n)
	if ss.waiting == 0 {
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
	ss.push(s, e)
}

func (ss *shards) enqueue(i uint16) {
	ss.ready[(ss.readyHead+ss.readyCount)%numShards] = i
	ss.readyCount++
}

// readyAll are the ready shards, in their order.
func (ss *shards) readyAll() iter.Seq[uint16] {
	return func(yield func(uint16) bool) {
		for n := range ss.readyCount {
			if !yield(ss.ready[(ss.readyHead+n)%numShards]) {
				return
			}
		}
	}
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

// close ends the time in which what comes next of the shards of b can join their entries
// there: b goes to the exporter, and they are busy.
func (ss *shards) close(b *batch) {
	for _, i := range b.shards {
		ss.states[i] &^= stateOpen
	}
}

// free ends the busy time of shard i: what was out came back. It returns how many
// entries that were.
func (ss *shards) free(i uint16) (back uint32) {
	state := &ss.states[i]
	back = state.out()
	*state &= stateWaiting
	if *state != stateIdle {
		ss.enqueue(i)
	}
	return back
}
