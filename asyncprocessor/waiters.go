package asyncprocessor

// waiter is a caller of OnStart or OnEnd that waits for room under WithBlocking.
type waiter struct {
	entry entry
	at    int // the lane of its core
	next  *waiter
	done  chan struct{}
}

// waiterList is a FIFO of waiters. In that order they are admitted, so that a
// large snapshot is not starved by small ones.
type waiterList struct {
	first, last *waiter
}

func (l *waiterList) empty() bool { return l.first == nil }

func (l *waiterList) push(w *waiter) {
	if l.last == nil {
		l.first = w
	} else {
		l.last.next = w
	}
	l.last = w
}

func (l *waiterList) pop() *waiter {
	w := l.first
	l.first = w.next
	if l.first == nil {
		l.last = nil
	}
	return w
}

// admit appends the waiters that now fit, in their order, and lets their callers
// go on. It is called with mu held and reports whether the dispatcher is to be
// woken.
func (q *queue) admit() (wake bool) {
	for !q.waiters.empty() {
		w := q.waiters.first
		held := q.accepted.minus(q.released) // exact: nothing is lent while somebody waits
		if held.items >= q.most.items || held.bytes+uint64(w.entry.bytes) > q.most.bytes {
			break
		}
		q.waiters.pop()
		if q.append(w.entry, w.at) {
			wake = true
		}
		close(w.done)
	}
	q.waiting = !q.waiters.empty()
	return wake
}

// close refuses all that comes from now on, and those that wait for room. It
// returns what lostLater is at that moment.
func (q *queue) close() (lostLater uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.reclaim()
	for !q.waiters.empty() {
		w := q.waiters.pop()
		q.refuse(w.entry.phase, ReasonAlreadyShutdown)
		release(w.entry.span)
		close(w.done)
	}
	q.waiting = false
	return q.failed
}
