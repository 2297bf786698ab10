package asyncprocessor

import (
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// collect takes what is in the queue, and fills the open batch from it.
func (d *dispatcher) collect(now time.Duration) {
	t := d.queue.take(&d.chunks)
	d.taken, d.pressed = t.accepted, t.pressed
	d.quiet = t.earlier.empty() && t.later.empty()
	// What woke the dispatcher arrived now, and so did what came after it; what came before
	// may have waited since the queue was last looked into, and goes first.
	t.earlier.begin(d.takenAt)
	t.later.begin(now)
	d.log.append(t.earlier)
	d.log.append(t.later)
	d.takenAt = now
	d.fill()
	d.behind = !d.quiet && d.open.empty()
	if d.pressed && !d.cfg.blocking && now >= d.detachAt {
		d.detachAt = now + detachInterval
		d.detachStarts()
	}
}

// fill moves what waits into the open batch until it is full: from the ready shards, in
// their turn, and then from the log.
func (d *dispatcher) fill() {
	if len(d.inFlight) == 0 && d.shards.waiting == 0 && (d.open.empty() || d.open == d.loose) {
		d.fillLoose()
		return
	}
	d.note()
	d.fillFromShards()
	d.sortLog()
}

// fillLoose is fill while nothing is with the exporter and nothing waits in the shards:
// then what comes next joins the open batch, whatever it is. Which shards that are is noted
// only if another batch has to be filled before this one is back.
func (d *dispatcher) fillLoose() {
	b := d.open
	d.loose = b
	for c := d.log.first; c != nil; c = d.log.first {
		if b.empty() {
			b.since = c.since
		}
		entries := c.entries[c.at:c.end]
		n := d.batcher.addAll(b, entries)
		for i := range entries[:n] {
			b.shards = append(b.shards, entries[i].shard)
		}
		clear(entries[:n]) // let the collector have their spans
		if c.at += n; c.at < c.end {
			return
		}
		d.chunks.put(d.log.dropFirst())
	}
}

// note notes the shards of the loose batch, if there is one.
func (d *dispatcher) note() {
	b := d.loose
	if b == nil {
		return
	}
	d.loose = nil
	entries := b.shards
	b.shards = entries[:0]
	for _, i := range entries {
		state := &d.shards.states[i]
		if *state == stateIdle {
			*state = stateOpen
			b.shards = append(b.shards, i)
		}
		*state++
	}
	if b != d.open {
		d.shards.close(b)
	}
}

// sortLog puts the entries of the log where they belong, one after the other, until it is
// enough.
func (d *dispatcher) sortLog() {
	for c := d.log.first; c != nil; c = d.log.first {
		for c.at < c.end {
			if d.enough(c) {
				return
			}
			d.putNext(c)
		}
		d.chunks.put(d.log.dropFirst())
	}
}

// How many entries wait in the shards, and in how many that are ready, when what comes after
// them in the log has no sooner turn if it is sorted too.
const maxSorted, maxReady = 4096, 512

// enough reports whether the log is left alone for now, from c on: it costs nothing there.
func (d *dispatcher) enough(c *chunk) bool {
	full := d.batcher.full(d.open)
	if len(d.inFlight) < d.cfg.concurrency {
		return full // and can be sent
	}
	if !full && d.shards.waiting < maxSorted {
		return false
	}
	// Nothing can be sent. What has waited long is sorted all the same, for the ENDs of STARTs
	// in the batch, and so that few traces of which much waits do not go before all others.
	if d.takenAt-c.since < d.cfg.batchTimeout {
		return true
	}
	return d.shards.waiting >= maxSorted && d.shards.readyCount >= maxReady
}

// putNext puts the next entry of c where it belongs.
func (d *dispatcher) putNext(c *chunk) {
	e := &c.entries[c.at]
	d.put(e, c.since)
	e.span = nil // let the collector have it
	c.at++
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
		for e := range d.shards.all[i].entries() {
			detach(e.span)
		}
	}
	for c := d.log.first; c != nil; c = c.next {
		for _, e := range c.entries[c.at:c.end] {
			detach(e.span)
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
	state := &d.shards.states[e.shard]
	if state.joins() && d.batcher.add(d.open, e) {
		if *state == stateIdle {
			*state = stateOpen
			d.open.join(e.shard, since)
		}
		*state++
		return
	}
	d.shards.add(e, since)
}

// fillFromShards moves entries from the ready shards into the open batch.
func (d *dispatcher) fillFromShards() {
	b, ss := d.open, &d.shards
	for ss.readyCount > 0 && !d.batcher.full(b) {
		i, s := ss.turn()
		var out shardState
		for s.count > 0 && d.batcher.add(b, s.first()) {
			ss.drop(s)
			out++
		}
		if out == 0 {
			return // its first does not fit: it is the next batch's first
		}
		ss.states[i] = stateOpen | out
		if s.count > 0 {
			ss.states[i] |= stateWaiting
		}
		ss.pass()
		b.join(i, s.since)
	}
}

// openNext makes another batch the open one. The one before, if any, is with the exporter:
// its shards are busy now, if they are noted.
func (d *dispatcher) openNext() {
	if d.open != nil && d.open != d.loose {
		d.shards.close(d.open)
	}
	d.batcher.starts.clear()
	if n := len(d.idle); n > 0 {
		d.open = d.idle[n-1]
		d.idle = d.idle[:n-1]
		return
	}
	d.open = new(batch)
}
