package asyncprocessor

import "time"

// progress settles a part of a batch while its call goes on. It reports whether the dispatcher
// is to be woken.
func (q *queue) progress(b *batch, delivered []int, err *ExportError) (wake bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.abandoned || b.items == nil {
		return false
	}
	s := q.beginSettling(b)
	for _, i := range delivered {
		s.settle(i, nil)
	}
	if err != nil && !err.Retryable { // what failed for now is told when the call is over
		for _, i := range err.Undelivered {
			s.settle(i, err)
		}
	}
	return s.end()
}

// finish settles what is left of a batch whose call is over. It reports whether the
// dispatcher is to be woken.
func (q *queue) finish(b *batch, o outcome) (wake bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.abandoned {
		return false
	}
	q.calls--
	s := q.beginSettling(b)
	for i := len(b.items) - 1; i >= 0; i-- { // what is put back goes before what is there
		s.settle(i, o.of(i))
	}
	b.items = nil // a late Progress changes nothing
	if b.keep && len(s.retried) > 0 {
		q.keepAfter = s.now + firstRest
	}
	// The dispatcher has not looked for what came while all calls were under way.
	return s.end() || q.calls == q.cfg.concurrency-1 || q.closed
}

// settling is the settling of some snapshots of a batch. It is done with the queue's lock held.
type settling struct {
	*queue
	batch     *batch
	now       time.Duration
	delivered bool
	retried   []*traceQueue // with snapshots that failed for now
	through   []*traceQueue // of which nothing is with the exporter any more
	made      []*entry      // snapshots to be offered in place of ENDs that were lost
}

func (q *queue) beginSettling(b *batch) *settling {
	return &settling{queue: q, batch: b, now: q.now()}
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
	b.left--
	t := it.trace
	t.exporting = t.exporting.minus(it.amount())
	if t.exporting.items == 0 {
		s.through = append(s.through, t)
	}
	s.counts.inFlight--
	switch {
	case why == nil:
		s.delivered = true
		s.counts.exported++
	case why.Retryable && !s.gaveUp(t, s.now):
		s.putBack(it)
		return
	default:
		s.reporter.undelivered(s.counts.lost(why.reason(), 1), why)
	}
	s.done(it, why)
}

// done lets an item go that is delivered or lost. A tracked span stays known while it runs.
func (s *settling) done(it *item, why *ExportError) {
	delivered := why == nil
	it.state = settled
	s.free(it.amount())
	s.sorted--
	s.flushes.settled(it)
	r := it.record
	switch {
	case r == nil:
	case delivered:
		r.written, r.writtenAt = true, s.now
	case !r.written: // its START is lost: there is nothing to update
		s.forget(r)
	default:
		r.writtenAt, r.fingerprint = s.now, 0 // to be written again
	}
	if r != nil && r.tracked {
		return
	}
	latest := it.trace.spans.find(it.key.span) == it // the id has not started again
	it.trace.spans.remove(it)
	if !delivered && it.phase == PhaseEnd && it.closes && latest && why.reason() != ReasonFiltered && s.cfg.unfinished && !s.closed {
		// Its START was delivered: without this the span would show as running for ever.
		s.made = append(s.made, &entry{span: it.span, key: it.key, bytes: it.bytes, phase: PhaseUnfinished})
	}
	s.items.discard(it)
}

// putBack puts an item that failed for now back to the head of its trace. If it is the START of a
// span whose END waits, the END takes its place.
func (s *settling) putBack(it *item) {
	t := it.trace
	if n := len(s.retried); n == 0 || s.retried[n-1] != t {
		s.retried = append(s.retried, t)
	}
	t.pushFront(it)
	s.countEnd(it, +1)
	latest := t.spans.find(it.key.span)
	if latest == it || latest == nil || latest.state != waiting {
		return
	}
	// Not the latest, if the id has started again: that is the END of another life.
	if later := t.nextOf(it); s.replaces(later.phase, it.phase) {
		t.remove(later)
		s.countEnd(later, -1)
		s.replace(it, &entry{span: later.span, key: later.key, bytes: later.bytes, phase: later.phase})
		if later == latest {
			t.spans.set(it, later)
		}
		s.sorted--
		s.flushes.settled(later)
		s.items.discard(later)
	}
}

// end lets the traces go on that are through, and callers that wait for room. It reports
// whether the dispatcher is to be woken.
func (s *settling) end() (wake bool) {
	q := s.queue
	if s.delivered {
		q.succeeded(s.now)
	}
	if len(s.retried) > 0 {
		q.failedForNow(s.retried, s.now)
	}
	for _, e := range s.made {
		q.bounds.add(e.amount())
		q.put(e, s.now)
	}
	for _, t := range s.through {
		if !t.resting {
			t.recovered()
		}
		q.goOn(t)
	}
	q.release()
	return q.sendable() || len(s.retried) > 0 || q.reporter.due()
}

// goOn makes a trace ready of which nothing is with the exporter any more, or forgets it.
func (q *queue) goOn(t *traceQueue) {
	switch {
	case t.exporting.items > 0 || t.ready || t.resting:
	case t.head != nil:
		q.traces.makeReady(t, q.due(t.head))
	case t.spans.empty():
		q.traces.retire(t)
	}
}

// abandon drops all that waits and all that is in flight. It is called after close.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	held := q.bounds.amount()
	if held.items > 0 {
		q.counts.lost(ReasonShutdownDeadline, held.items)
	}
	if n := q.counts.endsQueued; n > 0 {
		q.counts.endsDropped[ReasonShutdownDeadline] += uint64(n)
	}
	q.free(held)
	q.release()
	q.counts.inFlight, q.counts.endsQueued = 0, 0
	q.abandoned = true
	q.forgetAll()
}

// forgetAll lets go of all that is held: the Processor may live on.
func (q *queue) forgetAll() {
	q.traces, q.retry.resting = traces{}, nil
	q.tracked, q.running, q.sorted = 0, 0, 0
	for _, f := range q.flushes.waiting {
		f.left = 0
	}
	q.flushes.end()
}

// keepWhatIsLeft hands all that is left over to the Keeper from now on.
func (q *queue) keepWhatIsLeft() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.keeping = true
}

// failed returns how many snapshots were accepted and then lost.
func (q *queue) failed() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.counts.failed
}
