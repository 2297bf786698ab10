package asyncprocessor

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// admission is promises 4 and 5 at the queue's door, for offers made one at a
// time: each is judged by what was held then, give or take what was released at
// the very moment.
func (v *verdict) admission() {
	p := v.plan
	maxBytes := uint64(p.maxBytes)
	for i, o := range v.offers {
		if o.door == ReasonAlreadyShutdown || o.door == ReasonTooLarge {
			continue
		}
		var least, most, leastBytes, mostBytes uint64
		for _, held := range v.offers[:i] {
			if !held.accepted() {
				continue
			}
			released := v.timeUp
			switch {
			case held.coalesced != nil:
				released = held.coalesced.begun.at
			case held.call != nil && v.counted(held.call):
				released = held.call.returned.at
			}
			if released >= o.begun.at {
				most, mostBytes = most+1, mostBytes+held.size
			}
			if released > o.begun.at {
				least, leastBytes = least+1, leastBytes+held.size
			}
		}
		fitsAtLeast := most < uint64(p.maxItems) && mostBytes+o.size <= maxBytes
		fitsAtMost := least < uint64(p.maxItems) && leastBytes+o.size <= maxBytes
		threeQuartersSure := 4*least >= 3*uint64(p.maxItems) || 4*leastBytes >= 3*maxBytes
		threeQuartersMaybe := 4*most >= 3*uint64(p.maxItems) || 4*mostBytes >= 3*maxBytes
		start := o.phase == PhaseStart
		switch {
		case o.accepted() && !fitsAtMost,
			o.accepted() && start && threeQuartersSure,
			o.door == ReasonQueueFull && fitsAtLeast,
			o.door == ReasonStartRefused && (!start || !threeQuartersMaybe):
			v.faultLocked("promise 5: %s of %d bytes is %q with %d to %d snapshots, %d to %d bytes held",
				o.phase, o.size, o.door, least, most, leastBytes, mostBytes)
		}
	}
}

// state is what the processor holds at a moment between two events of virtual
// time.
type state struct {
	stats   Stats // without the map
	queued  map[*offer]bool
	waiting map[*offer]bool
	bytes   uint64 // queued and in flight
	calls   int    // that are under way
	busy    map[int]int
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
		if o.coalesced != nil {
			at(o.coalesced.begun.at, func(s *state) {
				s.stats.Queued--
				s.stats.Coalesced++
				delete(s.queued, o)
				s.bytes -= o.size
			})
		}
	}
	for _, c := range v.calls {
		n := int64(len(c.carries))
		at(c.begun.at, func(s *state) {
			s.calls++
			for _, o := range c.carries {
				delete(s.queued, o)
				s.busy[o.shard]++
			}
			s.stats.Queued -= n
			s.stats.InFlight += n
		})
		if !v.counted(c) {
			continue
		}
		at(c.returned.at, func(s *state) {
			s.stats.InFlight -= n
			s.stats.Exported += uint64(len(c.carries) - len(c.lost))
			s.stats.Dropped += uint64(len(c.lost))
			s.bytes -= c.bytes
			s.calls--
			for _, o := range c.carries {
				s.busy[o.shard]--
			}
		})
	}
	slices.SortStableFunc(events, func(a, b event) int { return cmp.Compare(a.at, b.at) })
	polls := slices.Clone(v.polls)
	slices.SortFunc(polls, func(a, b pollCall) int { return cmp.Compare(a.at, b.at) })

	s := &state{queued: map[*offer]bool{}, waiting: map[*offer]bool{}, busy: map[int]int{}}
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
	return min(t, v.shut)
}

// sendable says why an export should have begun by now, if one should.
func (v *verdict) sendable(s *state, now time.Duration) string {
	if s.calls == v.plan.concurrency {
		return ""
	}
	items, bytes := 0, uint64(0)
	type spanPhase struct {
		span  spanKey
		phase Phase
	}
	ready := map[spanPhase]*offer{} // but for STARTs that may be left out
	for o := range s.queued {
		if s.busy[o.shard] > 0 {
			continue
		}
		if v.due(o) <= now {
			return fmt.Sprintf("a %s is due", o.phase)
		}
		items++
		k := spanPhase{o.key, o.phase}
		if v.plan.policy == StartCoalesced {
			k.phase = PhaseEnd
		}
		if ready[k] == nil || o.phase == PhaseEnd {
			ready[k] = o
		}
	}
	if items > 0 && len(s.waiting) > 0 {
		return "somebody waits for room"
	}
	if v.plan.policy == StartCoalesced && v.plan.maxBatch <= v.plan.maxItems/16 {
		items = len(ready)
	}
	for _, o := range ready {
		bytes += o.size
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
