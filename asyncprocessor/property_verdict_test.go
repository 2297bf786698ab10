package asyncprocessor

import (
	"context"
	"errors"
	"maps"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"
)

// judge fails t when a promise was broken.
func (h *history) judge(t *rapid.T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.faults) == 0 { // what follows trusts the history
		newVerdict(h).all()
	}
	if len(h.faults) > 0 {
		t.Fatalf("%d faults, the first: %s\nShutdown from %s to %s (%v), %d offers, %d calls; %+v",
			len(h.faults), h.faults[0], h.shutdownBegun.at, h.shutdownReturned.at, h.shutdownErr,
			len(h.offers), len(h.calls), h.final)
	}
}

// verdict judges a history as a whole. In virtual time all events of one moment
// are over before the next one, which makes the state at each moment known.
type verdict struct {
	*history
	shut, timeUp time.Duration // when Shutdown began, and when its time was up
	gaveUp       bool          // Shutdown may have given up
	exact        bool          // what became of every offer at the queue's door is known
}

func newVerdict(h *history) *verdict {
	v := &verdict{history: h, shut: h.shutdownBegun.at, timeUp: h.shutdownBegun.at + h.plan.shutdownTimeout}
	err := h.shutdownErr
	v.gaveUp = errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	by := h.final.DroppedBy
	v.exact = h.plan.serial || by[ReasonStartRefused]+by[ReasonQueueFull]+by[ReasonTraceShare]+by[ReasonAlreadyEnded] == 0
	if !h.virtual {
		v.exact = v.exact && by[ReasonAlreadyShutdown] == 0
	}
	refusals := by[ReasonStartRefused] + by[ReasonQueueFull] + by[ReasonTraceShare] + by[ReasonTooLarge]
	if refusals > 0 && slices.ContainsFunc(h.offers, func(o *offer) bool { return o.key.life > 0 }) {
		// The END of one life may take the place of the START of another whose own END was refused.
		v.exact = false
	}
	if h.virtual { // what remains of an END is not offered after Shutdown began
		h.offers = slices.DeleteFunc(h.offers, func(o *offer) bool { return o.remains != nil && o.returned.at >= v.shut })
	}
	for _, o := range h.offers {
		if o.retried != nil && o.call == nil && !v.counted(o.retried) {
			o.call = o.retried // it was in flight when Shutdown gave up
		}
		switch {
		case h.virtual && o.returned.at >= v.shut:
			o.door = ReasonAlreadyShutdown
		case o.size > uint64(h.plan.maxBytes):
			o.door = ReasonTooLarge
		}
	}
	if v.exact {
		for _, both := range h.bySpan {
			start, end := both[PhaseStart], both[PhaseEnd]
			if start != nil && end != nil && start.accepted() && end.accepted() && start.call == nil && h.plan.policy == StartCoalesced {
				start.coalesced = end
			}
		}
	}
	return v
}

func (v *verdict) all() {
	v.order()
	v.snapshots()
	v.surelyHeld()
	v.ending()
	if v.virtual || !v.gaveUp {
		v.counts()
	}
	if v.exact {
		v.flushing()
	}
	if v.virtual {
		v.shutdown()
		if v.exact {
			v.states()
		}
		if v.plan.serial && v.exact {
			v.admission()
		}
	}
}

// counted reports whether the call came back before Shutdown gave up.
func (v *verdict) counted(c *exportCall) bool { return !v.virtual || c.returned.at < v.timeUp }

// notLost counts what c dropped on purpose, or failed to deliver for now.
func (c *exportCall) notLost() (n uint64) {
	for _, reason := range c.lost {
		if reason == ReasonFiltered || reason == retryReason {
			n++
		}
	}
	return n
}

// order is promise 1, the position of coalesced ENDs (promise 6), and that a
// trace is delivered in the order in which it was offered.
func (v *verdict) order() {
	byTrace := make(map[trace.TraceID][]*offer)
	for _, c := range v.calls { // those with one trace never overlap
		for i, o := range c.carries {
			if c.lost[i] != retryReason {
				byTrace[o.key.trace] = append(byTrace[o.key.trace], o)
			}
		}
	}
	misplaced := make(map[spanKey]bool)
	for _, seen := range byTrace {
		place := make(map[*offer]int)
		for i, o := range seen {
			place[o] = i
		}
		latest := 0
		for i, o := range seen {
			start := v.bySpan[o.key][PhaseStart]
			if o.phase == PhaseStart {
				if before(place, v.bySpan[o.key][PhaseEnd], i) {
					v.faultLocked("promise 1: a START comes after its END")
				}
			}
			// The moment of the offer by which o has its place.
			key := o
			if o.phase == PhaseEnd && start != nil && start.call == nil {
				switch {
				case start.coalesced != nil:
					key = start
				case !v.exact:
					key = nil // coalesced or not, that is not known
				}
			}
			if key != nil {
				if key.returned.seq < latest {
					v.faultLocked("promise 6: %s of a span that was offered before what precedes it", o.phase)
				}
				latest = max(latest, key.begun.seq)
			}
			v.parentFirst(o, i, place, misplaced)
		}
	}
	by := v.final.DroppedBy
	if refused := by[ReasonStartRefused] + by[ReasonQueueFull] + by[ReasonTraceShare] + by[ReasonTooLarge] + by[ReasonAlreadyShutdown] + by[ReasonAlreadyEnded]; uint64(len(misplaced)) > refused {
		v.faultLocked("promise 1: children of %d spans precede them, only %d snapshots were refused", len(misplaced), refused)
	}
}

// before reports whether o was delivered before the i-th of its trace.
func before(place map[*offer]int, o *offer, i int) bool {
	at, delivered := place[o]
	return delivered && at < i
}

// parentFirst checks that o, the i-th of its trace, does not precede its parent.
func (v *verdict) parentFirst(o *offer, i int, place map[*offer]int, misplaced map[spanKey]bool) {
	parent := v.bySpan[lifeKey{spanKey: o.parent}]
	if parent == nil || v.plan.policy == StartNever { // from another process, or not announced
		return
	}
	start, end := parent[PhaseStart], parent[PhaseEnd]
	first := start
	if start.call == nil {
		first = end // took its place, if that was coalesced
	}
	if before(place, first, i) {
		return
	}
	if start.call != nil || v.exact && start.accepted() {
		v.faultLocked("promise 1: %s of a child precedes its parent", o.phase)
	}
	misplaced[o.parent] = true
}

// snapshots is promise 3: what was delivered stays as it was.
func (v *verdict) snapshots() {
	for _, o := range v.offers {
		if o.call != nil {
			if got := describe(o.got.Span); got != o.want {
				v.faultLocked("promise 3: a kept %s became %s, was %s", o.phase, got, o.want)
			}
		}
	}
}

// surelyHeld is promise 4, by what is certain on real time too: a snapshot that
// was delivered was held from its offer's return to its call's return.
func (v *verdict) surelyHeld() {
	type change struct{ seq, items, bytes int }
	var changes []change
	for _, o := range v.offers {
		if o.call != nil && v.counted(o.call) && !(v.gaveUp && !v.virtual) {
			free := o.call.returned.seq
			if o.call.told[o.index] {
				free = o.call.toldAt.seq
			}
			changes = append(changes, change{o.returned.seq, 1, int(o.size)}, change{free, -1, -int(o.size)})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return a.seq - b.seq })
	items, bytes := 0, 0
	for _, c := range changes {
		items, bytes = items+c.items, bytes+c.bytes
		if items > v.plan.maxItems || bytes > int(v.plan.maxBytes) {
			v.faultLocked("promise 4: %d snapshots, %d bytes held", items, bytes)
			return
		}
	}
}

// ending is what must be true when all is over.
func (v *verdict) ending() {
	if v.final.Queued != 0 || v.final.InFlight != 0 {
		v.faultLocked("promise 7: something is left after Shutdown: %+v", v.final)
	}
	least := uint64(len(v.offers))
	for _, o := range v.offers { // after Shutdown nothing remains
		if !v.virtual && o.remains != nil && o.remains.returned.seq > v.shutdownBegun.seq {
			least--
		}
	}
	if v.final.Offered < least || v.final.Offered > uint64(len(v.offers)) {
		v.faultLocked("promise 2: %d were offered: %+v", len(v.offers), v.final)
	}
	if len(v.exporterShut) != 1 {
		v.faultLocked("promise 7: the exporter was shut down %d times", len(v.exporterShut))
	}
}

// counts compares the last Stats with what the exporter saw and said.
func (v *verdict) counts() {
	want := map[DropReason]uint64{}
	var exported, seen, coalesced, maybe, left uint64
	by := v.final.DroppedBy
	replays := uint64(0)
	for _, o := range v.offers {
		if o.phase == PhaseStart && o.key.life > 0 {
			replays++
		}
	}
	for _, c := range v.calls {
		for i := range c.carries {
			switch reason, lost := c.lost[i]; {
			case reason == retryReason && v.counted(c):
				continue
			case c.told[i] && (!v.virtual || c.toldAt.at < v.timeUp), !lost && v.counted(c):
				exported++
			case !v.counted(c):
				want[ReasonShutdownDeadline]++
			default:
				want[reason]++
			}
			seen++
		}
	}
	for _, o := range v.offers {
		switch {
		case o.coalesced != nil:
			coalesced++
		case !o.accepted():
			want[o.door]++
		case !v.exact && o.call == nil && o.phase == PhaseStart:
			maybe++ // coalesced or refused
		case o.call == nil:
			left++
		}
	}
	if !v.exact {
		coalesced = v.final.Coalesced
		if coalesced > maybe {
			v.faultLocked("promise 2: at most %d can be coalesced: %+v", maybe, v.final)
		}
		refused := uint64(0)
		for _, reason := range []DropReason{ReasonStartRefused, ReasonQueueFull, ReasonTraceShare, ReasonAlreadyEnded, ReasonAlreadyShutdown, ReasonTooLarge} {
			refused += by[reason]
			if reason != ReasonAlreadyShutdown && reason != ReasonTooLarge || !v.virtual {
				want[reason] = by[reason]
			}
		}
		if by[ReasonAlreadyEnded] > replays {
			v.faultLocked("promise 1: %d spans started again: %+v", replays, v.final)
		}
		left = v.final.Offered - refused - coalesced - seen
	}
	want[ReasonShutdownDeadline] += left
	maps.DeleteFunc(want, func(_ DropReason, n uint64) bool { return n == 0 })
	if v.final.Exported != exported || v.final.Coalesced != coalesced || !maps.Equal(by, want) {
		v.faultLocked("promise 2: exported %d, coalesced %d, dropped %v expected: %+v", exported, coalesced, want, v.final)
	}
}
