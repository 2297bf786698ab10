package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrDropped is wrapped by the error of a [Processor.ForceFlush] during which
// snapshots were dropped, and by what is reported of them.
var ErrDropped = errors.New("asyncprocessor: snapshots were dropped")

var errFlushInExport = errors.New("asyncprocessor: ForceFlush was called by an exporter, and would wait for itself")

// ForceFlush returns when every snapshot offered before it is exported, coalesced
// or dropped. It returns an error that wraps [ErrDropped] if any was dropped
// meanwhile, and ctx's error when ctx ends first: that ends the wait, not the
// exports. After Shutdown it returns nil.
//
// Called by an exporter with the context that it was given, it returns an error at
// once: it would wait for itself.
func (p *Processor) ForceFlush(ctx context.Context) error {
	if p.queue == nil || p.shuttingDown.Load() {
		return nil
	}
	if isExport(ctx) {
		return errFlushInExport
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	before := p.queue.losses()
	epoch := p.queue.flush()
	for ended := p.queue.unflushed(epoch); ended != nil; ended = p.queue.unflushed(epoch) {
		select {
		case <-ended:
		case <-p.dispatcher.stopped: // by a Shutdown that came in between: nothing is left
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	if n := p.queue.losses() - before; n > 0 {
		return fmt.Errorf("%w: %d while flushing", ErrDropped, n)
	}
	return nil
}

// flushes counts what the calls of ForceFlush wait for. Each begins an epoch; an item belongs to the one
// in which it was sorted in. A flush is over when no item of an epoch before its own is left.
//
// What a flush waited for is sent without waiting for the batch timeout, even if its caller
// has given up.
type flushes struct {
	epoch uint32        // of what is sorted in from now on
	left  []epoch       // the oldest that has items left, and those after it that had some
	ended chan struct{} // closed when the oldest has none any more; nil while nobody waits for that
}

type epoch struct {
	number uint32
	items  uint64 // that are not settled
}

// since compares two epochs. Their numbers begin anew after 4 billion.
func (e epoch) since(number uint32) int { return int(int32(e.number - number)) }

// add counts an item, and returns its epoch.
func (f *flushes) add() uint32 {
	last := len(f.left) - 1
	if last < 0 || f.left[last].number != f.epoch {
		if len(f.left) == cap(f.left) { // behind one item that is stuck many may come and go
			f.left = slices.DeleteFunc(f.left, func(e epoch) bool { return e.items == 0 })
		}
		f.left = append(f.left, epoch{number: f.epoch})
		last = len(f.left) - 1
	}
	f.left[last].items++
	return f.epoch
}

// cover reports whether a flush waits for an item, or did.
func (f *flushes) cover(it *item) bool { return it.epoch != f.epoch }

// settled notes that an item is settled.
func (f *flushes) settled(it *item) {
	i, _ := slices.BinarySearchFunc(f.left, it.epoch, epoch.since)
	f.left[i].items--
	if f.left[0].items > 0 {
		return
	}
	for len(f.left) > 0 && f.left[0].items == 0 {
		f.left = f.left[1:]
	}
	if f.ended != nil {
		close(f.ended)
		f.ended = nil
	}
}

// flush begins a flush of all that was offered, and returns the last epoch that it waits for.
func (q *queue) flush() uint32 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	f := &q.flushes
	f.epoch++
	if q.traces.first != nil {
		q.traces.oldest = longAgo
	}
	q.signal()
	return f.epoch - 1
}

// unflushed returns nil if nothing is left of an epoch and those before it, and otherwise what is closed when
// less is left.
func (q *queue) unflushed(epoch uint32) <-chan struct{} {
	q.mu.Lock()
	defer q.mu.Unlock()
	f := &q.flushes
	if q.abandoned || len(f.left) == 0 || f.left[0].since(epoch) > 0 {
		return nil
	}
	if f.ended == nil {
		f.ended = make(chan struct{})
	}
	return f.ended
}

// losses returns how many snapshots were lost. Those of a call are there all at once.
func (q *queue) losses() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reporter.failures()
}
