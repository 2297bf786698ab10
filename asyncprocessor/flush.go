package asyncprocessor

import (
	"slices"
	"sync/atomic"
)

// flush is a ForceFlush that waits until everything offered before it is
// settled. It belongs to the dispatcher.
type flush struct {
	left   []uint32    // by shard, how many entries it waits for
	shards int         // for which it waits
	gaveUp atomic.Bool // its caller waits no more
	done   chan struct{}
}

// await adds n entries of shard i to what f waits for.
func (f *flush) await(i uint16, n uint32) {
	if n > 0 && f.left[i] == 0 {
		f.shards++
	}
	f.left[i] += n
}

// settled notes that the oldest n entries of shard i are.
func (f *flush) settled(i uint16, n uint32) {
	if n = min(n, f.left[i]); n == 0 {
		return
	}
	if f.left[i] -= n; f.left[i] == 0 {
		f.shards--
	}
}

// beginFlush fixes what f waits for: all that is in the queue now.
func (d *dispatcher) beginFlush(f *flush) {
	d.collect(d.takenAt)
	d.note()
	if f.left, d.settled = d.settled, nil; f.left == nil {
		f.left = make([]uint32, numShards)
	}
	// A shard that is not idle is one of a batch's, or ready.
	for _, b := range slices.Concat(d.inFlight, []*batch{d.open}) {
		for _, i := range b.shards {
			f.await(i, d.shards.held(i))
		}
	}
	for i := range d.shards.readyAll() {
		f.await(i, d.shards.held(i))
	}
	for c := d.log.first; c != nil; c = c.next {
		for i := c.at; i < c.end; i++ {
			f.await(c.entries[i].shard, 1)
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
		if last.left[i] > 0 {
			return true
		}
	}
	return false
}

// endFlushes lets those go on whose wait is over.
func (d *dispatcher) endFlushes() {
	waiting := d.flushing[:0]
	for _, f := range d.flushing {
		if f.shards == 0 {
			d.settled = f.left
			close(f.done)
		} else {
			waiting = append(waiting, f)
		}
	}
	clear(d.flushing[len(waiting):])
	d.flushing = waiting
}
