package asyncprocessor

// launch accounts for a batch that goes to the exporter: its snapshots move from
// queued to in flight, and the coalesced STARTs leave. It reports false when
// Shutdown gave up, and the batch must not be sent.
func (q *queue) launch(b *batch) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.abandoned {
		return false
	}
	q.inFlight += int64(len(b.snapshots))
	q.endsLaunched += b.ends
	q.coalesced += b.coalesced
	q.released = q.released.plus(amount{b.coalesced, b.coalescedBytes})
	// The dispatcher, which calls launch, is not to be woken; but what was admitted
	// is to be sent at once too while others still wait for room.
	q.admit()
	q.pressed = q.pressed || q.waiting
	return true
}

// isAbandoned reports whether Shutdown gave up.
func (q *queue) isAbandoned() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.abandoned
}

// settle accounts for an export that came back: items entries of bytes are no
// longer in flight, and lost says which part of them was not delivered. It
// reports false when Shutdown had given the export up before: then nothing is
// changed.
func (q *queue) settle(items int, bytes uint64, lost losses) bool {
	q.mu.Lock()
	if q.abandoned {
		q.mu.Unlock()
		return false
	}
	q.inFlight -= int64(items)
	q.released = q.released.plus(amount{uint64(items), bytes})
	q.exported += uint64(items) - lost.total
	q.failed += lost.failed()
	for _, l := range lost.by {
		q.droppedBy[q.bounded(l.reason)] += l.count
	}
	wake := q.admit()
	q.mu.Unlock()
	if wake {
		q.signal()
	}
	return true
}

// bounded returns reason, or a stand-in when too many different ones were seen.
// It is called with mu held.
func (q *queue) bounded(reason DropReason) DropReason {
	if _, known := q.droppedBy[reason]; known || len(q.droppedBy) < maxDropReasons {
		return reason
	}
	return ReasonExportFailed
}

// abandon drops all that waits and all that is in flight. It is called after close.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	accepted, ends := q.count()
	if n := accepted.items - q.released.items; n > 0 {
		q.droppedBy[ReasonShutdownDeadline] += n
		q.failed += n
	}
	if n := ends - q.endsLaunched; n > 0 {
		q.endsDropped[ReasonShutdownDeadline] += n
	}
	q.abandoned = true
	q.inFlight, q.endsLaunched = 0, ends
	q.released = accepted
	for _, l := range q.lanes {
		l.discard()
	}
}

// stats returns a consistent view of the counts.
func (q *queue) stats() Stats {
	q.mu.Lock()
	defer q.mu.Unlock()
	accepted, _ := q.count()
	s := Stats{
		Offered:   accepted.items + q.refused,
		Exported:  q.exported,
		Coalesced: q.coalesced,
		Queued:    int64(accepted.items-q.released.items) - q.inFlight,
		InFlight:  q.inFlight,
		DroppedBy: make(map[DropReason]uint64, len(q.droppedBy)),
	}
	for reason, n := range q.droppedBy {
		s.DroppedBy[reason] = n
		s.Dropped += n
	}
	return s
}

// losses says how many snapshots of an export were not delivered, by reason.
type losses struct {
	total uint64
	by    []loss
	which []bool // by index, nil when it is none or all of them
}

// failed is the part of total that was not dropped on purpose.
func (l losses) failed() uint64 {
	n := l.total
	for _, by := range l.by {
		if by.reason == ReasonFiltered {
			n -= by.count
		}
	}
	return n
}

// has reports whether the snapshot at index i was not delivered.
func (l losses) has(i int) bool {
	if l.which == nil {
		return l.total > 0
	}
	return l.which[i]
}

// untold returns how many of them the error handler is to be told of, and why:
// neither what was dropped on purpose nor what the exporter has reported itself.
// err is what the exporter returned, and told whole if all of it is to be.
func (l losses) untold(err error) (n uint64, cause error) {
	whole := true
	for _, by := range l.by {
		if by.reason == ReasonFiltered || by.from != nil && by.from.Reported {
			whole = false
			continue
		}
		n += by.count
		switch {
		case cause != nil:
			cause = both(cause, by.from)
		case by.from != nil:
			cause = by.from
		}
	}
	if whole {
		return n, err
	}
	return n, cause
}

type loss struct {
	reason DropReason
	count  uint64
	from   *ExportError // nil when the exporter returned none
}

func allLost(reason DropReason, items int) losses {
	n := uint64(items)
	return losses{total: n, by: []loss{{reason: reason, count: n}}}
}

// lossesOf reads the error of an export of items snapshots: one ExportError or
// several joined ones name those that were not delivered; any other error means
// that none was.
func lossesOf(err error, items int) losses {
	if err == nil {
		return losses{}
	}
	partial, ok := exportErrors(err)
	if !ok {
		return allLost(ReasonExportFailed, items)
	}
	l := losses{which: make([]bool, items)}
	for _, e := range partial {
		var n uint64
		for _, i := range e.Undelivered {
			if i >= 0 && i < items && !l.which[i] {
				l.which[i] = true
				n++
			}
		}
		if n > 0 {
			l.total += n
			l.by = append(l.by, loss{e.reason(), n, e})
		}
	}
	return l
}

// exportErrors returns the ExportErrors that make up err. It reports false when
// some part of err is none, so that nothing can be said of the rest.
func exportErrors(err error) ([]*ExportError, bool) {
	for err != nil {
		switch e := err.(type) { //nolint:errorlint // this walks the tree itself
		case *ExportError:
			return []*ExportError{e}, e != nil
		case interface{ Unwrap() []error }:
			var all []*ExportError
			for _, part := range e.Unwrap() {
				found, ok := exportErrors(part)
				if !ok {
					return nil, false
				}
				all = append(all, found...)
			}
			return all, len(all) > 0
		case interface{ Unwrap() error }:
			err = e.Unwrap()
		default:
			return nil, false
		}
	}
	return nil, false
}

// isClosed reports whether Shutdown was called.
func (q *queue) isClosed() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.closed
}

// lost returns how many snapshots were dropped so far, other than on purpose.
func (q *queue) lost() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	var n uint64
	for reason, count := range q.droppedBy {
		if reason != ReasonFiltered {
			n += count
		}
	}
	return n
}

// lostLater returns how many snapshots were accepted and then lost.
func (q *queue) lostLater() uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.failed
}

// hasUnreported reports whether something was refused since takeUnreported.
func (q *queue) hasUnreported() bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.unreported
}

// takeUnreported returns how many were refused so far, by the reasons of the
// queue's door, and makes the next refusal wake the dispatcher again.
func (q *queue) takeUnreported() map[DropReason]uint64 {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.unreported = false
	counts := make(map[DropReason]uint64)
	for _, reason := range []DropReason{ReasonQueueFull, ReasonStartRefused, ReasonTooLarge, ReasonAlreadyShutdown} {
		if n := q.droppedBy[reason]; n > 0 {
			counts[reason] = n
		}
	}
	return counts
}
