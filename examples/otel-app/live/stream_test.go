package live

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// event is one server-sent event.
type event struct{ id, name, data string }

// listen opens a stream and returns a function that reads its next event of a name.
func listen(t *testing.T, server *httptest.Server, query, lastEventID string) (next func(name string, into any) event, end func()) {
	t.Helper()
	// A stream that should have said something and does not, ends with the test.
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	t.Cleanup(cancel)
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events"+query, nil)
	require.NoError(t, err)
	if lastEventID != "" {
		r.Header.Set("Last-Event-ID", lastEventID)
	}
	response, err := server.Client().Do(r)
	require.NoError(t, err)
	require.Equal(t, "text/event-stream", response.Header.Get("Content-Type"))
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 10<<20)
	next = func(name string, into any) event {
		t.Helper()
		var e event
		for lines.Scan() {
			key, value, _ := strings.Cut(lines.Text(), ": ")
			switch key {
			case "id":
				e.id = value
			case "event":
				e.name = value
			case "data":
				e.data = value
			case "":
				if e.name == name {
					if into != nil {
						require.NoError(t, json.Unmarshal([]byte(e.data), into))
					}
					return e
				}
				e = event{}
			}
		}
		require.Fail(t, "the stream ended before an event "+name, "%v", lines.Err())
		return e
	}
	end = func() { _ = response.Body.Close() }
	t.Cleanup(end)
	return next, end
}

// servePage serves page until the test ends, and closes it then.
func servePage(t *testing.T, page *Page) *httptest.Server {
	t.Helper()
	server := serve(t, page.Handler())
	t.Cleanup(page.Close)
	return server
}

func TestStreamShowsASpanRunningAndThenFinished(t *testing.T) {
	page := New(&fakeSource{}, WithAsk("/ask"))
	server := servePage(t, page)
	s := wireSpan{trace: "t", id: "a", name: "work", typ: "COMPLETION", end: time.Second, input: object{"text": "secret"}}
	page.Ingest(s.started())
	next, _ := listen(t, server, "?trace=t", "")

	var hello helloEvent
	next("hello", &hello)
	assert.Equal(t, "/ask", hello.Ask)
	assert.True(t, hello.Stats)
	var traces tracesEvent
	next("traces", &traces)
	assert.True(t, traces.Reset)
	require.Len(t, traces.Traces, 1)
	assert.Equal(t, 1, traces.Traces[0].Running)
	var spans spansEvent
	e := next("spans", &spans)
	assert.NotContains(t, e.data, "secret", "payloads are fetched, not streamed")
	assert.True(t, spans.Reset)
	require.Len(t, spans.Spans, 1)
	assert.Zero(t, spans.Spans[0].End)
	next("stats", nil)

	page.Ingest(s.item())
	spans = spansEvent{}
	next("spans", &spans)
	assert.False(t, spans.Reset)
	require.Len(t, spans.Spans, 1)
	require.NotNil(t, spans.Spans[0].End)
	assert.Equal(t, epoch.Add(time.Second).UnixMicro(), *spans.Spans[0].End)
}

func TestStreamSendsOnlyTheTraceAskedFor(t *testing.T) {
	page := New(nil)
	server := servePage(t, page)
	next, _ := listen(t, server, "?trace=t1", "")
	next("mark", nil)
	page.Ingest(wireSpan{trace: "t2", id: "x", name: "elsewhere"}.item(), wireSpan{trace: "t1", id: "a", name: "here"}.item())
	var traces tracesEvent
	next("traces", &traces)
	assert.Len(t, traces.Traces, 2)
	var spans spansEvent
	next("spans", &spans)
	require.Len(t, spans.Spans, 1)
	assert.Equal(t, "a", spans.Spans[0].ID)
}

func TestStreamResumesWhereTheBrowserStopped(t *testing.T) {
	page := New(nil)
	server := servePage(t, page)
	page.Ingest(wireSpan{trace: "t", id: "a", name: "a"}.item())
	next, end := listen(t, server, "?trace=t", "")
	mark := next("mark", nil)
	require.NotEmpty(t, mark.id)
	end()

	page.Ingest(wireSpan{trace: "t", id: "b", name: "b"}.item())
	next, end = listen(t, server, "?trace=t", mark.id)
	var spans spansEvent
	next("spans", &spans)
	assert.False(t, spans.Reset)
	require.Len(t, spans.Spans, 1)
	assert.Equal(t, "b", spans.Spans[0].ID)
	end()
	next, end = listen(t, server, "?trace=t&since="+mark.id, "")
	spans = spansEvent{}
	next("spans", &spans)
	assert.False(t, spans.Reset)
	assert.Len(t, spans.Spans, 1)
	end()

	// A mark of another run of the server is worth nothing.
	next, _ = listen(t, server, "?trace=t", "otherrun.7")
	spans = spansEvent{}
	next("spans", &spans)
	assert.True(t, spans.Reset)
	assert.Len(t, spans.Spans, 2)
}

func TestStreamSplitsALargeTrace(t *testing.T) {
	page := New(nil)
	server := servePage(t, page)
	page.Ingest(manySpans("big", 1200)...)
	next, _ := listen(t, server, "?trace=big", "")
	var sizes []int
	for range 3 {
		var spans spansEvent
		next("spans", &spans)
		sizes = append(sizes, len(spans.Spans))
		assert.Equal(t, len(sizes) == 1, spans.Reset)
	}
	assert.Equal(t, []int{500, 500, 200}, sizes)
}

func TestStreamTellsOfForgottenTraces(t *testing.T) {
	page := New(nil, WithMaxTraces(1))
	server := servePage(t, page)
	page.Ingest(wireSpan{trace: "t1", id: "a", name: "a"}.item())
	next, _ := listen(t, server, "", "")
	next("mark", nil)
	page.Ingest(wireSpan{trace: "t2", id: "a", name: "a"}.item())
	var traces tracesEvent
	next("traces", &traces)
	assert.Equal(t, []string{"t1"}, traces.Removed)
	require.Len(t, traces.Traces, 1)
	assert.Equal(t, "t2", traces.Traces[0].ID)
}

func TestCloseEndsStreams(t *testing.T) {
	page := New(nil)
	server := servePage(t, page)
	next, _ := listen(t, server, "", "")
	next("mark", nil)
	page.Close()
	page.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.URL+"/events", nil)
	require.NoError(t, err)
	response, err := server.Client().Do(r)
	require.NoError(t, err)
	defer response.Body.Close()
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
	}
	require.NoError(t, lines.Err(), "a stream after Close ends by itself")
}

// A browser that takes nothing must cost Ingest nothing. The connection here
// sends a request and never reads, until the server's buffers are full.
func TestSlowBrowserDoesNotBlockIngest(t *testing.T) {
	page := New(nil)
	server := servePage(t, page)
	conn, err := net.Dial("tcp", server.Listener.Addr().String())
	require.NoError(t, err)
	defer conn.Close()
	_, err = fmt.Fprintf(conn, "GET /events?trace=t HTTP/1.1\r\nHost: localhost\r\n\r\n")
	require.NoError(t, err)

	name := strings.Repeat("long name ", 90)
	for round := range 100 {
		batch := make([]json.RawMessage, 100)
		for i := range batch {
			batch[i] = wireSpan{trace: "t", id: fmt.Sprintf("%d-%d", round, i), name: name}.item()
		}
		page.Ingest(batch...) // 9 MB in all, more than a loopback connection buffers
	}
	assert.Equal(t, 10_000, traceOf(t, page, "t").Spans)

	// Another browser sees everything.
	next, _ := listen(t, server, "?trace=t", "")
	seen := 0
	for seen < 10_000 {
		var spans spansEvent
		next("spans", &spans)
		seen += len(spans.Spans)
	}
	assert.Equal(t, 10_000, seen)
}
