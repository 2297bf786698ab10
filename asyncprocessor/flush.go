package asyncprocessor

import (
	"slices"
	"sync/atomic"
)

// flush is a ForceFlush that waits until everything offered before it is
// settled. It belongs to the dispatcher.
type flush struct {
	// target is, by shard, the number of settled entries to wait for; it is 0
	// when that is reached.
	target [numShards]uint64
	left   int         // shards whose target is not reached
	gaveUp atomic.Bool // its caller waits no more
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
	// This one waits for all that those given up waited for, and more.
	d.flushing = slices.DeleteFunc(d.flushing, func(f *flush) bool { return f.gaveUp.Load() })
	d.flushing = append(d.flushing, f)
	d.endFlushes()
}

// flushDue reports whether a flush waits for something in the open batch. What waits
// in ready shards comes into it.
func (d *dispatcher) flushDue() bool {
	for _, f := range d.flushing {
		for _, i := range d.open.shards {
			if f.target[i] != 0 {
				return true
			}
		}
	}
	return false
}

// endFlushes lets those go on whose wait is over.
func (d *dispatcher) endFlushes() {
	waiting := d.flushing[:0]
	for _, f := range d.flushing {
		if f.left == 0 {
			close(f.done)
		} else {
			waiting = append(waiting, f)
		}
	}
	clear(d.flushing[len(waiting):])
	d.flushing = waiting
}
