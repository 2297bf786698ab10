package sgpspan

import "time"

// NotesKey is the key in a span's metadata under which the notes stand: an
// array of strings that say what was repaired, so that what is stored is not
// mistaken for what the application wrote.
const NotesKey = "otel_sgp_notes"

// Span is a span as the SGP span API has it. The zero value is an empty span;
// TraceID, ID, Name and Start are what the API requires.
//
// A hook that is given a *Span may read and change all of it. It must not keep
// the span, or an [Object], [Array] or [Value] of it, after it has returned:
// their memory is used again. Strings may be kept.
type Span struct {
	// TraceID groups the spans of one trace: at most 256 bytes.
	TraceID string
	// ID names the span within its trace: at most 256 bytes. Under the older
	// store it names it globally.
	ID string
	// ParentID is the ID of a span of the same trace, or empty.
	ParentID string
	// GroupID groups traces (a conversation, a session): at most 256 bytes,
	// or empty.
	GroupID string
	// GroupSource is the attribute that GroupID was taken from, or empty. It
	// is not encoded; it lets a hook recognize what it redacts.
	GroupSource string
	// Name says what the span is.
	Name string
	// Start is part of the span's identity in the store: every write of one
	// span carries the same value.
	Start time.Time
	// End is zero while the span is in progress.
	End time.Time
	// Type is left out of the encoding when it is not [Type.Valid].
	Type Type
	// Status is left out of the encoding when it is not [Status.Valid].
	Status Status
	// Input is what the step was given, nil when unknown.
	Input Object
	// Output is what the step gave back, nil when unknown.
	Output Object
	// Expected is what the output should have been, nil when unknown.
	Expected Object
	// ApplicationVariantID and ApplicationInteractionID name what SGP knows of the
	// application, or are empty.
	ApplicationVariantID, ApplicationInteractionID string
	// Metadata is all else.
	Metadata Object
	// Common are members of the metadata that many spans share, before those of Metadata:
	// see [Encoder.EncodeMembers]. The exporter sets it only where no hook sees the span;
	// a hook finds all of them in Metadata.
	Common Members
	// ObsTraceID and ObsSpanID are the W3C ids of the span in the
	// observability system: 32 and 16 lowercase hexadecimal digits. Either is
	// left out of the encoding when it is anything else.
	ObsTraceID, ObsSpanID string
	// Notes say what was repaired on the way here. They are encoded in the
	// metadata under [NotesKey], and the [Encoder] adds its own.
	Notes []string
}

// AppendJSON appends the span to dst as one JSON object, the form of an item of
// the SGP batch request, and returns the extended slice. The result is always
// valid JSON, whatever the span holds. It is [Encoder.AppendJSON] with default
// limits.
func (s *Span) AppendJSON(dst []byte) []byte {
	return Encoder{}.AppendJSON(dst, s)
}
