package live

import (
	"container/list"
	"slices"
	"sync"
)

// store keeps spans by trace, within bounds, in the order of their last change.
//
// Each change has a number, seq, that only grows. A reader that remembers the
// last seq it saw can ask for what changed since: so a slow browser costs
// nothing but its own delay, and nothing is queued for it.
type store struct {
	maxSpans, maxTraces int
	maxBytes            int64

	mu     sync.Mutex
	seq    uint64
	traces map[string]*trace
	recent *list.List // of *trace, the last changed at the back
	spans  int
	bytes  int64

	gone      []removal // the last removals, oldest first, at most maxRemovals
	forgotten uint64    // seq of the last removal that gone does not hold any more
}

// removal says that a trace was forgotten to make room.
type removal struct {
	seq uint64
	id  string
}

const maxRemovals = 1024

func newStore(cfg config) *store {
	return &store{
		maxSpans: cfg.maxSpans, maxTraces: cfg.maxTraces, maxBytes: cfg.maxBytes,
		traces: map[string]*trace{}, recent: list.New(),
	}
}

// upsert stores spans in order. As in SGP, a span that has ended is not replaced
// by one that has not, and otherwise the later write wins.
func (st *store) upsert(spans []*span) {
	st.mu.Lock()
	defer st.mu.Unlock()
	for _, s := range spans {
		st.put(s)
	}
}

func (st *store) put(s *span) {
	t := st.traces[s.item.TraceID]
	var old *span
	if t != nil {
		if e := t.spans[s.item.ID]; e != nil {
			old = e.Value.(*span)
		}
	}
	if old != nil && old.ended && !s.ended {
		return
	}
	if s.size() > st.maxBytes {
		s = s.withoutPayloads() // or it would push out everything and still not fit
	}
	st.makeRoom(s, old, t)
	if !st.fits(s, old, t) {
		s = s.withoutPayloads()
	}
	st.seq++
	s.seq = st.seq
	if !st.fits(s, old, t) && old == nil {
		if t != nil {
			t.refused++
			st.touch(t)
		}
		return
	}
	if t == nil {
		t = newTrace(s.item.TraceID, st.seq)
		st.traces[t.id] = t
		t.place = st.recent.PushBack(t)
	}
	if old == nil {
		st.spans++
	}
	st.bytes -= t.bytes
	t.put(s, old)
	st.bytes += t.bytes
	st.touch(t)
}

func (st *store) touch(t *trace) {
	t.seq = st.seq
	st.recent.MoveToBack(t.place)
}

// fits reports whether s can be stored in the place of old (nil for a new span)
// in t (nil for a new trace).
func (st *store) fits(s, old *span, t *trace) bool {
	spans, traces, bytes := st.spans+1, len(st.traces), st.bytes+s.size()
	if old != nil {
		spans--
		bytes -= old.size()
	}
	if t == nil {
		traces++
	}
	return spans <= st.maxSpans && traces <= st.maxTraces && bytes <= st.maxBytes
}

// makeRoom forgets the traces that have not changed for longest, but for t
// itself, until s fits or nothing is left to forget.
func (st *store) makeRoom(s, old *span, t *trace) {
	for e := st.recent.Front(); e != nil && !st.fits(s, old, t); {
		next := e.Next()
		if victim := e.Value.(*trace); victim != t {
			st.remove(victim)
		}
		e = next
	}
}

func (st *store) remove(t *trace) {
	delete(st.traces, t.id)
	st.recent.Remove(t.place)
	st.spans -= len(t.spans)
	st.bytes -= t.bytes
	st.seq++
	if len(st.gone) == maxRemovals {
		st.forgotten = st.gone[0].seq
		st.gone = slices.Delete(st.gone, 0, 1)
	}
	st.gone = append(st.gone, removal{st.seq, t.id})
}

// delta is what changed since a reader last looked.
type delta struct {
	seq     uint64 // to look from next time
	reset   bool   // the reader was away for too long: traces are all there are
	traces  []summary
	removed []string // to be taken away before traces and spans are added: a trace can come back
	spans   []*span  // of the trace that was asked for, in the order of their changes
}

// since returns the traces, and the spans of trace id, that changed after seq.
// Zero is before everything.
func (st *store) since(seq uint64, id string) delta {
	st.mu.Lock()
	defer st.mu.Unlock()
	d := delta{seq: st.seq}
	if seq == 0 || seq < st.forgotten {
		d.reset, seq = true, 0
	}
	if seq == st.seq && !d.reset {
		return d
	}
	for e := st.recent.Back(); e != nil && e.Value.(*trace).seq > seq; e = e.Prev() {
		d.traces = append(d.traces, e.Value.(*trace).summary())
	}
	slices.Reverse(d.traces)
	if !d.reset {
		for i := len(st.gone) - 1; i >= 0 && st.gone[i].seq > seq; i-- {
			d.removed = append(d.removed, st.gone[i].id)
		}
	}
	if t := st.traces[id]; t != nil {
		for e := t.changes.Back(); e != nil && e.Value.(*span).seq > seq; e = e.Prev() {
			d.spans = append(d.spans, e.Value.(*span))
		}
		slices.Reverse(d.spans)
	}
	return d
}

// span returns one span, or nil.
func (st *store) span(traceID, id string) *span {
	st.mu.Lock()
	defer st.mu.Unlock()
	if t := st.traces[traceID]; t != nil {
		if e := t.spans[id]; e != nil {
			return e.Value.(*span)
		}
	}
	return nil
}

// all returns every span there is, in no particular order.
func (st *store) all() []*span {
	st.mu.Lock()
	defer st.mu.Unlock()
	spans := make([]*span, 0, st.spans)
	for _, t := range st.traces {
		for e := t.changes.Front(); e != nil; e = e.Next() {
			spans = append(spans, e.Value.(*span))
		}
	}
	return spans
}
