package sgpspan

import (
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// Limits and defaults of an [Encoder].
const (
	// DefaultMaxStringBytes is the default of Encoder.MaxStringBytes: 1 MiB.
	DefaultMaxStringBytes = 1 << 20
	// DefaultMaxDepth is the default of Encoder.MaxDepth.
	DefaultMaxDepth = 16
	// MaxIDBytes is the longest id, in bytes, that the SGP span API takes.
	MaxIDBytes = 256

	minKeyBytes  = 256 // that no limit takes from a key
	maxNotes     = 16  // of the encoder, in one span
	maxNote      = 1024
	maxNotePath  = 128
	spareLevels  = 8 // what the span's own objects nest above a payload, and more
	idHashDigits = 32

	keyHashDigits = 16
)

// The range of RFC 3339's four digits of year, without the year 0, which not
// every reader knows.
var (
	minTime = time.Date(1, 1, 1, 0, 0, 0, 0, time.UTC)
	maxTime = time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC)
)

// Encoder encodes spans within limits. The zero value has the default limits.
// It is safe for concurrent use.
//
// What the SGP span API would refuse, or JSON cannot hold, is repaired, and each
// repair is noted in the span's metadata under [NotesKey]:
//
//   - An End before the Start becomes the Start.
//   - A time outside the years 1 to 9999 becomes the nearest within.
//   - Bytes that are not UTF-8, NUL, and half a surrogate pair in JSON text become
//     U+FFFD.
//   - TraceID, ID, ParentID and GroupID over 256 bytes, or with such bytes, keep
//     a prefix and get a hash of the whole, so that two of them never become one.
//   - NaN and infinities become the strings "NaN", "Infinity" and "-Infinity". A
//     number in JSON text beyond the range of float64 becomes a string.
//   - A string over MaxStringBytes is cut; the note has its length.
//   - A key with such bytes, or that is too long, gets a hash of what it was too.
//   - What nests deeper than MaxDepth becomes a string: the JSON text that
//     it was, or a remark where it was none.
//   - A Type, a Status or one of the observability ids that is not valid is
//     left out.
//   - An empty Name becomes "unnamed".
type Encoder struct {
	// MaxStringBytes bounds one string, in bytes; 0 means
	// DefaultMaxStringBytes. A string over it is cut between two runes. It bounds
	// object keys too, where it is more than 256.
	MaxStringBytes int
	// MaxDepth bounds how deep an attribute's value and a payload in JSON text
	// nest; 0 means DefaultMaxDepth, and MaxJSONDepth is the most. A scalar has
	// depth 0, a flat array or object 1.
	MaxDepth int
}

// encoding is the state of encoding one span.
//
// Few spans need a repair, so the first pass keeps no account of where it is: when
// it has repaired something, a second one encodes the span anew and notes it.
type encoding struct {
	maxString int
	maxDepth  int
	repaired  bool
	noting    bool     // the second pass
	path      []string // only while noting
	notes     []string
	lost      int // notes over maxNotes
}

// AppendJSON appends s to dst as one JSON object and returns the extended slice.
// The result is always valid JSON, whatever s holds. It does not change s.
func (c Encoder) AppendJSON(dst []byte, s *Span) []byte {
	e := c.begin()
	out := e.span(dst, s)
	if e.repaired {
		e.noting = true
		out = e.span(out[:len(dst)], s)
	}
	return out
}

func (c Encoder) begin() encoding {
	e := encoding{maxString: c.MaxStringBytes, maxDepth: c.MaxDepth}
	if e.maxString <= 0 {
		e.maxString = DefaultMaxStringBytes
	}
	if e.maxDepth <= 0 {
		e.maxDepth = DefaultMaxDepth
	}
	e.maxDepth = min(e.maxDepth, MaxJSONDepth)
	return e
}

// enter says that what follows is the value of a member, until leave.
func (e *encoding) enter(key string) {
	if e.noting {
		e.path = append(e.path, key)
	}
}

func (e *encoding) leave() {
	if e.noting {
		e.path = e.path[:len(e.path)-1]
	}
}

func (e *encoding) span(dst []byte, s *Span) []byte {
	dst = e.id(dst, `{"trace_id":`, "trace_id", s.TraceID)
	if s.ID != "" {
		dst = e.id(dst, `,"id":`, "id", s.ID)
	}
	if s.ParentID != "" {
		dst = e.id(dst, `,"parent_id":`, "parent_id", s.ParentID)
	}
	if s.GroupID != "" {
		dst = e.id(dst, `,"group_id":`, "group_id", s.GroupID)
	}
	dst = append(dst, `,"name":`...)
	name := s.Name
	if name == "" {
		name = "unnamed"
		e.noteAt("name", "was empty")
	}
	e.enter("name")
	dst = e.str(dst, name)
	e.leave()
	dst = e.times(dst, s)
	if s.Type.Valid() {
		dst = append(append(append(dst, `,"type":"`...), s.Type...), '"')
	} else if s.Type != "" {
		e.noteAt("type", "left out: not a type of SGP")
	}
	if s.Status.Valid() {
		dst = append(append(append(dst, `,"status":"`...), s.Status...), '"')
	} else if s.Status != "" {
		e.noteAt("status", "left out: not a status of SGP")
	}
	if isHexID(s.ObsTraceID, 32) {
		dst = append(append(append(dst, `,"obs_trace_id":"`...), s.ObsTraceID...), '"')
		// The API wants no span id without the trace id.
		if isHexID(s.ObsSpanID, 16) {
			dst = append(append(append(dst, `,"obs_span_id":"`...), s.ObsSpanID...), '"')
		}
	}
	if s.Input != nil {
		dst = e.payload(dst, `,"input":`, "input", s.Input)
	}
	if s.Output != nil {
		dst = e.payload(dst, `,"output":`, "output", s.Output)
	}
	if s.Expected != nil {
		dst = e.payload(dst, `,"expected":`, "expected", s.Expected)
	}
	if s.ApplicationVariantID != "" {
		dst = e.id(dst, `,"application_variant_id":`, "application_variant_id", s.ApplicationVariantID)
	}
	if s.ApplicationInteractionID != "" {
		dst = e.id(dst, `,"application_interaction_id":`, "application_interaction_id", s.ApplicationInteractionID)
	}
	dst = e.metadata(dst, s)
	return append(dst, '}')
}

// metadata comes last, so that its notes hold what the encoding of all else had
// to repair.
func (e *encoding) metadata(dst []byte, s *Span) []byte {
	if s.Metadata == nil && s.Common.text == "" && len(s.Notes)+len(e.notes) == 0 {
		return dst
	}
	dst = append(append(dst, `,"metadata":{`...), s.Common.text...)
	n := 0 // members before
	if s.Common.text != "" {
		n = 1
	}
	e.enter("metadata")
	dst = e.members(dst, s.Metadata, n, 0)
	e.leave()
	if len(s.Notes)+len(e.notes) > 0 {
		dst = e.allNotes(comma(dst, n+len(s.Metadata)), s.Notes)
	}
	return append(dst, '}')
}

// allNotes encodes the notes of a span, and then those of its encoding, as a member.
func (e *encoding) allNotes(dst []byte, notes []string) []byte {
	dst = append(dst, `"`+NotesKey+`":[`...)
	n := 0
	for _, list := range [][]string{notes, e.notes} {
		for _, note := range list {
			dst, _ = appendString(comma(dst, n), cutString(note, maxNote))
			n++
		}
	}
	if e.lost > 0 {
		dst = append(dst, `,"and `...)
		dst = strconv.AppendInt(dst, int64(e.lost), 10)
		dst = append(dst, ` more repairs"`...)
	}
	return append(dst, ']')
}

// isHexID reports whether s is an id of so many lowercase hexadecimal digits, a
// multiple of eight.
func isHexID(s string, length int) bool {
	if len(s) != length {
		return false
	}
	for i := 0; i+8 <= len(s); i += 8 {
		w := load64(s, i)
		if w&highBits != 0 || hexDigits(w) != highBits {
			return false
		}
	}
	return true
}

// hexDigits marks the bytes of w that are lowercase hexadecimal digits. All must
// be ASCII, so that no byte borrows from the next.
func hexDigits(w uint64) uint64 {
	up := w | highBits
	digit := (up - lowBits*'0') & ((lowBits*'9' | highBits) - w)
	letter := (up - lowBits*'a') & ((lowBits*'f' | highBits) - w)
	return (digit | letter) & highBits
}

// payload encodes o after the text before it.
func (e *encoding) payload(dst []byte, before, field string, o Object) []byte {
	dst = append(dst, before...)
	e.enter(field)
	dst = e.object(dst, o, 0)
	e.leave()
	return dst
}

// note records what was done to the value at the current path.
func (e *encoding) note(what string) {
	e.noteAt(strings.Join(e.path, "."), what)
}

func (e *encoding) noteAt(path, what string) {
	e.repaired = true
	if !e.noting {
		return
	}
	if len(e.notes) == maxNotes {
		e.lost++
		return
	}
	path = strings.ToValidUTF8(cutString(path, maxNotePath), string(utf8.RuneError))
	e.notes = append(e.notes, path+": "+what)
}

// AppendValue appends v to dst in JSON, as the value of the member of the
// metadata that path names, and returns the notes of its repairs.
func (c Encoder) AppendValue(dst []byte, path string, v *Value) (out []byte, notes []string) {
	e := c.begin()
	e.noting = true
	e.path = append(e.path, "metadata", path)
	dst = e.value(dst, v, 0)
	return dst, e.notes
}

// Members are members of an object that many spans share, encoded once. The zero value
// is none.
type Members struct{ text string }

// EncodeMembers returns members of the metadata, for [Span.Common], in which what
// AppendJSON would repair is repaired, and the notes of that.
func (c Encoder) EncodeMembers(o Object) (members Members, notes []string) {
	e := c.begin()
	e.noting = true
	e.path = append(e.path, "metadata")
	return Members{string(e.members(nil, o, 0, 0))}, e.notes
}

// EncodeValue returns v as JSON text, in which what AppendValue would repair is
// repaired, and the notes of that. It is for objects that many spans share: what
// they nest around attributes counts as little as in a span itself.
func (c Encoder) EncodeValue(path string, v *Value) (encoded Value, notes []string) {
	text, notes := c.AppendValue(nil, path, v)
	encoded, ok := JSONValue(string(text))
	if !ok {
		return *v, notes // nests as deep as JSON text may, and the object around it
	}
	encoded.raw.ours = true
	return encoded, notes
}
