package asyncprocessor

// offer accepts a snapshot or drops it under a reason. It waits only when the queue is
// blocking.
func (q *queue) offer(e *entry) {
	accepted, wake := q.intake.offer(e)
	switch {
	case wake:
		q.signal()
	case !accepted:
		q.ask(e)
	}
}

// ask decides about a snapshot that is not accepted just so: near a bound, after
// Shutdown, while callers wait for room, or because it is larger than the queue. First it
// sorts what is in the logs: STARTs whose END is there are left out, which frees their
// room.
func (q *queue) ask(e *entry) {
	var rest *entry
	if uint64(e.bytes) > q.bounds.most.bytes {
		rest = stripped(e)
	}
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	q.decide(e, rest)
	q.release()
	sendable := q.traces.first != nil && q.calls < q.cfg.Concurrency
	if q.pressed && sendable || q.intake.wakes(q.intake.amount()) {
		q.signal()
	}
}

// decide accepts e, or drops it, after a wait for room under WithBlocking. rest is what remains of an END that is larger
// than the queue. It is called with mu held, and the logs sorted.
func (q *queue) decide(e, rest *entry) {
	if q.closed {
		q.reporter.refused(e.phase, ReasonAlreadyShutdown)
		return
	}
	b := &q.bounds
	held := q.intake.amount()
	with := held.plus(e.amount()).minus(q.replacedBy(e))
	switch {
	case rest != nil && uint64(rest.bytes) <= b.most.bytes:
		q.reporter.refused(0, ReasonTooLarge) // what remains is the END of the span
		q.decide(rest, nil)
	case uint64(e.bytes) > b.most.bytes:
		q.reporter.refused(e.phase, ReasonTooLarge)
	case q.cfg.Blocking:
		if q.waiting > 0 || !q.acceptWithin(e, b.most) { // others may be accepted meanwhile
			q.waitForRoom(e)
		}
	case e.phase == PhaseStart && held.reaches(b.startsBelow):
		q.refuseForRoom(e.phase, ReasonStartRefused)
	case !with.within(b.startsBelow) && !with.within(held) && !q.traces.held(e.key.trace).within(b.half):
		q.refuseForRoom(e.phase, ReasonTraceShare)
	case !q.acceptWithin(e, b.most):
		q.refuseForRoom(e.phase, ReasonQueueFull)
	}
}

// replacedBy returns what e takes the place of.
func (q *queue) replacedBy(e *entry) amount {
	if known := q.traces.find(e.key); q.replaces(e.phase, known) {
		return known.amount()
	}
	return amount{}
}

// acceptWithin accepts a snapshot if no more than most is held then. Nothing of its trace that was offered before
// it is in a log any more.
func (q *queue) acceptWithin(e *entry, most amount) bool {
	if !q.intake.add(e.amount(), most.plus(q.replacedBy(e))) {
		return false
	}
	q.put(e, q.now())
	return true
}

// refuseForRoom refuses a snapshot for want of room: what waits is sent without waiting for a
// full batch or the batch timeout.
func (q *queue) refuseForRoom(phase Phase, reason DropReason) {
	q.pressed = true
	q.reporter.refused(phase, reason)
}

// waitForRoom makes a caller of OnStart or OnEnd wait until its snapshot is accepted, or refused at Shutdown. mu is held, but
// for the wait. Callers stand in line, so that a large snapshot is not starved by small ones, and the first waits for
// room. Meanwhile the logs are closed, and empty: who comes next stands in line too.
func (q *queue) waitForRoom(e *entry) {
	q.waiting++
	q.intake.close()
	q.mu.Unlock()
	q.line <- struct{}{}
	q.mu.Lock()
	for !q.closed && !q.acceptWithin(e, q.bounds.most) {
		q.pressed = true
		q.signal()
		q.room.Wait()
	}
	<-q.line
	q.waiting--
	switch {
	case q.closed:
		q.reporter.refused(e.phase, ReasonAlreadyShutdown)
	case q.waiting == 0:
		q.intake.open()
	}
}
