package sgptest

import (
	"net/http"
	"slices"
)

// identity is what the store knows a span by. The older store has no trace in
// it: ids are global there.
type identity struct{ trace, id string }

// collapse gives the items that count, by identity: of repeated ids the last
// occurrence (SGP API: "inside one request, repeated ids collapse to the last").
func (st *store) collapse(items []Span) map[identity]int {
	last := make(map[identity]int, len(items))
	for i := range items {
		last[st.identity(items[i].TraceID, items[i].ID)] = i
	}
	return last
}

// checkIdentity refuses a span whose start_timestamp is not the one of its other
// writes, in the request or in the store.
func (st *store) checkIdentity(items []Span) *Rejection {
	first := make(map[identity]int, len(items))
	for i := range items {
		// By trace and id in the older store too: another trace's span is
		// another span, which replaces this one there.
		key := identity{items[i].TraceID, items[i].ID}
		before := items[i].StartTimestamp
		if j, ok := first[key]; ok {
			before = items[j].StartTimestamp
		} else {
			first[key] = i
			if e := st.get(key.trace, key.id); e != nil && e.span.TraceID == key.trace {
				before = e.span.StartTimestamp
			}
		}
		if !items[i].StartTimestamp.Equal(before) {
			r := rejectItem(http.StatusUnprocessableEntity, i, "start_timestamp",
				"is not that of the span's earlier write")
			r.kind = StartTimestampChanged
			return r
		}
	}
	return nil
}

// checkParents refuses cycles in the request, and parents that belong to
// another trace, in the request or in the store. A parent that is not known is
// no fault.
func (st *store) checkParents(items []Span, last map[identity]int) *Rejection {
	if i := st.cycle(items, last); i >= 0 {
		return rejectItem(http.StatusConflict, i, "parent_id", "is part of a cycle")
	}
	traces := make(map[string][]string, len(items)) // of the request's spans, by span id
	for key, i := range last {
		traces[key.id] = append(traces[key.id], items[i].TraceID)
	}
	for i := range items {
		item := &items[i]
		if item.ParentID == "" || last[st.identity(item.TraceID, item.ID)] != i {
			continue
		}
		homes := traces[item.ParentID]
		if len(homes) == 0 || !st.global {
			homes = append(homes[:len(homes):len(homes)], st.tracesOf(item.ParentID)...)
		}
		if len(homes) > 0 && !slices.Contains(homes, item.TraceID) {
			return rejectItem(http.StatusConflict, i, "parent_id", "belongs to another trace")
		}
	}
	return nil
}

// cycle returns an item that is its own ancestor within the request, or -1.
func (st *store) cycle(items []Span, last map[identity]int) int {
	// done[i] is the walk that came by item i; coming by twice in one walk is a
	// cycle, meeting an earlier walk is not.
	done := make([]int, len(items))
	for start := range items {
		i := start
		for {
			if done[i] == start+1 {
				return i
			}
			if done[i] != 0 {
				break
			}
			done[i] = start + 1
			parent := items[i].ParentID
			if parent == "" {
				break
			}
			next, ok := last[st.identity(items[i].TraceID, parent)]
			if !ok {
				break
			}
			i = next
		}
	}
	return -1
}
