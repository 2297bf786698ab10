package asyncprocessor

// ask decides about a snapshot for which the fast path has no answer: near a bound, after
// Shutdown, while callers wait for room, or because it is larger than the queue. First it
// sorts what is in the logs: STARTs whose END is there are left out, which frees their
// room.
func (q *queue) ask(e *entry) {
	q.mu.Lock()
	q.collect()
	room := q.decide(e)
	q.release()
	wake := q.pressed && q.sendable() || q.bounds.wakes(q.bounds.held())
	q.mu.Unlock()
	if wake {
		q.signal()
	}
	if room != nil {
		<-room // admitted, or refused by close
	}
}

// decide accepts e, drops it, or returns the channel that is closed when its caller need not wait for
// room any more. It is called with mu held, and the logs sorted.
func (q *queue) decide(e *entry) (room <-chan struct{}) {
	b := &q.bounds
	held := b.held()
	with := held.plus(e.amount())
	switch {
	case q.closed:
		q.refuse(e.phase, ReasonAlreadyShutdown)
	case uint64(e.bytes) > b.most.bytes:
		q.refuse(e.phase, ReasonTooLarge)
		if rest := stripped(e); rest != nil && uint64(rest.bytes) <= b.most.bytes {
			return q.decide(rest)
		}
	case q.cfg.blocking && (len(q.waiters) > 0 || !b.addWithin(e.amount())): // the fast path may add meanwhile
		return q.lineUp(e)
	case q.cfg.blocking:
		q.put(e, q.now())
	case e.phase == PhaseStart && held.reaches(b.startsBelow):
		q.refuseForRoom(e.phase, ReasonStartRefused)
	case !with.within(b.startsBelow) && !q.traces.held(e.key.trace).within(b.half):
		q.refuseForRoom(e.phase, ReasonTraceShare)
	case !with.within(b.most):
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

// waiter is a caller of OnStart or OnEnd that waits for room under WithBlocking. Waiters are admitted in
// their order, so that a large snapshot is not starved by small ones.
type waiter struct {
	entry entry
	done  chan struct{}
}

// lineUp puts a caller in line. The fast path is closed, so that who comes next waits behind it.
func (q *queue) lineUp(e *entry) <-chan struct{} {
	q.pressed = true
	q.bounds.close()
	w := waiter{*e, make(chan struct{})}
	q.waiters = append(q.waiters, w)
	return w.done
}

// admit accepts the waiters that now fit, and lets their callers go on. It is called with mu held.
// While somebody waits the fast path is closed, so the logs are empty.
func (q *queue) admit() {
	for len(q.waiters) > 0 {
		w := q.waiters[0]
		if !q.bounds.addWithin(w.entry.amount()) {
			q.pressed = true
			return
		}
		q.waiters[0] = waiter{}
		q.waiters = q.waiters[1:]
		q.put(&w.entry, q.now())
		close(w.done)
		q.signal() // it may complete a batch
	}
	if !q.closed {
		q.bounds.open()
	}
}
