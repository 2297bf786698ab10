package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
	"slices"
)

// ErrDropped is wrapped by the error of a [Processor.ForceFlush] during which
// snapshots were dropped.
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
	if p.queue == nil || p.queue.isClosed() {
		return nil
	}
	if isExport(ctx) {
		return errFlushInExport
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	f, before := p.queue.beginFlush()
	p.queue.signal()
	select {
	case <-f.done:
	case <-p.dispatcher.stopped: // by a Shutdown that came in between: all is settled
	case <-ctx.Done():
		p.queue.giveUpFlush(f)
		return ctx.Err()
	}
	if n := p.queue.losses() - before; n > 0 {
		return fmt.Errorf("%w: %d while flushing", ErrDropped, n)
	}
	return nil
}

// flushes is the calls of ForceFlush that wait. Each item has the number of flushes that
// began before it, its epoch; a flush is over when no item of its epoch or an older one is
// left.
type flushes struct {
	epoch   uint32   // of what is offered from now on
	waiting []*flush // the oldest first
}

// flush is a ForceFlush that waits.
type flush struct {
	epoch uint32
	left  uint64 // items that are not settled, of its epoch and of those since the flush before it
	done  chan struct{}

	gaveUp bool // its caller waits no more
}

// waitFor reports whether a flush waits for an item.
func (f *flushes) waitFor(it *item) bool {
	return len(f.waiting) > 0 && it.epoch <= f.waiting[len(f.waiting)-1].epoch
}

// settled notes that an item is.
func (f *flushes) settled(it *item) {
	for _, flush := range f.waiting {
		if it.epoch <= flush.epoch {
			flush.left--
			break
		}
	}
	f.end()
}

// end lets those go on whose wait is over.
func (f *flushes) end() {
	for len(f.waiting) > 0 && f.waiting[0].left == 0 {
		close(f.waiting[0].done)
		f.waiting = slices.Delete(f.waiting, 0, 1)
	}
}

// forgetGivenUp leaves what given up flushes wait for to the ones after them.
func (f *flushes) forgetGivenUp() {
	kept := f.waiting[:0]
	left := uint64(0)
	for _, flush := range f.waiting {
		if flush.left += left; flush.gaveUp {
			left = flush.left
		} else {
			left = 0
			kept = append(kept, flush)
		}
	}
	clear(f.waiting[len(kept):])
	f.waiting = kept
}

// beginFlush begins a flush of all that is held, and returns how many were lost so far.
func (q *queue) beginFlush() (f *flush, losses uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	// Not what is held: that has what comes into the logs meanwhile.
	f = &flush{epoch: q.flushes.epoch, left: q.sorted, done: make(chan struct{})}
	q.flushes.epoch++
	q.flushes.forgetGivenUp()
	for _, older := range q.flushes.waiting {
		f.left -= older.left
	}
	q.flushes.waiting = append(q.flushes.waiting, f)
	if q.traces.first != nil {
		q.traces.oldest = longAgo
	}
	q.flushes.end()
	return f, q.counts.losses()
}

// giveUpFlush notes that nobody waits for a flush any more. What it waited for is sent
// all the same; the next flush covers it.
func (q *queue) giveUpFlush(f *flush) {
	q.mu.Lock()
	defer q.mu.Unlock()
	f.gaveUp = true
}

func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

func (q *queue) losses() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.counts.losses()
}
