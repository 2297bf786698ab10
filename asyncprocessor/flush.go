package asyncprocessor

import (
	"slices"
	"sync/atomic"
)

// flush is a ForceFlush that waits until everything offered before it is
// settled. It belongs to the dispatcher.
type flush struct {
	// left is, by shard, how many entries it waits for.
	left   map[uint16]uint64
	gaveUp atomic.Bool // its caller waits no more
	done   chan struct{}
}

// settled notes that the oldest n entries of shard i are.
func (f *flush) settled(i uint16, n uint64) {
	switch left, waits := f.left[i]; {
	case !waits:
	case n < left:
		f.left[i] = left - n
	default:
		delete(f.left, i)
	}
}

// beginFlush fixes what f waits for: all that is in the queue now.
func (d *dispatcher) beginFlush(f *flush) {
	d.collect(d.takenAt)
	d.sortLog(true) // so that the shards know all of it
	f.left = make(map[uint16]uint64)
	for i := range uint16(numShards) {
		if n := d.shards.held(i); n > 0 {
			f.left[i] = n
		}
	}
	// This one waits for all that those given up waited for, and more.
	d.flushing = slices.DeleteFunc(d.flushing, func(f *flush) bool { return f.gaveUp.Load() })
	d.flushing = append(d.flushing, f)
	d.endFlushes()
}

// flushDue reports whether a flush waits for something in the open batch: the last one
// does if any does. What waits in ready shards comes into it.
func (d *dispatcher) flushDue() bool {
	if len(d.flushing) == 0 {
		return false
	}
	last := d.flushing[len(d.flushing)-1]
	for _, i := range d.open.shards {
		if _, waits := last.left[i]; waits {
			return true
		}
	}
	return false
}

// endFlushes lets those go on whose wait is over.
func (d *dispatcher) endFlushes() {
	waiting := d.flushing[:0]
	for _, f := range d.flushing {
		if len(f.left) == 0 {
			close(f.done)
		} else {
			waiting = append(waiting, f)
		}
	}
	clear(d.flushing[len(waiting):])
	d.flushing = waiting
}
