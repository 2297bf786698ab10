package live

import (
	"encoding/json"
	"strings"
	"time"
)

// maxFieldBytes is the longest value of a field; a longer one counts as absent.
const maxFieldBytes = 256

// fields is what the page reads from a span's metadata, as the exporter of this project
// writes it. A value of another type than expected counts as absent.
type fields struct {
	service    string // of the resource; of a Python agent, its name
	pod        string // or the host
	model      string
	kind       string // of the OpenTelemetry span: internal, server, client, producer, consumer
	httpStatus int
	firstToken int64 // microseconds from the span's start, 0 if not known
	heartbeat  int64 // Unix microseconds: when a running span was last written, 0 if not known
	events     int
	err        bool
	// unfinished says that the end is not the span's own: its END did not come.
	unfinished bool
}

func (f *fields) size() int64 {
	return int64(len(f.service) + len(f.pod) + len(f.model) + len(f.kind))
}

// The attributes that have a field, in the order in which they are tried.
var (
	modelKeys      = []string{"gen_ai.response.model", "gen_ai.request.model", "llm.model_name", "embedding.model_name", "llm.response.model", "llm.request.model"}
	httpStatusKeys = []string{"http.response.status_code", "http.status_code"}
	firstTokenKeys = []string{"gen_ai.response.time_to_first_chunk", "gen_ai.server.time_to_first_token"} // seconds
)

// fieldsOf reads the metadata of a span that started at start.
func fieldsOf(metadata json.RawMessage, start int64) fields {
	var f fields
	var m map[string]any
	if len(metadata) == 0 || json.Unmarshal(metadata, &m) != nil {
		return f
	}
	attributes, _ := m["attributes"].(map[string]any)
	resource, _ := m["resource"].(map[string]any)
	resource, _ = resource["attributes"].(map[string]any)
	events, _ := m["events"].([]any)

	f.service = text(m["service_name"], resource["service.name"], m["__agent_name__"])
	f.pod = text(m["k8s_pod_name"], m["host_name"], resource["k8s.pod.name"], resource["host.name"])
	f.model = text(values(attributes, modelKeys)...)
	f.kind = text(m["kind"])
	f.err = m["error"] == true
	f.events = len(events)
	f.httpStatus = int(number(values(attributes, httpStatusKeys)...))
	f.firstToken = int64(1e6 * number(values(attributes, firstTokenKeys)...))
	if f.firstToken == 0 {
		f.firstToken = firstTokenEvent(events, start)
	}
	f.heartbeat = unixMicro(m["heartbeat"])
	notes, _ := m["otel_sgp_notes"].([]any)
	for _, note := range notes {
		f.unfinished = f.unfinished || strings.HasPrefix(text(note), "unfinished:")
	}
	return f
}

// firstTokenEvent is how long after start an event tells of a model's first token.
func firstTokenEvent(events []any, start int64) int64 {
	for _, e := range events {
		event, _ := e.(map[string]any)
		if name := text(event["name"]); name == "first_token" || name == "gen_ai.first_token" {
			return max(0, unixMicro(event["time"])-start)
		}
	}
	return 0
}

func values(m map[string]any, keys []string) []any {
	list := make([]any, len(keys))
	for i, key := range keys {
		list[i] = m[key]
	}
	return list
}

// text returns the first of values that is a text that is not empty.
func text(values ...any) string {
	for _, v := range values {
		if s, ok := v.(string); ok && s != "" && len(s) <= maxFieldBytes {
			return s
		}
	}
	return ""
}

// number returns the first of values that is a number above 0.
func number(values ...any) float64 {
	for _, v := range values {
		if n, ok := v.(float64); ok && n > 0 && n < 1e12 {
			return n
		}
	}
	return 0
}

func unixMicro(v any) int64 {
	t, err := time.Parse(time.RFC3339Nano, text(v))
	if err != nil {
		return 0
	}
	return t.UnixMicro()
}
