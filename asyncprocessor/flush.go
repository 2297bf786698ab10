package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
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
	done := p.queue.flush()
	p.queue.signal()
	select {
	case <-done:
	case <-p.dispatcher.stopped: // by a Shutdown that came in between: all is settled
	case <-ctx.Done():
		return ctx.Err()
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
	epoch uint32 // of what is sorted in from now on
	left  uint64 // items of this epoch that are not settled
	older []epoch
}

// epoch is one that a flush has ended, and that has items left or an older one has.
type epoch struct {
	left uint64
	done chan struct{} // closed when it is over
}

// add counts an item, and returns its epoch.
func (f *flushes) add() uint32 {
	f.left++
	return f.epoch
}

// cover reports whether a flush waits for an item, or did.
func (f *flushes) cover(it *item) bool { return it.epoch != f.epoch }

// settled notes that an item is settled.
func (f *flushes) settled(it *item) {
	if it.epoch == f.epoch {
		f.left--
		return
	}
	f.older[len(f.older)-int(f.epoch-it.epoch)].left--
	f.end()
}

// end lets those go on whose wait is over.
func (f *flushes) end() {
	n := 0
	for n < len(f.older) && f.older[n].left == 0 {
		close(f.older[n].done)
		n++
	}
	f.older = f.older[n:]
}

// flush begins a flush of all that was offered. done is closed when it is over.
func (q *queue) flush() (done <-chan struct{}) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	f := &q.flushes
	if f.left > 0 || len(f.older) == 0 { // else it waits for what the last one waits for
		f.older = append(f.older, epoch{f.left, make(chan struct{})})
		f.epoch, f.left = f.epoch+1, 0
	}
	done = f.older[len(f.older)-1].done
	f.end()
	if q.traces.first != nil {
		q.traces.oldest = longAgo
	}
	return done
}

// losses returns how many snapshots were lost. Those of a call are there all at once.
func (q *queue) losses() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.reporter.losses()
}
