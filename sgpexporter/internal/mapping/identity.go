package mapping

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"

	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// identity sets the ids of the span.
func (m *Mapper) identity(sc *scratch, in *Input) {
	traceID, spanID, parentID := in.TraceID, in.SpanID, in.ParentSpanID
	hasParent := parentID.IsValid()
	switch {
	case !hasParent:
	case in.ParentTraceID.IsValid() && in.ParentTraceID != traceID:
		// The API refuses a parent in another trace, and the whole request.
		hasParent = false
		sc.note("parent_id: left out, the parent is in another trace")
	case parentID == spanID:
		hasParent = false
		sc.note("parent_id: left out, it was the span's own id")
	}

	text := in.ids
	if text == "" {
		sc.made = m.appendIDs(sc.made[:0], in)
		text = string(sc.made) // an Item keeps it
		sc.made = sc.made[:0]
	}
	span := &sc.span
	span.ObsTraceID, span.ObsSpanID, text = text[:32], text[32:48], text[48:]
	span.TraceID, span.ID = span.ObsTraceID, span.ObsSpanID
	if m.cfg.IDs == UUIDs {
		span.TraceID, span.ID, text = text[:36], text[36:72], text[72:]
	}
	if hasParent {
		span.ParentID = text
	}
}

// appendIDs appends trace id and span id in hexadecimal, then as UUIDs where those are
// wanted, and the parent's id, if there is one, as it is wanted.
func (m *Mapper) appendIDs(dst []byte, in *Input) []byte {
	dst = appendHex(dst, in.TraceID[:])
	dst = appendHex(dst, in.SpanID[:])
	if m.cfg.IDs == UUIDs {
		dst = appendUUID(dst, in.TraceID)
		dst = appendUUID(dst, spanUUID(in.TraceID, in.SpanID))
	}
	switch {
	case !in.ParentSpanID.IsValid():
	case m.cfg.IDs == UUIDs:
		dst = appendUUID(dst, spanUUID(in.TraceID, in.ParentSpanID))
	default:
		dst = appendHex(dst, in.ParentSpanID[:])
	}
	return dst
}

// hexPairs are the two hexadecimal digits of each byte, the first one lowest.
var hexPairs = func() (pairs [256]uint16) {
	for i := range pairs {
		pairs[i] = binary.LittleEndian.Uint16(hex.AppendEncode(nil, []byte{byte(i)}))
	}
	return pairs
}()

// appendHex is hex.AppendEncode, in a fifth of the time. The length of id is a multiple
// of four.
func appendHex(dst []byte, id []byte) []byte {
	for ; len(id) >= 4; id = id[4:] {
		dst = binary.LittleEndian.AppendUint64(dst, uint64(hexPairs[id[0]])|uint64(hexPairs[id[1]])<<16|
			uint64(hexPairs[id[2]])<<32|uint64(hexPairs[id[3]])<<48)
	}
	return dst
}

// ids returns what SGP knows a span by.
func (m *Mapper) ids(traceID trace.TraceID, spanID trace.SpanID) (trace, id string) {
	if m.cfg.IDs == UUIDs {
		return string(appendUUID(nil, traceID)), string(appendUUID(nil, spanUUID(traceID, spanID)))
	}
	return traceID.String(), spanID.String()
}

func spanUUID(traceID trace.TraceID, spanID trace.SpanID) [16]byte {
	var both [24]byte
	copy(both[:], traceID[:])
	copy(both[16:], spanID[:])
	sum := sha256.Sum256(both[:])
	id := [16]byte(sum[:])
	id[6] = id[6]&0x0F | 0x80 // version 8: made by a rule of one's own
	id[8] = id[8]&0x3F | 0x80 // the variant of RFC 9562
	return id
}

func appendUUID(dst []byte, id [16]byte) []byte {
	dst = append(hex.AppendEncode(dst, id[:4]), '-')
	dst = append(hex.AppendEncode(dst, id[4:6]), '-')
	dst = append(hex.AppendEncode(dst, id[6:8]), '-')
	dst = append(hex.AppendEncode(dst, id[8:10]), '-')
	return hex.AppendEncode(dst, id[10:])
}

// fitsID reports whether an id of the API can hold s as it is.
func fitsID(s string) bool {
	if len(s) > sgpspan.MaxIDBytes {
		return false
	}
	for _, r := range s {
		if r == 0 || r == '\uFFFD' {
			return false
		}
	}
	return true
}
