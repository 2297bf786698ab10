package recording

import (
	"slices"
	"time"
)

// step is one thing that the recorded program did.
type step struct {
	at    time.Time
	after time.Duration // at, however much slower it is played again
	play  func(p *player)
}

// when is the time of the step in a replay.
func (s step) when(p *player) time.Time { return p.moved(s.at).Add(s.after) }

// steps returns all that the program did, in the order of the times of a replay. What a span got right after its
// start it gets as soon in a stretched replay. Where two times
// are equal a parent starts before its children and ends after them, and what happens in a
// span happens between its start and its end.
func (r *Recording) steps(p *player) []step {
	depth := r.depths()
	outer := slices.Clone(r.spans)
	slices.SortStableFunc(outer, func(a, b *span) int { return depth[a] - depth[b] })

	var steps []step
	add := func(at time.Time, play func(p *player)) { steps = append(steps, step{at: at, play: play}) }
	for _, s := range outer {
		add(s.start, func(p *player) { p.startSpan(s) })
	}
	for _, s := range outer {
		for _, state := range s.states {
			at, after := s.start.Add(state.after), time.Duration(0)
			if state.after <= rightAfterStart {
				at, after = s.start, state.after
			}
			steps = append(steps, step{at, after, func(p *player) { p.setState(s, state.name, state.attributes) }})
		}
	}
	for _, s := range outer {
		for _, e := range s.events {
			add(s.within(e.time), func(p *player) { p.addEvent(s, e) })
		}
	}
	for _, record := range r.records {
		add(record.at(), func(p *player) { p.emit(record) })
	}
	for _, s := range slices.Backward(outer) {
		if !s.end.IsZero() {
			add(s.end, func(p *player) { p.endSpan(s) })
		}
	}
	slices.SortStableFunc(steps, func(a, b step) int { return a.when(p).Compare(b.when(p)) })
	return steps
}

// within is when an event with time t was added, which can be said to have happened
// before the span or after it.
func (s *span) within(t time.Time) time.Time {
	switch {
	case t.Before(s.start):
		return s.start
	case !s.end.IsZero() && t.After(s.end):
		return s.end
	}
	return t
}

// depths returns the number of recorded ancestors of each span. A span that is among
// its own ancestors has as many as there are spans.
func (r *Recording) depths() map[*span]int {
	byKey := make(map[spanKey]*span, len(r.spans))
	for _, s := range r.spans {
		byKey[keyOf(s.context)] = s
	}
	depths := make(map[*span]int, len(r.spans))
	for _, s := range r.spans {
		for a := s; a != nil && depths[s] < len(r.spans); depths[s]++ {
			a = byKey[keyOf(a.parent)]
		}
	}
	return depths
}
