package transport

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
)

// Item names an encoded span. Together with its JSON it is all that sending needs:
// splitting, isolating and reporting rerun neither the mapping nor a hook.
type Item struct {
	// TraceID, ID and Name are the span's, as they were sent. Items of one TraceID
	// are delivered in their order.
	TraceID, ID, Name string
	// RemoteParent says that the parent is a span of another process, so that the
	// caller of this one chose its id.
	RemoteParent bool
	// ParentFrom and ParentTo enclose the member `,"parent_id":"…"` in the item's JSON.
	// Both are 0 when there is none.
	ParentFrom, ParentTo int
}

func (i *Item) hasParent() bool { return i.ParentTo > i.ParentFrom }

// parent returns the id of the parent, as it stands in the item's JSON.
func (i *Item) parent(item []byte) string {
	_, value, _ := bytes.Cut(item[i.ParentFrom:i.ParentTo], []byte(`:"`))
	return string(bytes.TrimSuffix(value, []byte(`"`)))
}

// notesKey is where metadata says what was changed: see sgpspan.NotesKey.
const notesKey = "otel_sgp_notes"

// detached returns the item without its parent, which the server refused, and
// with a note that says so. item is a JSON object, or nothing comes back.
func detached(item []byte) []byte {
	return rewrite(item, func(span, _ map[string]json.RawMessage) string {
		var parent string
		if json.Unmarshal(span["parent_id"], &parent) != nil {
			return ""
		}
		delete(span, "parent_id")
		return "parent_id: left out, the server refused " + parent
	})
}

// maxKeptBytes bounds a member of metadata that reduced keeps.
const maxKeptBytes = 4 << 10

// reduced returns the item, which the server refused with status, without input,
// output and attributes, and with a note of what was left out: the span still ends, and
// what is billed stays.
func reduced(item []byte, status int) []byte {
	return rewrite(item, func(span, metadata map[string]json.RawMessage) string {
		var gone []string
		for _, name := range [...]string{"input", "output", "expected"} {
			value, found := span[name]
			if !found {
				continue
			}
			gone = append(gone, name)
			delete(span, name)
			var output struct {
				Usage json.RawMessage `json:"usage"`
			}
			if name == "output" && json.Unmarshal(value, &output) == nil && fits(output.Usage) {
				span[name], _ = json.Marshal(map[string]json.RawMessage{"usage": output.Usage})
			}
		}
		others := false
		for name, value := range metadata {
			if !kept(name) || !fits(value) {
				others = true
				delete(metadata, name)
			}
		}
		if others {
			gone = append(gone, "attributes")
		}
		if len(gone) == 0 {
			return ""
		}
		return fmt.Sprintf("%s: left out, the server refused the span with %d %s",
			strings.Join(gone, ", "), status, http.StatusText(status))
	})
}

// kept says whether a member of metadata tells who wrote the span, how it ended or what
// it costs, and not what it was about.
func kept(name string) bool {
	switch name {
	case "usage", "cost_usd", "error", "error_type", "kind", "parent_is_remote", notesKey:
		return true
	}
	return strings.HasPrefix(name, "__")
}

func fits(value json.RawMessage) bool { return len(value) > 0 && len(value) <= maxKeptBytes }

// rewrite returns item as change has changed it, with the note that change returns. It
// returns nil when that is "", or item is no object. It is for the few items that are
// refused, and not fast.
func rewrite(item []byte, change func(span, metadata map[string]json.RawMessage) (note string)) []byte {
	var span map[string]json.RawMessage
	if json.Unmarshal(item, &span) != nil || span == nil {
		return nil
	}
	var metadata map[string]json.RawMessage
	if json.Unmarshal(span["metadata"], &metadata) != nil || metadata == nil {
		metadata = map[string]json.RawMessage{}
	}
	note := change(span, metadata)
	if note == "" {
		return nil
	}
	var notes []any
	_ = json.Unmarshal(metadata[notesKey], &notes) // none, or not ours
	metadata[notesKey] = encode(append(notes, note))
	span["metadata"] = encode(metadata)
	return encode(span)
}

// encode is json.Marshal without escapes for HTML. What is given to it can be encoded.
func encode(v any) []byte {
	var buf bytes.Buffer
	e := json.NewEncoder(&buf)
	e.SetEscapeHTML(false)
	_ = e.Encode(v)
	return bytes.TrimSuffix(buf.Bytes(), []byte("\n"))
}
