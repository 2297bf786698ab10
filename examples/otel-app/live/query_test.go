package live

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// TestQuery: all of a query holds for one span.
func TestQuery(t *testing.T) {
	page := New(nil)
	page.Ingest(
		wireSpan{trace: "t", id: "model", name: "Chat", typ: "COMPLETION", group: "Conv-1", end: 3 * time.Second, input: object{"text": "alpha beta gamma"},
			metadata: object{"service_name": "Front", "attributes": object{"gen_ai.request.model": "GPT-x"}}}.item(),
		wireSpan{trace: "t", id: "failed", name: "tool", typ: "CUSTOM", end: time.Second, err: "alpha"}.item(),
		wireSpan{trace: "t", id: "open", name: "wait"}.item(),
		wireSpan{trace: "t", id: "canceled", name: "stop", end: time.Second, canceled: true}.item(),
		wireSpan{trace: "t", id: "unfinished", name: "cut", end: time.Second, canceled: true, metadata: object{"otel_sgp_notes": []any{"unfinished: lost"}}}.item(),
	)
	for q, want := range map[string][]string{
		"gamma alpha":              {"model"},
		`"alpha beta"`:             {"model"},
		`"gamma alpha"`:            nil,
		"alpha":                    {"failed", "model"},
		"alpha status:error":       {"failed"},
		"STATUS:ERR":               {"failed"},
		"running":                  {"open"},
		"status:running":           {"open"},
		"status:ok":                {"model"},
		"status:canceled":          {"canceled"},
		"status:unfinished":        {"unfinished"},
		"type:completion":          {"model"},
		"name:chat":                {"model"},
		"service:front model:gpt":  {"model"},
		"group:conv":               {"model"},
		"conversation:conv":        {"model"},
		"duration:>2s":             {"model"},
		"duration:2s":              {"model"},
		"duration:<2s":             {"canceled", "failed", "unfinished"},
		"duration:>soon":           {"canceled", "failed", "model", "open", "unfinished"},
		"status:":                  {"canceled", "failed", "model", "open", "unfinished"},
		"https://alpha":            nil,
		"type:completion alpha no": nil,
	} {
		var got searchResult
		get(t, page, "/api/search?trace=t&q="+url.QueryEscape(q), &got)
		assert.ElementsMatch(t, want, got.Spans, q)
	}
	var got searchResult
	get(t, page, "/api/search?q="+url.QueryEscape(`"Alpha  Beta" x status:error`), &got)
	assert.Equal(t, []string{"alpha  beta", "x"}, got.Words, "they are marked")
}

func TestFields(t *testing.T) {
	for metadata, want := range map[string]fields{
		``:   {},
		`{}`: {},
		`[]`: {},
		`{"service_name":"s","k8s_pod_name":"p","host_name":"h","kind":"client","error":true,"events":[{},{}],"heartbeat":"1970-01-01T00:00:05Z",
			"attributes":{"gen_ai.request.model":"asked","gen_ai.response.model":"answered","http.status_code":404,"gen_ai.response.time_to_first_chunk":0.5}}`: {
			service: "s", pod: "p", kind: "client", model: "answered", httpStatus: 404, firstToken: 500_000, heartbeat: 5_000_000, events: 2, err: true},
		`{"__agent_name__":"python","host_name":"h","events":[{"name":"first_token","time":"1970-01-01T00:00:03Z"}]}`: {
			service: "python", pod: "h", firstToken: 2_000_000, events: 1},
		`{"resource":{"attributes":{"service.name":"s","k8s.pod.name":"p"}},"attributes":{"llm.model_name":"m"}}`:                   {service: "s", pod: "p", model: "m"},
		`{"otel_sgp_notes":["attributes: one left out","unfinished: lost"]}`:                                                        {unfinished: true},
		`{"service_name":7,"kind":[],"error":"true","events":{},"heartbeat":"soon","attributes":[],"otel_sgp_notes":"unfinished:"}`: {},
		`{"service_name":"` + strings.Repeat("x", 257) + `"}`:                                                                       {},
	} {
		assert.Equal(t, want, fieldsOf(json.RawMessage(metadata), 1_000_000), metadata)
	}
}

// TestSummaryFacets: the list is told what a trace's spans have, and no longer what they had.
func TestSummaryFacets(t *testing.T) {
	page := New(nil)
	page.Ingest(items(conversations()[:2])...)
	s := traceOf(t, page, "t1")
	assert.Equal(t, "front", s.Service)
	assert.Equal(t, "conv-a", s.Group)
	assert.Equal(t, []string{"front", "models"}, s.Services)
	assert.Equal(t, []string{"AGENT_WORKFLOW", "COMPLETION"}, s.Types)
	assert.Equal(t, []string{"gpt-x"}, s.Models)
	assert.Equal(t, epoch.Add(2*time.Second).UnixMicro(), s.News)

	again := conversations()[1]
	again.typ, again.metadata = "CUSTOM", nil
	page.Ingest(again.item())
	s = traceOf(t, page, "t1")
	assert.Equal(t, []string{"front"}, s.Services)
	assert.Equal(t, []string{"AGENT_WORKFLOW", "CUSTOM"}, s.Types)
	assert.Empty(t, s.Models)
}

// TestExport: a trace as SGP takes it, oldest span first, digits and all.
func TestExport(t *testing.T) {
	page := New(nil)
	page.Ingest(
		json.RawMessage(`{"id":"b","trace_id":"t","parent_id":"a","name":"child","start_timestamp":"2026-03-04T09:30:01Z","input":{"id":9007199254740993123}}`),
		json.RawMessage(`{"id":"a","trace_id":"t","name":"root","start_timestamp":"2026-03-04T09:30:00Z"}`))
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/api/export?id=t", nil))
	require.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, `attachment; filename="trace.json"`, w.Header().Get("Content-Disposition"))
	assert.Equal(t, `{"items":[{"id":"a","trace_id":"t","name":"root","start_timestamp":"2026-03-04T09:30:00Z"},`+
		`{"id":"b","trace_id":"t","parent_id":"a","name":"child","start_timestamp":"2026-03-04T09:30:01Z","input":{"id":9007199254740993123}}]}`, w.Body.String())
	assert.Equal(t, http.StatusNotFound, get(t, page, "/api/export?id=no", nil))
}
