package live

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

func get(t *testing.T, page *Page, target string, into any) int {
	t.Helper()
	w := httptest.NewRecorder()
	page.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
	if into != nil {
		require.Equal(t, http.StatusOK, w.Code, w.Body.String())
		require.NoError(t, json.Unmarshal(w.Body.Bytes(), into))
	}
	return w.Code
}

func TestAPITraces(t *testing.T) {
	page := New(nil)
	var got struct{ Traces []summary }
	get(t, page, "/api/traces", &got)
	assert.NotNil(t, got.Traces)
	assert.Empty(t, got.Traces)

	page.Ingest(wireSpan{trace: "old", id: "a", name: "a"}.item(), wireSpan{trace: "new", id: "a", name: "a"}.item())
	page.Ingest(wireSpan{trace: "old", id: "b", name: "b"}.item())
	get(t, page, "/api/traces", &got)
	require.Len(t, got.Traces, 2)
	assert.Equal(t, "new", got.Traces[0].ID)
	assert.Equal(t, "old", got.Traces[1].ID)
}

func TestAPITraceAndSpan(t *testing.T) {
	page := New(nil)
	page.Ingest(wireSpan{trace: "t/1", id: "b&c", parent: "a", name: "child", start: time.Second, end: 2 * time.Second, input: object{"text": "<b>"}}.item())
	page.Ingest(wireSpan{trace: "t/1", id: "a", name: "root"}.item())
	var trace struct {
		Trace summary
		Spans []row
	}
	get(t, page, "/api/trace?id="+url.QueryEscape("t/1"), &trace)
	assert.Equal(t, "root", trace.Trace.Name)
	require.Len(t, trace.Spans, 2)
	assert.Equal(t, "a", trace.Spans[0].ID)

	var span struct{ Span item }
	get(t, page, "/api/span?trace="+url.QueryEscape("t/1")+"&id="+url.QueryEscape("b&c"), &span)
	assert.Equal(t, "child", span.Span.Name)
	assert.JSONEq(t, `{"text":"<b>"}`, string(span.Span.Input))

	assert.Equal(t, http.StatusNotFound, get(t, page, "/api/trace?id=no", nil))
	assert.Equal(t, http.StatusNotFound, get(t, page, "/api/span?trace=t/1&id=no", nil))
	assert.Equal(t, http.StatusNotFound, get(t, page, "/nothing", nil))
	assert.Equal(t, http.StatusNotFound, get(t, page, "/assets/%2e%2e/page.go", nil))
	assert.Equal(t, http.StatusNotFound, get(t, page, "/assets/", nil))
}

func TestAPIStats(t *testing.T) {
	source := &fakeSource{}
	source.set(asyncprocessor.Stats{Offered: 10, Exported: 4, Coalesced: 1, Dropped: 2, Queued: 2, InFlight: 1,
		DroppedBy: map[asyncprocessor.DropReason]uint64{asyncprocessor.ReasonQueueFull: 2}})
	page := New(source, WithNotice(func() string { return "SGP is away." }))
	page.Ingest(json.RawMessage(`{}`))
	var got statsView
	get(t, page, "/api/stats", &got)
	got.Now = 0
	assert.Equal(t, statsView{Queue: true, Offered: 10, Exported: 4, Coalesced: 1, Dropped: 2, Queued: 2, InFlight: 1,
		DroppedBy: map[string]uint64{"queue_full": 2}, Ignored: 1, Notice: "SGP is away."}, got)

	var none statsView
	get(t, New(nil), "/api/stats", &none)
	assert.False(t, none.Queue)
	assert.Empty(t, none.Notice)
}

func TestSearch(t *testing.T) {
	page := New(nil)
	page.Ingest(
		wireSpan{trace: "t1", id: "aa11", name: "Chat GPT", typ: "COMPLETION", end: time.Second, input: object{"text": "<script>alert('Ünicode')</script>\nnew line"}}.item(),
		wireSpan{trace: "t1", id: "bb22", name: "other", err: "broken pipe"}.item(),
		wireSpan{trace: "t2", id: "cc33", name: "third", output: object{"text": "emoji \U0001F600 done"}, end: time.Second}.item(),
	)
	for q, want := range map[string]map[string]int{
		"chat gpt":            {"t1": 1}, // names, in any case
		"BB22":                {"t1": 1}, // ids
		"t2":                  {"t2": 1}, // trace ids
		"completion":          {"t1": 1}, // types
		"error":               {"t1": 1}, // statuses
		"broken pipe":         {"t1": 1}, // metadata
		"<script>alert":       {"t1": 1}, // payloads, though written as \u003c
		"ünicode":             {"t1": 1},
		"</script> new":       {"t1": 1}, // a line break is a space
		"\U0001F600 done":     {"t2": 1},
		"otel-go":             {"t1": 2, "t2": 1},
		"nowhere to be found": {},
	} {
		t.Run(q, func(t *testing.T) {
			var got searchResult
			get(t, page, "/api/search?q="+url.QueryEscape(q), &got)
			assert.Equal(t, want, got.Traces)
			assert.Empty(t, got.Spans)
		})
	}
	var got searchResult
	get(t, page, "/api/search?trace=t1&q=otel-go", &got)
	assert.ElementsMatch(t, []string{"aa11", "bb22"}, got.Spans)
	assert.Equal(t, http.StatusBadRequest, get(t, page, "/api/search?q=", nil))
}

func TestSearchNamesABoundedNumberOfSpans(t *testing.T) {
	page := New(nil)
	page.Ingest(manySpans("big", 6000)...)
	var got searchResult
	get(t, page, "/api/search?trace=big&q=step", &got)
	assert.Len(t, got.Spans, 5000)
	assert.True(t, got.Truncated)
	assert.Equal(t, 5999, got.Traces["big"])
}

func TestUnescape(t *testing.T) {
	for raw, want := range map[string]string{
		`{"a":"plain"}`:           `{"a":"plain"}`,
		`"\u003cb\u003e"`:         `"<b>"`,
		`"\ud83d\ude00!"`:         "\"\U0001F600!\"",
		`"\ud83d alone"`:          "\"\uFFFD alone\"",
		`"a\\u0041 \"q\" \/ \t."`: `"a\u0041 "q" /  ."`,
	} {
		assert.Equal(t, want, unescape(raw), raw)
	}
}

func TestEveryAnswerCarriesTheSecurityHeaders(t *testing.T) {
	page := New(nil)
	for _, target := range []string{"/", "/assets/js/main.js", "/api/traces", "/nothing"} {
		w := httptest.NewRecorder()
		page.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, target, nil))
		h := w.Header()
		assert.Contains(t, h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self'", target)
		assert.NotContains(t, h.Get("Content-Security-Policy"), "unsafe", target)
		assert.Equal(t, "nosniff", h.Get("X-Content-Type-Options"), target)
		assert.Equal(t, "same-origin", h.Get("Cross-Origin-Resource-Policy"), target)
		assert.Empty(t, h.Get("Access-Control-Allow-Origin"), target)
	}
}

func TestAssetsAreRevalidated(t *testing.T) {
	page := New(nil)
	first := httptest.NewRecorder()
	page.Handler().ServeHTTP(first, httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/assets/js/main.js", nil))
	require.Equal(t, http.StatusOK, first.Code)
	assert.Equal(t, "text/javascript; charset=utf-8", first.Header().Get("Content-Type"))

	again := httptest.NewRequestWithContext(t.Context(), http.MethodGet, "/assets/js/main.js", nil)
	again.Header.Set("If-None-Match", first.Header().Get("ETag"))
	second := httptest.NewRecorder()
	page.Handler().ServeHTTP(second, again)
	assert.Equal(t, http.StatusNotModified, second.Code)
	assert.Zero(t, second.Body.Len())
}

func TestHostIsCheckedOverLoopback(t *testing.T) {
	page := New(nil, WithAllowedHosts("Traces.example"))
	server := httptest.NewServer(page.Handler())
	defer server.Close()
	_, port, err := net.SplitHostPort(server.Listener.Addr().String())
	require.NoError(t, err)
	for host, want := range map[string]int{
		"127.0.0.1:" + port: 200, "localhost:" + port: 200, "LOCALHOST": 200, "[::1]:" + port: 200, "app.localhost": 200,
		"traces.example": 200, "127.0.0.2": 200,
		"evil.example": 421, "evil.example:" + port: 421, "10.0.0.1": 421, "localhost.evil.example": 421, "127.0.0.1.evil.example": 421,
	} {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+"/api/traces", nil)
		require.NoError(t, err)
		r.Host = host
		response, err := server.Client().Do(r)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		assert.Equal(t, want, response.StatusCode, host)
	}
}
