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
	q.collect()
	room := q.decide(e, rest)
	q.release()
	sendable := q.traces.first != nil && q.calls < q.cfg.Concurrency
	if q.pressed && sendable || q.intake.wakes(q.intake.amount()) {
		q.signal()
	}
	q.mu.Unlock()
	if room != nil {
		<-room // admitted, or refused by close
	}
}

// decide accepts e, drops it, or returns the channel that is closed when its caller need not wait for
// room any more. rest is what remains of an END that is larger than the queue. It is called with mu held, and the logs
// sorted.
func (q *queue) decide(e, rest *entry) (room <-chan struct{}) {
	if q.closed {
		q.reporter.refused(e.phase, ReasonAlreadyShutdown)
		return nil
	}
	b := &q.bounds
	held := q.intake.amount()
	with := held.plus(e.amount()).minus(q.replacedBy(e))
	switch {
	case rest != nil && uint64(rest.bytes) <= b.most.bytes:
		q.reporter.refused(0, ReasonTooLarge) // what remains is the END of the span
		return q.decide(rest, nil)
	case uint64(e.bytes) > b.most.bytes:
		q.reporter.refused(e.phase, ReasonTooLarge)
	case q.cfg.Blocking && (len(q.waiters) > 0 || !q.acceptWithin(e, b.most)): // others may be accepted meanwhile
		return q.lineUp(e)
	case q.cfg.Blocking:
	case e.phase == PhaseStart && held.reaches(b.startsBelow):
		q.refuseForRoom(e.phase, ReasonStartRefused)
	case !with.within(b.startsBelow) && !with.within(held) && !q.traces.held(e.key.trace).within(b.half):
		q.refuseForRoom(e.phase, ReasonTraceShare)
	case !q.acceptWithin(e, b.most):
		q.refuseForRoom(e.phase, ReasonQueueFull)
	}
	return nil
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

// waiter is a caller of OnStart or OnEnd that waits for room under WithBlocking. Waiters are admitted in
// their order, so that a large snapshot is not starved by small ones.
type waiter struct {
	entry entry
	done  chan struct{}
}

// lineUp puts a caller in line. The logs are closed, so that who comes next waits behind it.
func (q *queue) lineUp(e *entry) <-chan struct{} {
	q.pressed = true
	q.intake.close()
	w := waiter{*e, make(chan struct{})}
	q.waiters = append(q.waiters, w)
	return w.done
}

// admit accepts the waiters that now fit, and lets their callers go on. It is called with mu held.
// While somebody waits the logs are closed and empty.
func (q *queue) admit() {
	for len(q.waiters) > 0 {
		w := q.waiters[0]
		if !q.acceptWithin(&w.entry, q.bounds.most) {
			q.pressed = true
			return
		}
		q.waiters[0] = waiter{}
		q.waiters = q.waiters[1:]
		close(w.done)
		q.signal() // it may complete a batch
	}
	if !q.closed {
		q.intake.open()
	}
}
