package sgptest

import (
	"encoding/json"
	"time"
)

// Span is a span of the SGP API (PUT /v5/spans/batch) as the server decoded it.
// Absent fields have their zero value. The maps and slices are shared with the
// server: read them only.
//
// Its JSON form is an SGP item again.
type Span struct {
	ID             string    `json:"id"`
	TraceID        string    `json:"trace_id"`
	Name           string    `json:"name"`
	StartTimestamp time.Time `json:"start_timestamp"`
	// EndTimestamp is zero while the span is in progress.
	EndTimestamp time.Time `json:"end_timestamp,omitzero"`
	ParentID     string    `json:"parent_id,omitempty"`
	GroupID      string    `json:"group_id,omitempty"`
	Type         string    `json:"type,omitempty"`
	Status       string    `json:"status,omitempty"`
	// The payloads, decoded as encoding/json decodes into an any: numbers are
	// float64, exact to 53 bits. Raw has every digit. An empty object is an
	// empty map, an absent one is nil.
	Input    map[string]any `json:"input,omitzero"`
	Output   map[string]any `json:"output,omitzero"`
	Metadata map[string]any `json:"metadata,omitzero"`
	Expected map[string]any `json:"expected,omitzero"`

	ApplicationVariantID     string `json:"application_variant_id,omitempty"`
	ApplicationInteractionID string `json:"application_interaction_id,omitempty"`
	ObsTraceID               string `json:"obs_trace_id,omitempty"`
	ObsSpanID                string `json:"obs_span_id,omitempty"`

	// Raw is the item's JSON, byte for byte as it was received.
	Raw json.RawMessage `json:"-"`
	// Repaired says that the server replaced something with U+FFFD: a NUL, a
	// byte that is not UTF-8, or half of a surrogate pair.
	Repaired bool `json:"-"`
	// Redacted says that the server replaced something that looked like a credential
	// ([WithCredentialRedaction]). Raw has it still.
	Redacted bool `json:"-"`
	// Writes are all writes of this span that took effect, in their order, also
	// those that changed nothing. Nil in the items of a [Request].
	Writes []Write `json:"-"`

	// madeID says that the item came without an id.
	madeID bool
	// ignored says that a field of the item is not stored.
	ignored bool
	// duplicate is the first name that one of the item's objects gives twice.
	duplicate string
}

// Completed says whether the span has an end.
func (s Span) Completed() bool { return !s.EndTimestamp.IsZero() }

// Duration is the time from start to end; 0 while the span is in progress.
func (s Span) Duration() time.Duration {
	if !s.Completed() {
		return 0
	}
	return s.EndTimestamp.Sub(s.StartTimestamp)
}

// echo is the stored item as a successful answer repeats it: the received bytes
// where they are what is stored.
func (s *Span) echo() ([]byte, error) {
	if s.Repaired || s.Redacted || s.madeID || s.ignored {
		return json.Marshal(s)
	}
	return s.Raw, nil
}

// spanTypes are the values of "type" in the SGP API.
var spanTypes = set(
	"TEXT_INPUT", "TEXT_OUTPUT", "COMPLETION_INPUT", "COMPLETION", "KB_RETRIEVAL", "KB_INPUT", "RERANKING",
	"EXTERNAL_ENDPOINT", "PROMPT_ENGINEERING", "DOCUMENT_INPUT", "MAP_REDUCE", "DOCUMENT_SEARCH",
	"DOCUMENT_PROMPT", "CUSTOM", "CODE_EXECUTION", "DATA_MANIPULATION", "EVALUATION", "FILE_RETRIEVAL",
	"KB_ADD_CHUNK", "KB_MANAGEMENT", "GUARDRAIL", "TRACER", "AGENT_TRACER", "AGENT_WORKFLOW", "STANDALONE",
)

// spanStatuses are the values of "status" in the SGP API.
var spanStatuses = set("SUCCESS", "ERROR", "CANCELED")

func set(values ...string) map[string]bool {
	m := make(map[string]bool, len(values))
	for _, v := range values {
		m[v] = true
	}
	return m
}
