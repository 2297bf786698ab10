package asyncprocessor

import (
	"cmp"
	"slices"
	"time"
)

// heartbeats is after how many intervals a span that has not changed is written again.
const heartbeats = 6

// writeStates writes spans that are due again, if they have changed, or were written six intervals ago.
// Those longest unwritten come first, as many as may be read, and within the budget of a pass. Those that ended
// though no END of them came, since it was refused for want of room, are written as unfinished.
func (d *dispatcher) writeStates(due []liveSpan, reads int, now time.Duration) {
	slices.SortFunc(due, func(a, b liveSpan) int { return cmp.Compare(a.writtenAt, b.writtenAt) })
	d.pass.budget = min(d.pass.budget+float64(d.cfg.UpdateBudget)*passInterval.Seconds(), float64(d.cfg.UpdateBudget))
	for i := range due {
		s := &due[i]
		if s.ended {
			d.queue.offerState(s, PhaseUnfinished, readRunning(s.live, s.start.more))
			continue
		}
		if d.pass.budget <= 0 || reads == 0 {
			continue
		}
		reads--
		d.queue.note(s, func(r *running) { r.readAt = now }) // also if reading panics: not again before an interval has passed
		state := readRunning(s.live, s.start.more)
		changed := state.fingerprint != s.fingerprint || now-s.writtenAt >= heartbeats*d.cfg.UpdateInterval
		if changed && state.end.IsZero() && d.queue.offerState(s, PhaseUpdate, state) {
			d.pass.budget -= float64(state.size)
		}
	}
}

// unfinished writes, once all else is delivered, what still runs as unfinished, and what ended by now
// as ended, as many as there is room for. It reports whether there is more to deliver now.
func (d *dispatcher) unfinished() (more bool) {
	if !d.cfg.UnfinishedSpans {
		return false
	}
	defer func() { _ = recover() }() // a span that is not the SDK's: the rest is left
	var spans []liveSpan
	for part := range numParts {
		spans = d.queue.liveSpans(spans, part, noDeadline)
	}
	for i := range spans {
		s := &spans[i]
		if !s.tracked || !s.written {
			continue
		}
		phase, state := PhaseEnd, readRunning(s.live, s.start.more)
		if state.end.IsZero() {
			phase = PhaseUnfinished
		}
		more = d.queue.offerState(s, phase, state) || more
	}
	return more
}

// offerState offers the state of a running span, if it still runs, nothing of it is held, and there is
// room: half of the bounds for an update, three quarters for what ends a span, all of them at Shutdown.
func (q *queue) offerState(s *liveSpan, phase Phase, state *runningState) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	r := s.record
	if q.abandoned || r.live != s.live || phase == PhaseUpdate && q.closed {
		return false
	}
	known := q.traces.find(s.key)
	if known == nil || known.state != settled {
		return false
	}
	limit := q.bounds.most
	switch {
	case phase == PhaseUpdate:
		limit = q.bounds.half
	case !q.closed:
		limit = q.bounds.startsBelow
	}
	if phase != PhaseUpdate {
		state.EndTime = state.end
	}
	if !q.acceptWithin(&entry{span: state.Snapshot(), key: s.key, bytes: bounded(state.size), phase: phase}, limit) {
		return false
	}
	if phase == PhaseUpdate {
		r.fingerprint = state.fingerprint
	}
	return true
}

// readStarts reads what is still to be read of the STARTs in a batch that is about to leave. Those of
// tracked spans that still run and have changed are replaced by updates: a viewer sees at once
// what is known by now.
func (q *queue) readStarts(b *batch) {
	for _, s := range b.starts {
		it := b.items[s.index]
		span := s.start.snapshot(s.live)
		before, state := uint64(0), (*runningState)(nil)
		if s.first {
			before = fingerprint(span.Name(), span.Attributes(), span.Events(), span.Status())
			state = readRunning(s.live, s.start.more)
		}
		q.mu.Lock()
		it.span = span
		b.snapshots[s.index].Span = span
		if s.first {
			it.run.fingerprint = before
			if state.fingerprint != before && state.end.IsZero() && q.cfg.StartPolicy == StartCoalesced {
				q.replaceStart(b, s.index, state)
			}
		}
		q.mu.Unlock()
	}
	clear(b.starts) // what the spans get later is not this call's to keep
}

// replaceStart makes an update take the place of a START that is with the exporter already.
func (q *queue) replaceStart(b *batch, index int, state *runningState) {
	it := b.items[index]
	more := amount{0, uint64(max(0, state.size-int(it.bytes)))}
	if q.abandoned || b.bytes+more.bytes > uint64(q.cfg.MaxExportBatchBytes) || !q.intake.add(more, q.bounds.half) {
		return
	}
	it.bytes += uint32(more.bytes)
	it.trace.exporting = it.trace.exporting.plus(more)
	b.bytes += more.bytes
	q.counts.coalesced++
	it.phase, it.span, it.run.fingerprint = PhaseUpdate, state.Snapshot(), state.fingerprint
	b.snapshots[index] = Snapshot{Phase: PhaseUpdate, Span: it.span}
}
