package asyncprocessor

import "time"

// waiter is a caller of OnStart or OnEnd that waits for room under WithBlocking.
type waiter struct {
	entry entry
	done  chan struct{}
}

// waiterList is a FIFO of waiters. In that order they are admitted, so that a
// large snapshot is not starved by small ones.
type waiterList struct{ list []*waiter }

func (l *waiterList) empty() bool { return len(l.list) == 0 }

func (l *waiterList) push(e entry) *waiter {
	w := &waiter{entry: e, done: make(chan struct{})}
	l.list = append(l.list, w)
	return w
}

func (l *waiterList) pop() *waiter {
	w := l.list[0]
	l.list[0] = nil
	l.list = l.list[1:]
	return w
}

// admit accepts the waiters that now fit, in their order, and lets their callers go
// on. It is called with mu held. While somebody waits the fast path is closed, so the logs are
// empty.
func (q *queue) admit() {
	for !q.waiters.empty() {
		e := &q.waiters.list[0].entry
		if !q.bounds.amount().plus(e.amount()).within(q.most) {
			q.pressed = true
			return
		}
		w := q.waiters.pop()
		q.accept(&w.entry)
		close(w.done)
		q.signal() // it may complete a batch
	}
	if !q.closed {
		q.bounds.open()
	}
}

// close refuses all that comes from now on, and those that wait for room, and lets all that
// failed for now be tried again. It returns how many were accepted and lost before.
func (q *queue) close(deadline time.Time) (failedBefore uint64) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.retry.deadline = deadline.Sub(q.epoch)
	q.wakeResting(func(rest) bool { return true })
	q.bounds.close()
	q.collect()
	for !q.waiters.empty() {
		w := q.waiters.pop()
		q.refuse(w.entry.phase, ReasonAlreadyShutdown)
		close(w.done)
	}
	return q.counts.failed
}
