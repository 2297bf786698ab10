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

// locateParent finds the parent's member in json, which the encoder made of a span with
// a parent. Only ids come before it, in which quotation marks are escaped.
func (i *Item) locateParent(json []byte) {
	from := bytes.Index(json, []byte(parentMember))
	if from < 0 {
		return
	}
	to := from + len(parentMember)
	for json[to] != '"' {
		if json[to] == '\\' {
			to++
		}
		to++
	}
	i.ParentFrom, i.ParentTo = from, to+1
}
