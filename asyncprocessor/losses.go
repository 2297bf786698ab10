package asyncprocessor

// losses is what was lost, by reason.
type losses map[DropReason]*loss

type loss struct {
	snapshots uint64
	ends      uint64       // ENDs among them that no exporter has seen
	told      uint64       // what reports have told
	cause     *ExportError // of an export, the last one
}

// of returns the loss for a reason.
func (ls losses) of(reason DropReason) *loss {
	if ls[reason] == nil {
		ls[reason] = new(loss)
	}
	return ls[reason]
}

// toTell returns what was lost since it was last called.
func (ls losses) toTell() losses {
	news := make(losses)
	for reason, l := range ls {
		if l.snapshots > l.told {
			news[reason] = &loss{snapshots: l.snapshots - l.told, cause: l.cause}
			l.told = l.snapshots
		}
	}
	return news
}

// maxDropReasons bounds the reasons of exports that are counted apart. Those that an exporter makes up
// beyond it count as [ReasonExportFailed].
const maxDropReasons = 64

// refused counts a snapshot that was refused at the queue's door.
func (r *reporter) refused(phase Phase, reason DropReason) {
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.atDoor.of(reason)
	l.snapshots++
	if phase == PhaseEnd {
		l.ends++
	}
	r.schedule()
}

// undelivered counts what a call of the exporter lost, at once, so that one report has it all.
func (r *reporter) undelivered(lost losses) {
	if len(lost) == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for reason, more := range lost {
		if _, known := r.byExports[reason]; !known && len(r.byExports) >= maxDropReasons {
			reason = ReasonExportFailed
		}
		l := r.byExports.of(reason)
		l.snapshots, l.cause = l.snapshots+more.snapshots, more.cause
		if reason == ReasonFiltered {
			l.told = l.snapshots // it is no failure
		} else {
			r.failed += more.snapshots
			r.schedule()
		}
	}
}

// abandoned counts what Shutdown gave up, which it tells itself.
func (r *reporter) abandoned(snapshots, ends uint64) {
	if snapshots == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	l := r.atDoor.of(ReasonShutdownDeadline)
	l.snapshots, l.ends, l.told = l.snapshots+snapshots, l.ends+ends, l.told+snapshots
	r.failed += snapshots
}

// failures returns how many snapshots were accepted and then lost, other than on purpose.
func (r *reporter) failures() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.failed
}

// dropped returns what was lost, and how many ENDs of it no exporter has seen.
func (r *reporter) dropped() (snapshots, ends map[DropReason]uint64) {
	r.mu.Lock()
	defer r.mu.Unlock()
	snapshots, ends = make(map[DropReason]uint64), make(map[DropReason]uint64)
	for _, lost := range []losses{r.atDoor, r.byExports} {
		for reason, l := range lost {
			snapshots[reason] += l.snapshots
			if l.ends > 0 {
				ends[reason] = l.ends
			}
		}
	}
	return snapshots, ends
}

// losses returns how many snapshots were lost, other than on purpose.
func (r *reporter) losses() (n uint64) {
	snapshots, _ := r.dropped()
	for reason, lost := range snapshots {
		if reason != ReasonFiltered {
			n += lost
		}
	}
	return n
}
