package spool

import (
	"fmt"
	"slices"
	"time"

	"pgregory.net/rapid"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// model is what a test knows of a Log, from what it did and was answered alone.
type model struct {
	next   int
	traces map[string]*traceModel
	spans  map[span]*spanModel
}

// traceModel are the items of a trace that are to be delivered, by number.
type traceModel struct {
	appended  []int        // confirmed by Append
	durable   []int        // of these, confirmed by Sync
	delivered map[int]bool // given to Delivered
	settled   map[int]bool // of these, those of which it said that it is on disk
}

// spanModel is what the last write of a span says, now and before. Of what is not sure yet the disk may have any.
type spanModel struct {
	writes  []int // the numbers of all
	states  []spanState
	sure    int // index of the oldest state that a killed process may have left
	durable int // likewise, after a loss of power
}

// spanState is a span after a write: n is the write's number.
type spanState struct {
	n    int
	runs bool
}

func newModel() *model { return &model{traces: map[string]*traceModel{}, spans: map[span]*spanModel{}} }

func (m *model) trace(id string) *traceModel {
	t := m.traces[id]
	if t == nil {
		t = &traceModel{delivered: map[int]bool{}, settled: map[int]bool{}}
		m.traces[id] = t
	}
	return t
}

func (m *model) span(key span) *spanModel {
	s := m.spans[key]
	if s == nil {
		s = &spanModel{states: []spanState{{}}}
		m.spans[key] = s
	}
	return s
}

func (s *spanModel) now() spanState { return s.states[len(s.states)-1] }

// becomes notes a state, which is on disk for sure or perhaps.
func (s *spanModel) becomes(state spanState, sure bool) {
	s.states = append(s.states, state)
	if sure {
		s.sure = len(s.states) - 1
	}
}

// possible returns the states that a process may find.
func (s *spanModel) possible(powerLost bool) []spanState {
	if powerLost {
		return s.states[s.durable:]
	}
	return s.states[s.sure:]
}

// found notes the state that a process has found.
func (s *spanModel) found(state spanState) { s.states, s.sure, s.durable = []spanState{state}, 0, 0 }

// items draws a few writes: of spans that begin, change, end, or are seen ended for the first time.
func (m *model) items(t *rapid.T, onlyRunning bool) []Item {
	var items []Item
	for range rapid.IntRange(1, 4).Draw(t, "items") {
		m.next++
		ends := !onlyRunning && rapid.Bool().Draw(t, "ends")
		key := span{trace: fmt.Sprintf("trace%d", rapid.IntRange(0, 2).Draw(t, "trace")), id: fmt.Sprintf("span%d", m.next)}
		running := m.running(func(k span) bool {
			return k.trace == key.trace && !slices.ContainsFunc(items, func(it Item) bool { return it.ID == k.id })
		})
		if len(running) > 0 && rapid.Bool().Draw(t, "known") {
			key = rapid.SampledFrom(running).Draw(t, "span")
		}
		items = append(items, Item{
			Item: transport.Item{TraceID: key.trace, ID: key.id}, Ends: ends, Phase: 1, At: time.Unix(1000, 0),
			JSON: fmt.Appendf(nil, "%d:%0*d", m.next, rapid.IntRange(1, 900).Draw(t, "size"), 0),
		})
	}
	return items
}

// running returns the spans that run, and are such.
func (m *model) running(such func(span) bool) []span {
	var keys []span
	for key, s := range m.spans {
		if s.now().runs && such(key) {
			keys = append(keys, key)
		}
	}
	slices.SortFunc(keys, func(a, b span) int { return m.spans[a].now().n - m.spans[b].now().n })
	return keys
}

// waiting is the number of items to be delivered.
func (m *model) waiting() (n int64) {
	for _, t := range m.traces {
		for _, i := range t.appended {
			if !t.delivered[i] {
				n++
			}
		}
	}
	return n
}

func number(it Item) (n int) {
	_, _ = fmt.Sscanf(string(it.JSON), "%d:", &n)
	return n
}

// wrote notes a write of items, which the Log confirmed, or may have begun before the crash.
func (m *model) wrote(items []Item, confirmed bool) {
	for _, it := range items {
		s := m.span(span{it.TraceID, it.ID})
		s.writes = append(s.writes, number(it))
		s.becomes(spanState{number(it), !it.Ends}, confirmed)
	}
}

// ended notes that a span is said to have ended: nothing of it waits any more, on disk too if that is confirmed.
func (m *model) ended(key span, confirmed bool) {
	s, t := m.span(key), m.trace(key.trace)
	s.becomes(spanState{s.now().n, false}, confirmed)
	for _, n := range s.writes {
		if slices.Contains(t.appended, n) && !t.delivered[n] {
			t.delivered[n], t.settled[n] = true, confirmed
		}
	}
}

// synced notes that all that was confirmed is durable.
func (m *model) synced() {
	for _, t := range m.traces {
		t.durable = slices.Clone(t.appended)
	}
	for _, s := range m.spans {
		s.durable = s.sure
	}
}

// attempted reports whether a write of a trace may be on disk though it was not confirmed.
func (m *model) attempted(trace string, n int) bool {
	for key, s := range m.spans {
		if key.trace == trace && slices.ContainsFunc(s.states[s.sure:], func(state spanState) bool { return state.n == n }) {
			return true
		}
	}
	return false
}
