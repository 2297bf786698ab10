package sgptest

import (
	"bytes"
	"container/list"
	"slices"
	"time"
)

// store holds the spans. It has no lock of its own: the Server's is around it.
type store struct {
	// global makes it the older store: ids are global over all traces, and the
	// last write wins.
	global   bool
	maxSpans int   // no bound if negative
	maxBytes int64 // no bound if negative

	// spans has the rows of each span, in first-stored order: one, unless its start
	// moved to another UTC day.
	spans map[identity][]*entry
	// byID finds spans whose trace is not known.
	byID map[string][]*entry
	// byFirst has the spans in first-stored order, byChange in the order in
	// which each was last changed.
	byFirst, byChange *list.List
	traces            map[string]*trace
	// byWrite has the traces in the order in which each was last written: the
	// first is the first to be evicted.
	byWrite *list.List

	bytes   int64
	evicted uint64
	// writes and changes count over the server's life; a Reset does not restart
	// them.
	writes, changes uint64
}

// entry is a stored span.
type entry struct {
	span           Span
	end            *Write // the first that completed it
	trace          *trace
	change         uint64
	size           int64
	first, changed *list.Element
}

// trace is what the store knows of a trace.
type trace struct {
	id      string
	entries []*entry // in first-stored order
	element *list.Element
	// orphans has the first write of a child for each parent that was not
	// written before it.
	orphans map[string]Write
}

func (st *store) reset() {
	st.spans = map[identity][]*entry{}
	st.byID = map[string][]*entry{}
	st.byFirst, st.byChange, st.byWrite = list.New(), list.New(), list.New()
	st.traces = map[string]*trace{}
	st.bytes = 0
}

func (st *store) identity(traceID, id string) identity {
	if st.global {
		return identity{id: id}
	}
	return identity{trace: traceID, id: id}
}

// get returns the newest row of a span, or nil.
func (st *store) get(traceID, id string) *entry {
	rows := st.spans[st.identity(traceID, id)]
	if len(rows) == 0 {
		return nil
	}
	return rows[len(rows)-1]
}

// row returns the row that item is written to, or nil if there is none yet. The UTC day of
// the start is a part of the newer store's key.
func (st *store) row(item *Span) *entry {
	for _, e := range st.spans[st.identity(item.TraceID, item.ID)] {
		sameDay := e.span.StartTimestamp.Truncate(day).Equal(item.StartTimestamp.Truncate(day))
		if e.span.TraceID == item.TraceID && (st.global || sameDay) {
			return e
		}
	}
	return nil
}

const day = 24 * time.Hour // Truncate goes by UTC

// tracesOf returns the traces that have a span of that id.
func (st *store) tracesOf(id string) []string {
	var traces []string
	for _, e := range st.byID[id] {
		traces = append(traces, e.span.TraceID)
	}
	return traces
}

// put writes the items, which have been checked, and returns the stored spans
// that they ended up in, one for each identity in the order of the items, and
// what was wrong with the order. The writes are as common is, but for what they
// have of the item.
func (st *store) put(items []Span, last map[identity]int, common Write) ([]*entry, []Violation) {
	var (
		stored     []*entry
		violations []Violation
	)
	for i := range items {
		item := &items[i]
		st.writes++
		write := common
		write.Seq, write.Item = st.writes, i
		write.TraceID, write.ID, write.ParentID = item.TraceID, item.ID, item.ParentID
		write.Completed = item.Completed()
		counts := last[st.identity(item.TraceID, item.ID)] == i
		e := st.get(item.TraceID, item.ID)
		violations = append(violations, st.judgeOrder(e, write, item, counts)...)
		if e = st.row(item); e == nil {
			e = st.insert(item)
		}
		// A completed span wins over one in progress, but in the older store the
		// last write wins.
		write.Applied = counts && (st.global || item.Completed() || !e.span.Completed())
		if write.Applied {
			st.replace(e, item)
		}
		st.note(e, write)
		if counts {
			stored = append(stored, e)
		}
	}
	return stored, violations
}

// insert makes the entry of a span that was not known, in the place of what has
// its id in another trace (older store).
func (st *store) insert(item *Span) *entry {
	if old := st.get(item.TraceID, item.ID); old != nil && st.global {
		st.remove(old)
	}
	t := st.traces[item.TraceID]
	if t == nil {
		t = &trace{id: item.TraceID, orphans: map[string]Write{}}
		t.element = st.byWrite.PushBack(t)
		st.traces[item.TraceID] = t
	}
	// The identity only: whether this item or a later one of the request is
	// stored is decided elsewhere.
	e := &entry{span: Span{TraceID: item.TraceID, ID: item.ID, StartTimestamp: item.StartTimestamp}, trace: t}
	t.entries = append(t.entries, e)
	key := st.identity(item.TraceID, item.ID)
	st.spans[key] = append(st.spans[key], e)
	st.byID[item.ID] = append(st.byID[item.ID], e)
	e.first, e.changed = st.byFirst.PushBack(e), st.byChange.PushBack(e)
	return e
}

// replace makes item the state of e.
func (st *store) replace(e *entry, item *Span) {
	writes := e.span.Writes
	st.resize(e, int64(len(item.Raw)-len(e.span.Raw)))
	e.span = *item
	e.span.Raw = bytes.Clone(item.Raw) // or it would hold the whole request's body
	e.span.Writes = writes
	st.changes++
	e.change = st.changes
	st.byChange.MoveToBack(e.changed)
}

// writeSize is about what a Write takes in memory, without its strings.
const writeSize = 128

// note records the write of e.
func (st *store) note(e *entry, write Write) {
	e.span.Writes = append(e.span.Writes, write)
	if e.end == nil && write.Completed {
		e.end = &write
	}
	st.resize(e, writeSize)
	if st.noteOrphan(e.trace, write) {
		st.resize(e, writeSize)
	}
	st.byWrite.MoveToBack(e.trace.element)
}

func (st *store) resize(e *entry, by int64) {
	e.size += by
	st.bytes += by
}

// evict removes the traces that were not written for longest, whole, until the
// bounds hold; of the last trace, its oldest spans.
func (st *store) evict() {
	for (st.maxSpans >= 0 && st.byFirst.Len() > st.maxSpans) || (st.maxBytes >= 0 && st.bytes > st.maxBytes) {
		t := st.byWrite.Front().Value.(*trace)
		victims := slices.Clone(t.entries)
		if st.byWrite.Len() == 1 {
			victims = victims[:1]
		}
		for _, e := range victims {
			st.remove(e)
			st.evicted++
		}
	}
}

// remove forgets a span, and its trace with the last of its spans.
func (st *store) remove(e *entry) {
	forget(st.spans, st.identity(e.span.TraceID, e.span.ID), e)
	forget(st.byID, e.span.ID, e)
	st.byFirst.Remove(e.first)
	st.byChange.Remove(e.changed)
	st.bytes -= e.size
	t := e.trace
	t.entries = slices.DeleteFunc(t.entries, func(other *entry) bool { return other == e })
	if len(t.entries) == 0 {
		st.byWrite.Remove(t.element)
		delete(st.traces, t.id)
	}
}

// forget takes e out of the entries of key, and key out of the index with the last.
func forget[K comparable](index map[K][]*entry, key K, e *entry) {
	left := slices.DeleteFunc(index[key], func(other *entry) bool { return other == e })
	if len(left) == 0 {
		delete(index, key)
		return
	}
	index[key] = left
}

// changedSince returns the spans that were changed after the given change, in
// the order of their last change, and the change to ask for next.
func (st *store) changedSince(change uint64) ([]Span, uint64) {
	var spans []Span
	for el := st.byChange.Back(); el != nil; el = el.Prev() {
		e := el.Value.(*entry)
		if e.change <= change {
			break
		}
		spans = append(spans, e.snapshot())
	}
	slices.Reverse(spans)
	return spans, st.changes
}

// snapshot is the span as it is now. Later writes are appended behind what the
// snapshot sees of Writes.
func (e *entry) snapshot() Span {
	s := e.span
	s.Writes = s.Writes[:len(s.Writes):len(s.Writes)]
	return s
}
