package live

import (
	"encoding/json"
	"errors"
	"strings"
	"time"
)

// maxIDBytes is the longest id that the SGP API takes.
const maxIDBytes = 256

// maxNameBytes is the longest name that the page shows; the rest is cut off.
const maxNameBytes = 1024

var errMalformed = errors.New("live: not an SGP span item")

// item is one SGP span as it is on the wire.
type item struct {
	ID            string          `json:"id"`
	TraceID       string          `json:"trace_id"`
	ParentID      string          `json:"parent_id,omitempty"`
	GroupID       string          `json:"group_id,omitempty"`
	Name          string          `json:"name"`
	Type          string          `json:"type,omitempty"`
	Status        string          `json:"status,omitempty"`
	Start         string          `json:"start_timestamp"`
	End           string          `json:"end_timestamp,omitempty"`
	ObsTraceID    string          `json:"obs_trace_id,omitempty"`
	ObsSpanID     string          `json:"obs_span_id,omitempty"`
	VariantID     string          `json:"application_variant_id,omitempty"`
	InteractionID string          `json:"application_interaction_id,omitempty"`
	Input         json.RawMessage `json:"input,omitempty"`
	Output        json.RawMessage `json:"output,omitempty"`
	Metadata      json.RawMessage `json:"metadata,omitempty"`
	Expected      json.RawMessage `json:"expected,omitempty"`
}

// span is an item and what the page wants to know of it at once. It never
// changes: an upsert puts another span in its place, so a span may be read
// without the store's lock.
type span struct {
	seq     uint64 // of the change that brought it; set by the store before anyone sees it
	item    item
	start   int64 // Unix time in microseconds, which JavaScript's numbers hold exactly
	end     int64 // where ended
	ended   bool
	failed  bool
	usage   usage
	fields  fields
	preview string // what a person asked, if the input says
	bare    bool   // payloads were left out for want of room
}

// spanOverhead is the estimated cost of a span beside its text: the struct, its
// place in the list and in the map.
const spanOverhead = 512

// size is the span's estimated share of [WithMaxBytes].
func (s *span) size() int64 {
	it := &s.item
	return spanOverhead + int64(len(it.ID)+len(it.TraceID)+len(it.ParentID)+len(it.GroupID)+len(it.Name)+
		len(it.Input)+len(it.Output)+len(it.Metadata)+len(it.Expected)+len(s.preview)) + s.fields.size()
}

// withoutPayloads is s without its JSON objects. What was read from them stays.
func (s *span) withoutPayloads() *span {
	b := *s
	b.item.Input, b.item.Output, b.item.Metadata, b.item.Expected = nil, nil, nil, nil
	b.bare = true
	return &b
}

// decode reads an item. It copies what it keeps of raw.
func decode(raw json.RawMessage) (*span, error) {
	s := &span{}
	if err := json.Unmarshal(raw, &s.item); err != nil {
		return nil, err
	}
	it := &s.item
	for _, id := range []string{it.ID, it.TraceID} {
		if id == "" || len(id) > maxIDBytes {
			return nil, errMalformed
		}
	}
	start, err := time.Parse(time.RFC3339Nano, it.Start)
	if err != nil {
		return nil, err
	}
	s.start = start.UnixMicro()
	if it.End != "" {
		end, err := time.Parse(time.RFC3339Nano, it.End)
		if err != nil {
			return nil, err
		}
		s.end, s.ended = max(end.UnixMicro(), s.start), true
	}
	if len(it.Name) > maxNameBytes {
		it.Name = strings.ToValidUTF8(it.Name[:maxNameBytes], "") + "…"
	}
	s.usage = usageOf(it.Output)
	s.preview = previewOf(it.Input)
	s.fields = fieldsOf(it.Metadata, s.start)
	s.failed = it.Status == "ERROR" || s.fields.err
	return s, nil
}
