package asyncprocessor

import "time"

// progress settles a part of a batch while its call goes on.
func (q *queue) progress(b *batch, delivered []int, err *ExportError) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.abandoned || b.items == nil {
		return
	}
	s := settling{queue: q, batch: b, now: q.now()}
	for _, i := range delivered {
		s.settle(i, nil)
	}
	if err != nil && !err.Retryable { // what failed for now is told when the call is over
		for _, i := range err.Undelivered {
			s.settle(i, err)
		}
	}
	s.end()
}

// finish settles what is left of a batch whose call is over.
func (q *queue) finish(b *batch, o outcome) {
	q.mu.Lock()
	defer q.mu.Unlock()
	defer func() { b.items = nil }() // a late Progress changes nothing
	if q.abandoned {
		return
	}
	q.calls--
	s := settling{queue: q, batch: b, now: q.now()}
	for i := len(b.items) - 1; i >= 0; i-- { // what is put back goes before what is there
		s.settle(i, o.of(i))
	}
	if q.keepFailed = b.keep && len(s.retried) > 0; q.keepFailed {
		q.keepAfter = q.restUntil(firstRest, s.now)
	}
	s.end()
}

// settling is the settling of some snapshots of a batch. It is done with the queue's lock held.
type settling struct {
	*queue
	batch     *batch
	now       time.Duration
	delivered bool
	retried   []*traceQueue  // with snapshots that failed for now
	lost      []*ExportError // the verdict on each snapshot that is lost
}

// settle accounts for what became of one snapshot: it was delivered, if why is nil, was lost or
// failed for now.
func (s *settling) settle(i int, why *ExportError) {
	b := s.batch
	if i < 0 || i >= len(b.items) || b.items[i] == nil {
		return
	}
	it := b.items[i]
	b.items[i] = nil
	t := it.trace
	t.exporting = t.exporting.minus(it.amount())
	s.counts.inFlight--
	switch {
	case why == nil:
		s.delivered = true
		s.counts.exported++
		s.done(it, nil)
	case why.Retryable && !s.gaveUp(t, s.now):
		s.putBack(it)
	default:
		s.lost = append(s.lost, why)
		s.done(it, why)
	}
	if t.exporting.items == 0 {
		if !t.resting {
			t.failing = failing{}
		}
		s.goOn(t)
	}
}

// done lets an item go that is delivered or lost. A tracked span stays known while it runs.
func (s *settling) done(it *item, why *ExportError) {
	it.state = settled
	s.flushes.settled(it)
	if r := it.run; r != nil {
		s.wrote(r, why == nil)
		if r.tracked {
			s.free(it.amount())
			return
		}
	}
	latest := s.traces.index.remove(it) // the id has not started again
	if why != nil && it.phase == PhaseEnd && it.closes && latest && why.reason() != ReasonFiltered && s.cfg.UnfinishedSpans && !s.closed {
		// Its START was delivered: without this, in its room, the span would show as running for ever.
		s.put(&entry{span: it.span, key: it.key, bytes: it.bytes, phase: PhaseUnfinished}, s.now)
	} else {
		s.free(it.amount())
	}
	s.forgetItem(it)
}

// forgetItem lets an item be used again.
func (q *queue) forgetItem(it *item) {
	*it = item{}
	q.items.put(it, maxUnused)
}

// wrote notes that the START or an update of a running span was delivered or lost.
func (s *settling) wrote(r *running, delivered bool) {
	switch {
	case delivered:
		r.written, r.writtenAt = true, s.now
	case !r.written: // its START is lost: there is nothing to update
		s.ended(r)
	default:
		r.writtenAt, r.fingerprint = s.now, 0 // to be written again
	}
}

// putBack puts an item that failed for now back to the head of its trace. If it is the START of a
// span whose END waits, the END takes its place.
func (s *settling) putBack(it *item) {
	t := it.trace
	if !t.resting {
		t.resting = true
		s.retried = append(s.retried, t)
	}
	s.traces.pushFront(t, it)
	s.counts.countEnd(it, +1)
	if s.traces.find(it.key) == it { // else looking for a later one takes as long as its trace has snapshots
		return
	}
	// Not the latest of the span, if its id has started again: that is the END of another life.
	if later := s.traces.removeLater(it, func(later *item) bool { return s.replaces(later.phase, it) }); later != nil {
		s.counts.countEnd(later, -1)
		s.replace(it, &entry{span: later.span, key: later.key, bytes: later.bytes, phase: later.phase})
		if s.traces.index.remove(later) {
			s.traces.set(it, nil)
		}
		s.flushes.settled(later)
		s.forgetItem(later)
	}
}

// end counts what was lost, frees the room, and wakes the dispatcher.
func (s *settling) end() {
	q := s.queue
	q.reporter.failed(s.lost)
	if s.delivered && !s.batch.keep {
		q.succeeded(s.now)
	}
	q.failedForNow(s.retried, s.now)
	q.release()
	q.signal()
}
