package delivery

import (
	"bytes"
	"encoding/json"
	"sync"
)

// Recorder keeps delivered items by trace, without a bound: it is for a process
// that asks one question. The zero value is ready, and safe for concurrent use.
type Recorder struct {
	mu     sync.Mutex
	traces map[string][]json.RawMessage
}

// Record keeps copies of items. What is no JSON object with a trace_id is
// passed over.
func (r *Recorder) Record(items ...json.RawMessage) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, item := range items {
		var id struct {
			TraceID string `json:"trace_id"`
		}
		if json.Unmarshal(item, &id) != nil || id.TraceID == "" {
			continue
		}
		if r.traces == nil {
			r.traces = map[string][]json.RawMessage{}
		}
		r.traces[id.TraceID] = append(r.traces[id.TraceID], bytes.Clone(item))
	}
}

// Trace returns the items of a trace, in the order of their delivery.
func (r *Recorder) Trace(id string) []json.RawMessage {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.traces[id]
}
