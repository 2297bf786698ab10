package asyncprocessor

import (
	"iter"
	"time"
)

// numShards is how many FIFOs keep order. Two traces share one with a chance of
// 1 in 256, and then share their turn; a busy shard costs what it holds, an idle
// one nothing.
const numShards = 256

// shard is the FIFO of the traces that hash to it. While some of its entries are
// with the exporter it is busy, and what follows waits: so a trace has one export
// in flight at a time, and a retry holds up its own shard only. It is one cache
// line.
type shard struct {
	head, tail *chunk // nil until the first push
	// at is where the oldest entry is in head, and end where the next one comes in tail.
	at, end int
	count   uint32
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
}

func (s *shard) busy() bool { return s.out > 0 }

// accepted counts all entries over the shard's life.
func (s *shard) accepted() uint64 { return s.settled + uint64(s.out) + uint64(s.count) }

func (s *shard) push(e *entry, free *freeChunks) {
	switch {
	case s.tail == nil:
		s.head = free.take()
		s.tail = s.head
	case s.end == chunkSize:
		s.tail.next = free.take()
		s.tail, s.end = s.tail.next, 0
	}
	s.tail.entries[s.end] = *e
	s.end++
	s.count++
}

// front returns the oldest entry. It is valid until the next pop.
func (s *shard) front() *entry { return &s.head.entries[s.at] }

func (s *shard) pop(free *freeChunks) {
	s.front().span = nil // let the collector have it
	s.at++
	s.count--
	switch {
	case s.count == 0: // its one chunk is used again from the beginning
		s.at, s.end = 0, 0
	case s.at == chunkSize:
		c := s.head
		s.head, s.at = c.next, 0
		free.put(c)
	}
}

// entries yields all that wait, oldest first.
func (s *shard) entries() iter.Seq[*entry] {
	return func(yield func(*entry) bool) {
		for c, at := s.head, s.at; c != nil; c, at = c.next, 0 {
			end := chunkSize
			if c == s.tail {
				end = s.end
			}
			for i := at; i < end; i++ {
				if !yield(&c.entries[i]) {
					return
				}
			}
		}
	}
}

// shards is all of them, with those that are ready, idle and not empty, in the
// order in which they became so: from its front a batch is filled, so none is
// starved.
type shards struct {
	all [numShards]shard
	// chunks are what the shards take theirs from. An empty shard keeps one.
	chunks freeChunks

	ready      [numShards]uint8 // a ring; each shard is in it at most once
	readyHead  int
	readyCount int
}

// add puts a copy of e behind the entries of its shard. since is when it began to
// wait.
func (ss *shards) add(e *entry, since time.Duration) {
	s := &ss.all[e.shard]
	if s.count == 0 {
		s.since = since
		if !s.busy() {
			ss.enqueue(e.shard)
		}
	}
	s.push(e, &ss.chunks)
}

func (ss *shards) enqueue(i uint8) {
	ss.ready[(ss.readyHead+ss.readyCount)%numShards] = i
	ss.readyCount++
}

// turn returns the shard whose turn it is. There must be a ready one.
func (ss *shards) turn() (uint8, *shard) {
	i := ss.ready[ss.readyHead]
	return i, &ss.all[i]
}

// pass ends the turn of a shard that has given entries, and is busy now.
func (ss *shards) pass() {
	ss.readyHead = (ss.readyHead + 1) % numShards
	ss.readyCount--
}

// free ends the busy time of shard i: what was out came back.
func (ss *shards) free(i uint8) *shard {
	s := &ss.all[i]
	s.settled += uint64(s.out)
	s.out = 0
	if s.count > 0 {
		ss.enqueue(i)
	}
	return s
}
