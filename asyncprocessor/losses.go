package asyncprocessor

import (
	"cmp"
	"errors"
	"fmt"
)

// lossKind is how snapshots are lost: why, and whether the queue had accepted them before.
type lossKind struct {
	reason   DropReason
	accepted bool
}

func (k lossKind) compare(other lossKind) int { return cmp.Compare(k.reason, other.reason) }

// loss is what was lost in one way.
type loss struct {
	snapshots uint64
	ends      uint64 // ENDs among them that no exporter has seen
	told      uint64 // what reports have told
	cause     error  // the last one that an exporter gave
}

// maxLossKinds bounds what is counted apart. Reasons that an exporter makes up beyond it count as
// [ReasonExportFailed].
const maxLossKinds = 64

// of returns the loss of a kind.
func (r *reporter) of(kind lossKind) *loss {
	l := r.lost[kind]
	if l == nil {
		l = new(loss)
		r.lost[kind] = l
	}
	return l
}

// refused counts a snapshot that was refused at the queue's door.
func (r *reporter) refused(phase Phase, reason DropReason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.of(lossKind{reason, false})
	l.snapshots++
	if phase == PhaseEnd {
		l.ends++
	}
	r.schedule()
}

// failed counts what a call of the exporter lost, at once, so that one report has it all: why has the verdict on
// each snapshot.
func (r *reporter) failed(why []*ExportError) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, e := range why {
		kind := lossKind{e.reason(), true}
		if r.lost[kind] == nil && len(r.lost) >= maxLossKinds {
			kind.reason = ReasonExportFailed
		}
		l := r.of(kind)
		l.snapshots, l.cause = l.snapshots+1, e.Err
		if kind.reason == ReasonFiltered {
			l.told++ // it is no failure
		} else {
			r.schedule()
		}
	}
}

// abandoned counts what Shutdown gave up, which it tells itself.
func (r *reporter) abandoned(snapshots, ends uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if snapshots > 0 {
		l := r.of(lossKind{ReasonShutdownDeadline, true})
		l.snapshots, l.ends, l.told = l.snapshots+snapshots, l.ends+ends, l.told+snapshots
	}
}

// dropped returns what was lost, and how many ENDs of it no exporter has seen.
func (r *reporter) dropped() (snapshots, ends map[DropReason]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	snapshots, ends = make(map[DropReason]uint64), make(map[DropReason]uint64)
	for kind, l := range r.lost {
		snapshots[kind.reason] += l.snapshots
		if l.ends > 0 {
			ends[kind.reason] += l.ends
		}
	}
	return snapshots, ends
}

// failures returns how many snapshots were lost, other than on purpose.
func (r *reporter) failures() (n uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for kind, l := range r.lost {
		if kind.reason != ReasonFiltered {
			n += l.snapshots
		}
	}
	return n
}

// undelivered returns what was accepted and then lost, other than on purpose.
func (r *reporter) undelivered() map[lossKind]loss {
	r.mu.Lock()
	defer r.mu.Unlock()
	lost := make(map[lossKind]loss)
	for kind, l := range r.lost {
		if kind.accepted && kind.reason != ReasonFiltered {
			lost[kind] = *l
		}
	}
	return lost
}

// undeliveredSince returns how much that has become, and the causes that exporters gave.
func (r *reporter) undeliveredSince(before map[lossKind]loss) (n uint64, cause error) {
	var causes []error
	for kind, l := range r.undelivered() {
		more := l.snapshots - before[kind].snapshots
		if n += more; more > 0 && l.cause != nil {
			causes = append(causes, fmt.Errorf("%d %s: %w", more, kind.reason, l.cause))
		}
	}
	return n, errors.Join(causes...)
}
