package asyncprocessor

// counts is what became of snapshots. What is held stands in the intake, what was lost with the reporter.
type counts struct {
	exported, coalesced uint64
	inFlight            int64
	untracked           uint64 // spans: see Stats
	ends                ends
}

// ends is what the semantic conventions count: spans, that is ENDs alone.
type ends struct {
	queued    int64
	again     int64  // of those, some failed for now
	submitted uint64 // to the exporter
}

// countEnd counts an END that begins to wait, or no longer does: n is +1 or -1.
func (c *counts) countEnd(it *item, n int64) {
	if it.phase != PhaseEnd {
		return
	}
	c.ends.queued += n
	if it.sent {
		c.ends.again += n
	}
}

// send counts an item that is handed to the exporter.
func (c *counts) send(it *item) {
	c.inFlight++
	c.countEnd(it, -1)
	if it.phase == PhaseEnd && !it.sent {
		c.ends.submitted++
	}
}
