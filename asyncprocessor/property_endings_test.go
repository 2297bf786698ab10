package asyncprocessor

import (
	"context"
	"errors"
	"maps"
	"time"
)

// flushing is promise 7 on ForceFlush.
func (v *verdict) flushing() {
	for _, f := range v.flushes {
		early, late := f.begun.seq < v.shutdownBegun.seq, f.begun.seq > v.shutdownReturned.seq || v.virtual
		switch {
		case f.err == nil && early:
			v.flushed(f)
		case f.err == nil, !v.virtual && errors.Is(f.err, context.DeadlineExceeded):
		case !early && !late: // on real time it may be before or after
		case !early:
			v.faultLocked("promise 7: ForceFlush after Shutdown returned %v", f.err)
		case errors.Is(f.err, ErrDropped):
			if f.after.Dropped == f.before.Dropped {
				v.faultLocked("promise 7: ForceFlush returned %v, nothing was dropped", f.err)
			}
		case !errors.Is(f.err, context.DeadlineExceeded) || f.returned.at != f.ends:
			v.faultLocked("promise 7: ForceFlush returned %v at %s", f.err, f.returned.at)
		}
		if v.virtual && early && (f.err == nil || errors.Is(f.err, ErrDropped)) {
			// Everything is over when the last of what was offered is.
			over := f.begun.at
			for _, o := range v.offers {
				if o.accepted() && o.returned.seq <= f.returned.seq && o.returned.at <= f.begun.at {
					over = max(over, v.settledAt(o))
				}
			}
			if late := f.returned.at - over; late > 0 {
				v.faultLocked("promise 7: ForceFlush returned %s after all was settled", late)
			}
		}
	}
}

// flushed checks that f, which returned nil, kept its word.
func (v *verdict) flushed(f flushCall) {
	for _, o := range v.offers {
		if !o.accepted() || o.returned.seq > f.begun.seq {
			continue
		}
		c := o.call
		switch {
		case c == nil && o.coalesced == nil:
			v.faultLocked("promise 7: ForceFlush returned nil, a %s was never exported", o.phase)
		case c == nil:
			if v.virtual && v.settledAt(o) > f.returned.at {
				v.faultLocked("promise 7: ForceFlush returned nil before a START was coalesced")
			}
		case c.returned.seq > f.returned.seq && !c.told[o.index]:
			v.faultLocked("promise 7: ForceFlush from %s to %s returned nil, a %s offered at %s was settled at %s",
				f.begun.at, f.returned.at, o.phase, o.returned.at, c.returned.at)
		case v.virtual && c.returned.at > f.begun.at && c.lost[o.index] != "" && c.lost[o.index] != ReasonFiltered:
			v.faultLocked("promise 7: ForceFlush returned nil, a %s was lost meanwhile", o.phase)
		}
	}
}

// settledAt is when o was done with, or what took its place, in virtual time.
func (v *verdict) settledAt(o *offer) time.Duration {
	if o.coalesced != nil {
		return v.releasedAt(o.coalesced)
	}
	return v.releasedAt(o)
}

// shutdownGraceAllowed is by how much Shutdown may be later than its deadline, for
// the exporter's Shutdown and for the error handler.
const shutdownGraceAllowed = 100 * time.Millisecond

// shutdown is promise 7 on Shutdown, in virtual time.
func (v *verdict) shutdown() {
	// What was confirmed before Shutdown was called does not matter to it.
	undelivered := v.final.DroppedBy[ReasonShutdownDeadline]
	over := v.shut
	for _, c := range v.calls {
		if !v.counted(c) {
			over = v.timeUp
			continue
		}
		over = max(over, c.returned.at)
		if c.returned.at > v.shut {
			undelivered += uint64(len(c.lost)) - c.notLost()
		}
		if c.begun.at > v.timeUp {
			v.faultLocked("promise 7: a call began after Shutdown gave up")
		}
	}
	var lost *ShutdownError
	got := uint64(0)
	if errors.As(v.shutdownErr, &lost) {
		got = lost.Undelivered
	}
	if got != undelivered || lost != nil && got == 0 {
		v.faultLocked("promise 7: Shutdown returned %v, %d were not delivered", v.shutdownErr, undelivered)
	}
	if undelivered == 0 && v.shutdownReturned.at < v.timeUp && v.shutdownErr != nil {
		v.faultLocked("promise 7: all was delivered in time, Shutdown returned %v", v.shutdownErr)
	}
	if after := v.shutdownReturned.at - v.timeUp; after > shutdownGraceAllowed {
		v.faultLocked("promise 7: Shutdown returned %s after its deadline", after)
	}
	if v.plan.exporterShutdown >= 0 && v.final.DroppedBy[ReasonShutdownDeadline] == 0 {
		// A report has an error for each reason, of what was refused and of what was accepted.
		if late := v.shutdownReturned.at - over - v.plan.exporterShutdown; late > min(16*v.plan.handlerDelay, shutdownGraceAllowed) {
			v.faultLocked("promise 7: Shutdown returned %s after all was settled", late)
		}
	}
	if !v.sameButOffers(v.frozen, v.final) {
		v.faultLocked("promise 7: a late result changed %+v to %+v", v.frozen, v.final)
	}
	for _, c := range v.calls {
		if at := v.exporterShut[0].at; at < v.timeUp && c.returned.seq > v.exporterShut[0].seq {
			v.faultLocked("promise 7: the exporter was shut down during a call")
		}
	}
}

func (v *verdict) sameButOffers(a, b Stats) bool {
	return a.Exported == b.Exported && a.Coalesced == b.Coalesced && a.Dropped == b.Dropped && maps.Equal(a.DroppedBy, b.DroppedBy)
}
