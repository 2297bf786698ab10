package asyncprocessor

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// admission is promises 4 and 5 at the queue's door, for offers made one at a
// time: each is judged by what was held then, give or take what was released at
// the very moment.
func (v *verdict) admission() {
	p := v.plan
	maxBytes := uint64(p.maxBytes)
	for i, o := range v.offers {
		if o.door == ReasonAlreadyShutdown || o.door == ReasonTooLarge || o.door == ReasonAlreadyEnded {
			continue
		}
		var least, most, leastBytes, mostBytes uint64
		var traceLeast, traceMost, traceLeastBytes, traceMostBytes uint64
		takesPlace := false // of its START
		for _, held := range v.offers[:i] {
			if !held.accepted() {
				continue
			}
			if held.coalesced == o {
				takesPlace = true
				continue
			}
			released := v.releasedAt(held)
			sameTrace := held.key.trace == o.key.trace
			if released >= o.begun.at {
				most, mostBytes = most+1, mostBytes+held.size
				if sameTrace {
					traceMost, traceMostBytes = traceMost+1, traceMostBytes+held.size
				}
			}
			if released > o.begun.at {
				least, leastBytes = least+1, leastBytes+held.size
				if sameTrace {
					traceLeast, traceLeastBytes = traceLeast+1, traceLeastBytes+held.size
				}
			}
		}
		fitsAtLeast := most < uint64(p.maxItems) && mostBytes+o.size <= maxBytes
		fitsAtMost := least < uint64(p.maxItems) && leastBytes+o.size <= maxBytes
		threeQuartersSure := 4*least >= 3*uint64(p.maxItems) || 4*leastBytes >= 3*maxBytes
		threeQuartersMaybe := 4*most >= 3*uint64(p.maxItems) || 4*mostBytes >= 3*maxBytes
		start := o.phase == PhaseStart
		// In the last quarter with it, and its trace with more than half.
		lastQuarterSure := 4*(least+1) > 3*uint64(p.maxItems)+3 || 4*(leastBytes+o.size) > 3*maxBytes+3
		lastQuarterMaybe := 4*(most+1) > 3*uint64(p.maxItems) || 4*(mostBytes+o.size) > 3*maxBytes
		shareSure := !takesPlace && lastQuarterSure && (2*traceLeast > uint64(p.maxItems) || 2*traceLeastBytes > maxBytes)
		shareMaybe := lastQuarterMaybe && (2*traceMost > uint64(p.maxItems) || 2*traceMostBytes > maxBytes)
		switch {
		case o.accepted() && !fitsAtMost,
			o.accepted() && start && threeQuartersSure,
			o.accepted() && shareSure,
			o.door == ReasonTraceShare && !shareMaybe,
			o.door == ReasonQueueFull && fitsAtLeast,
			o.door == ReasonStartRefused && (!start || !threeQuartersMaybe):
			v.faultLocked("promise 5: %s of %d bytes is %q with %d to %d snapshots, %d to %d bytes held",
				o.phase, o.size, o.door, least, most, leastBytes, mostBytes)
		}
	}
}

// releasedAt is when the room of o was free again, in virtual time.
func (v *verdict) releasedAt(o *offer) time.Duration {
	switch c := o.call; {
	case o.coalesced != nil:
		return v.coalescedAt(o)
	case c != nil && c.told[o.index] && c.toldAt.at < v.timeUp:
		return c.toldAt.at
	case c != nil && v.counted(c):
		return c.returned.at
	}
	return v.timeUp
}

// coalescedAt is when the END of o took its place: when it came, or when o was back from a call in
// which it failed for now.
func (v *verdict) coalescedAt(o *offer) time.Duration {
	at := v.bySpan[o.key][PhaseEnd].returned.at
	if o.retried != nil {
		at = max(at, o.retried.returned.at)
	}
	return at
}

// state is what the processor holds at a moment between two events of virtual
// time.
type state struct {
	stats   Stats // without the map
	queued  map[*offer]bool
	waiting map[*offer]bool
	bytes   uint64 // queued and in flight
	calls   int    // that are under way
	busy    map[trace.TraceID]int
	resting map[trace.TraceID]bool // or going on: what failed for now may rest
}

// states replays the run in virtual time, and checks after each moment that the
// state is within the bounds (promise 4), that Stats says just that (promise 2),
// that nobody waits for room that is there, and that nothing waits that is due
// (promise 6).
func (v *verdict) states() {
	type event struct {
		at    time.Duration
		apply func(s *state) // nil for a moment at which something becomes due
	}
	var events []event
	at := func(t time.Duration, apply func(s *state)) { events = append(events, event{t, apply}) }
	for _, o := range v.offers {
		if o.begun.at != o.returned.at {
			if !v.plan.blocking {
				v.faultLocked("promise 4: the application was held up for %s", o.returned.at-o.begun.at)
			}
			at(o.begun.at, func(s *state) { s.waiting[o] = true })
		}
		at(o.returned.at, func(s *state) {
			delete(s.waiting, o)
			s.stats.Offered++
			if !o.accepted() {
				s.stats.Dropped++
				return
			}
			s.stats.Queued++
			s.queued[o] = true
			s.bytes += o.size
		})
		at(v.due(o), nil)
	}
	for _, c := range v.calls {
		at(c.begun.at, func(s *state) {
			s.calls++
			for _, o := range c.carries {
				delete(s.queued, o)
				delete(s.resting, o.key.trace)
				s.busy[o.key.trace]++
				s.stats.Queued--
				s.stats.InFlight++
			}
		})
		leave := func(s *state, o *offer, into *uint64) {
			*into++
			s.stats.InFlight--
			s.busy[o.key.trace]--
			s.bytes -= o.size
		}
		if len(c.told) > 0 {
			at(c.toldAt.at, func(s *state) {
				for i := range c.told {
					leave(s, c.carries[i], &s.stats.Exported)
				}
			})
		}
		if !v.counted(c) {
			continue
		}
		at(c.returned.at, func(s *state) {
			s.calls--
			for i, o := range c.carries {
				switch reason, lost := c.lost[i]; {
				case c.told[i]:
				case !lost:
					leave(s, o, &s.stats.Exported)
				case reason == retryReason:
					s.stats.InFlight--
					s.stats.Queued++
					s.busy[o.key.trace]--
					s.queued[o], s.resting[o.key.trace] = true, true
				default:
					leave(s, o, &s.stats.Dropped)
				}
			}
		})
	}
	for _, o := range v.offers { // at the same moment this is after what a call put back
		if o.coalesced != nil {
			at(v.coalescedAt(o), func(s *state) {
				s.stats.Queued--
				s.stats.Coalesced++
				delete(s.queued, o)
				s.bytes -= o.size
			})
		}
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	polls := slices.Clone(v.polls)
	slices.SortFunc(polls, func(a, b pollCall) int { return cmp.Compare(a.at, b.at) })

	s := &state{queued: map[*offer]bool{}, waiting: map[*offer]bool{}, busy: map[trace.TraceID]int{}, resting: map[trace.TraceID]bool{}}
	for i := 0; i < len(events); {
		now := events[i].at
		if now >= v.timeUp {
			break
		}
		for len(polls) > 0 && polls[0].at <= now {
			if polls[0].at < now { // at the same moment it may be either state
				v.sameStats(s, polls[0])
			}
			polls = polls[1:]
		}
		for ; i < len(events) && events[i].at == now; i++ {
			if events[i].apply != nil {
				events[i].apply(s)
			}
		}
		next := v.timeUp
		if i < len(events) {
			next = min(next, events[i].at)
		}
		held := s.stats.Queued + s.stats.InFlight
		if held > int64(v.plan.maxItems) || s.bytes > uint64(v.plan.maxBytes) {
			v.faultLocked("promise 4: %d snapshots, %d bytes held", held, s.bytes)
		}
		largest := uint64(0)
		for o := range s.waiting {
			largest = max(largest, o.size)
		}
		if len(s.waiting) > 0 && held < int64(v.plan.maxItems) && s.bytes+largest <= uint64(v.plan.maxBytes) {
			v.faultLocked("promise 4: %d wait at %s for room that is there", len(s.waiting), now)
		}
		if why := v.sendable(s, now); why != "" && next > now {
			v.faultLocked("promise 6: %s, and nothing is sent from %s to %s", why, now, next)
		}
	}
}

// due is when o must be sent at the latest, if it can be.
func (v *verdict) due(o *offer) time.Duration {
	t := o.returned.at + v.plan.batchTimeout
	for _, f := range v.flushes {
		if f.begun.seq > o.returned.seq && f.begun.seq < v.shutdownBegun.seq {
			t = min(t, f.begun.at)
		}
	}
	if start := v.bySpan[o.key][PhaseStart]; o.phase == PhaseEnd && start != nil && start.coalesced != nil {
		t = min(t, v.due(start)) // in its place
	}
	return min(t, v.shut)
}

// sendable says why an export should have begun by now, if one should.
func (v *verdict) sendable(s *state, now time.Duration) string {
	if s.calls == v.plan.concurrency {
		return ""
	}
	items, bytes := 0, uint64(0)
	for o := range s.queued {
		if s.busy[o.key.trace] > 0 || s.resting[o.key.trace] {
			continue
		}
		if v.due(o) <= now {
			return fmt.Sprintf("a %s is due", o.phase)
		}
		items++
		bytes += o.size
	}
	if items > 0 && len(s.waiting) > 0 {
		return "somebody waits for room"
	}
	if items >= v.plan.maxBatch || bytes >= uint64(v.plan.maxBatchBytes) {
		return "a batch is full"
	}
	return ""
}

func (v *verdict) sameStats(s *state, p pollCall) {
	a, b := s.stats, p.stats
	if a.Offered != b.Offered || a.Exported != b.Exported || a.Coalesced != b.Coalesced ||
		a.Dropped != b.Dropped || a.Queued != b.Queued || a.InFlight != b.InFlight {
		v.faultLocked("promise 2: Stats at %s is %+v, expected %+v", p.at, b, a)
	}
}
