package asyncprocessor

// ask decides about a snapshot for which the fast path has no answer: near a bound, after
// Shutdown, while callers wait for room, or because it is larger than the queue. First it
// sorts what is in the logs: STARTs whose END is there are left out, which frees their
// room.
func (q *queue) ask(e *entry) {
	q.mu.Lock()
	q.collect()
	w := q.decide(e)
	q.release()
	wake := q.pressed && q.sendable() || q.bounds.wakes(q.bounds.amount()) || q.reporter.due()
	q.mu.Unlock()
	if wake {
		q.signal()
	}
	if w != nil {
		<-w.done // admitted, or refused by close
	}
}

// decide accepts e, drops it, or returns the waiter by which its caller waits for room. It is
// called with mu held, and the logs sorted.
func (q *queue) decide(e *entry) *waiter {
	held := q.bounds.amount()
	with := held.plus(e.amount())
	full := !with.within(q.most)
	switch {
	case q.closed:
		q.refuse(e.phase, ReasonAlreadyShutdown)
	case uint64(e.bytes) > q.most.bytes:
		q.refuse(e.phase, ReasonTooLarge)
		if rest := stripped(e); rest != nil && uint64(rest.bytes) <= q.most.bytes {
			return q.decide(rest)
		}
	case q.cfg.blocking && (full || !q.waiters.empty()):
		q.pressed = true
		q.bounds.close() // who comes next waits behind
		return q.waiters.push(*e)
	case q.cfg.blocking:
		q.accept(e)
	case e.phase == PhaseStart && held.reaches(q.startsBelow):
		q.refuseForRoom(e.phase, ReasonStartRefused)
	case !with.within(q.startsBelow) && !q.traces.held(e.key.trace).within(q.half):
		q.refuseForRoom(e.phase, ReasonTraceShare)
	case full:
		q.refuseForRoom(e.phase, ReasonQueueFull)
	default:
		q.accept(e)
	}
	return nil
}

// accept adds a snapshot to what is held, and puts it where it belongs. Nothing of its trace
// that was offered before it is in a log any more.
func (q *queue) accept(e *entry) {
	q.bounds.add(e.amount())
	q.put(e, q.now())
}

// refuse counts a snapshot that is not accepted.
func (q *queue) refuse(phase Phase, reason DropReason) {
	q.counts.refused(phase, reason)
	q.reporter.refused(reason)
}

// refuseForRoom is refuse for want of room: what waits is sent without waiting for a
// full batch or the batch timeout.
func (q *queue) refuseForRoom(phase Phase, reason DropReason) {
	q.pressed = true
	q.refuse(phase, reason)
}
