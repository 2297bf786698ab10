package mapping

import "bytes"

// Item names a span that has been mapped. It stays valid when the memory of the
// mapping is used again.
type Item struct {
	// TraceID, ID and Name are what SGP is sent, after the hooks, before the encoder's
	// repairs. Name is empty when mapping the span failed.
	TraceID, ID, Name string
	// Phase is the input's.
	Phase Phase
	// HasRemoteParent says that the parent is a span of another process.
	HasRemoteParent bool
	// ParentFrom and ParentTo enclose the bytes `,"parent_id":"…"` in the item's
	// JSON: what is left without them is the item without its parent. Both are 0 when it
	// has none.
	ParentFrom, ParentTo int
}

// HasParent reports whether the item names a parent.
func (i *Item) HasParent() bool { return i.ParentTo > 0 }

const parentMember = `,"parent_id":"`

// locateParent finds the parent's member in json, which the encoder made: trace_id
// and id come before it, and hold no quotation mark that is not escaped.
func (i *Item) locateParent(json []byte, parent string) {
	from := len(`{"trace_id":"","id":""`) + len(i.TraceID) + len(i.ID)
	if to := from + len(parentMember) + len(parent) + 1; to <= len(json) && string(json[from:from+len(parentMember)]) == parentMember && json[to-1] == '"' && json[from-1] == '"' {
		if parent != "" && string(json[to-1-len(parent):to-1]) == parent { // as the mapping makes them
			i.ParentFrom, i.ParentTo = from, to
			return
		}
	}
	if parent == "" {
		return
	}
	at := 0
	for _, member := range [...]string{`{"trace_id":"`, `,"id":"`, parentMember} {
		if !bytes.HasPrefix(json[at:], []byte(member)) {
			if member == `,"id":"` {
				continue // a hook has taken the id away
			}
			return
		}
		from := at
		at += len(member)
		for json[at] != '"' {
			if json[at] == '\\' {
				at++
			}
			at++
		}
		at++
		if member == parentMember {
			i.ParentFrom, i.ParentTo = from, at
		}
	}
}
