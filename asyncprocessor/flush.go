package asyncprocessor

import "sync/atomic"

// flush is a ForceFlush that waits until everything offered before it is
// settled. It belongs to the dispatcher.
type flush struct {
	// target is, by shard, the number of settled entries to wait for; it is 0
	// when that is reached.
	target [numShards]uint64
	left   int         // shards whose target is not reached
	given  atomic.Bool // given up by its caller
	done   chan struct{}
}

// settled notes that shard i has settled n entries over its life.
func (f *flush) settled(i uint8, n uint64) {
	if t := f.target[i]; t != 0 && n >= t {
		f.target[i] = 0
		f.left--
	}
}

// beginFlush fixes what f waits for: all that is in the queue now.
func (d *dispatcher) beginFlush(f *flush) {
	d.collect(d.takenAt)
	for i := range d.shards.all {
		if s := &d.shards.all[i]; s.settled < s.accepted() {
			f.target[i] = s.accepted()
			f.left++
		}
	}
	d.flushing = append(d.flushing, f)
	d.endFlushes()
}

// flushDue reports whether a flush waits for something that can be sent now.
func (d *dispatcher) flushDue() bool {
	for _, f := range d.flushing {
		if f.given.Load() {
			continue
		}
		for i := range d.shards.readyOnes() {
			if f.target[i] != 0 {
				return true
			}
		}
	}
	return false
}

// endFlushes lets those go on whose wait is over, and forgets those given up.
func (d *dispatcher) endFlushes() {
	waiting := d.flushing[:0]
	for _, f := range d.flushing {
		switch {
		case f.left == 0:
			close(f.done)
		case !f.given.Load():
			waiting = append(waiting, f)
		}
	}
	clear(d.flushing[len(waiting):])
	d.flushing = waiting
}
