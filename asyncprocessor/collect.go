package asyncprocessor

import (
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// collect moves what is in the queue's log into the open batch, and what cannot go
// there, because its shard is busy or the batch is full, into the shards.
func (d *dispatcher) collect(now time.Duration) {
	first, lastLen, pressed := d.queue.take()
	d.pressed = pressed
	d.quiet = first == nil
	d.behind = first != nil
	for c := first; c != nil; {
		n := chunkSize
		if c.next == nil {
			n = lastLen
		}
		for i := range c.entries[:n] {
			e := &c.entries[i]
			d.taken++
			d.takenBytes += uint64(e.bytes)
			// What woke the dispatcher arrived now, and so did what came after it; what
			// came before may have waited since the queue was last looked into.
			since := d.takenAt
			if d.taken >= d.mark || d.takenBytes >= d.markBytes {
				since = now
			}
			d.put(e, since)
		}
		clear(c.entries[:n])
		next := c.next
		d.chunks.put(c)
		c = next
	}
	d.takenAt = now
	if first != nil {
		d.queue.recycle(&d.chunks)
	}
	if d.pressed && !d.cfg.blocking && now >= d.detachAt {
		d.detachAt = now + detachInterval
		d.detachStarts()
	}
}

// detachInterval is how often, at the most, STARTs are detached from their spans. It
// takes some microseconds for each.
const detachInterval = time.Second

// detachStarts makes the STARTs that wait independent of their live spans. Spans that
// run on while the queue is full may grow, and end without an END that would be
// counted: their STARTs must not keep them.
func (d *dispatcher) detachStarts() {
	detach := func(span sdktrace.ReadOnlySpan) {
		if s, ok := span.(*startSpan); ok {
			s.detach()
		}
	}
	for i := range d.shards.all {
		for n := d.shards.all[i].head; n != nil; n = n.next {
			detach(n.span)
		}
	}
	for _, s := range d.open.snapshots {
		detach(s.Span)
	}
}

// put puts e, which began to wait at since, into the open batch if nothing of its
// trace is ahead of it elsewhere and there is room, and else behind the entries of
// its shard.
func (d *dispatcher) put(e *entry, since time.Duration) {
	// A full batch is not left for the end of a long log: what follows would have to
	// wait in the shards for its turn.
	if d.batcher.full(d.open) && d.inFlight < d.cfg.concurrency {
		d.send()
	}
	s := &d.shards.all[e.shard]
	if s.count == 0 && (s.out == 0 || s.open) && d.batcher.add(d.open, e) {
		if s.out == 0 {
			d.open.join(e.shard, s, since)
		}
		s.out++
		d.behind = false
		return
	}
	d.shards.add(e, since)
}

// fillOpen moves entries from the ready shards, in their turn, into the open batch
// until it is full. After it there are ready shards only if it is.
func (d *dispatcher) fillOpen() {
	b, ss := d.open, &d.shards
	for ss.readyCount > 0 && !d.batcher.full(b) {
		i, s := ss.turn()
		for s.count > 0 && d.batcher.add(b, &s.head.entry) {
			ss.nodes.put(s.pop())
			s.out++
		}
		if s.out == 0 {
			return // its first does not fit: it is the next batch's first
		}
		ss.pass()
		b.join(i, s, s.since)
	}
}

// openNext makes another batch the open one. The shards of the one before, if any,
// are busy now: it is with the exporter.
func (d *dispatcher) openNext() {
	if d.open != nil {
		for _, i := range d.open.shards {
			d.shards.all[i].open = false
		}
	}
	d.batcher.starts.clear()
	if n := len(d.idle); n > 0 {
		d.open = d.idle[n-1]
		d.idle = d.idle[:n-1]
		return
	}
	d.open = new(batch)
}

// saturate returns n + more, or never.
func saturate(n, more uint64) uint64 {
	if more > never-n {
		return never
	}
	return n + more
}
