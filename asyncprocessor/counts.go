package asyncprocessor

// maxDropReasons bounds the reasons that are counted apart. Those that an exporter makes up
// beyond it count as [ReasonExportFailed].
const maxDropReasons = 64

// counts is what became of snapshots. What is held stands in the bounds.
type counts struct {
	exported, coalesced uint64
	dropped             map[DropReason]uint64
	inFlight            int64

	untracked uint64 // spans: see Stats

	// failed is what was accepted and then lost, other than on purpose.
	failed uint64

	// What the semantic conventions count: spans, that is ENDs alone.
	endsQueued    int64
	endsSubmitted uint64                // to the exporter
	endsDropped   map[DropReason]uint64 // before that
}

func newCounts() counts {
	return counts{dropped: make(map[DropReason]uint64), endsDropped: make(map[DropReason]uint64)}
}

// countEnd counts an END that begins to wait, or no longer does: n is +1 or -1.
func (c *counts) countEnd(it *item, n int64) {
	if it.phase == PhaseEnd {
		c.endsQueued += n
	}
}

// send counts an item that is handed to the exporter.
func (c *counts) send(it *item) {
	c.inFlight++
	c.countEnd(it, -1)
	if it.phase == PhaseEnd && !it.sent {
		c.endsSubmitted++
	}
}

// refused counts a snapshot that was offered and not accepted.
func (c *counts) refused(phase Phase, reason DropReason) {
	c.dropped[reason]++
	if phase == PhaseEnd {
		c.endsDropped[reason]++
	}
}

// lost counts snapshots that were accepted and then lost, and returns the reason under
// which they count.
func (c *counts) lost(reason DropReason, n uint64) DropReason {
	if _, known := c.dropped[reason]; !known && len(c.dropped) >= maxDropReasons {
		reason = ReasonExportFailed
	}
	c.dropped[reason] += n
	if reason != ReasonFiltered {
		c.failed += n
	}
	return reason
}

// abandon counts all that is held as lost.
func (c *counts) abandon(held uint64) {
	if held > 0 {
		c.lost(ReasonShutdownDeadline, held)
	}
	if c.endsQueued > 0 {
		c.endsDropped[ReasonShutdownDeadline] += uint64(c.endsQueued)
	}
	c.inFlight, c.endsQueued = 0, 0
}

// losses returns how many snapshots were dropped so far, other than on purpose.
func (c *counts) losses() (n uint64) {
	for reason, count := range c.dropped {
		if reason != ReasonFiltered {
			n += count
		}
	}
	return n
}

// stats returns all that the counts say.
func (c *counts) stats() Stats {
	s := Stats{
		Exported:  c.exported,
		Coalesced: c.coalesced,
		InFlight:  c.inFlight,
		Untracked: c.untracked,
		DroppedBy: make(map[DropReason]uint64, len(c.dropped)),
	}
	for reason, n := range c.dropped {
		s.DroppedBy[reason] = n
		s.Dropped += n
	}
	return s
}
