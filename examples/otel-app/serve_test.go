package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// reply is what the service answered.
type reply struct {
	status int
	body   string
}

func read(t *testing.T, r reply) (status int, body string) {
	t.Helper()
	return r.status, r.body
}

// post asks, with headers given as pairs.
func post(t *testing.T, url, body string, headers ...string) reply {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodPost, url+"/ask", strings.NewReader(body))
	require.NoError(t, err)
	for i := 0; i < len(headers); i += 2 {
		request.Header.Set(headers[i], headers[i+1])
	}
	response, err := client.Do(request)
	require.NoError(t, err)
	defer func() { require.NoError(t, response.Body.Close()) }()
	text, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	return reply{response.StatusCode, string(text)}
}

func decode(t *testing.T, body string) answer {
	t.Helper()
	var a answer
	require.NoError(t, json.Unmarshal([]byte(body), &a), body)
	return a
}

// toSGP is an SGP that spans go to by the environment; what it saw is checked at the end.
func toSGP(t *testing.T) *sgptest.Server {
	t.Helper()
	clearEnv(t)
	sgp := sgptest.NewServer()
	t.Cleanup(sgp.Close)
	t.Cleanup(func() { assert.NoError(t, sgp.Check()) })
	t.Setenv("SGP_API_KEY", "key")
	t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)
	return sgp
}

func TestServe(t *testing.T) {
	sgp := toSGP(t)
	p := start(t, "-port", "0")
	url := p.url(t)
	assert.Contains(t, p.stdout.String(), "Spans go to SGP at "+sgp.URL+".\n")
	assert.Contains(t, p.stdout.String(), "Ask    curl -s "+url+"/ask -d '{\"question\": \"how do I cancel an HTTP request?\"}'\n")

	status, body := read(t, post(t, url, `{"question":"how do I cancel an HTTP request?","conversation_id":"conv_7"}`,
		"Traceparent", "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"))
	assert.Equal(t, http.StatusOK, status)
	a := decode(t, body)
	assert.Contains(t, a.Answer, "Use `http.NewRequestWithContext`")
	assert.Equal(t, "conv_7", a.ConversationID)
	assert.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", a.TraceID)
	assert.Equal(t, url+"/#trace=4bf92f3577b34da6a3ce929d0e0e4736", a.TraceURL)
	assert.Contains(t, body, "\n  \"trace_url\": \""+a.TraceURL+"\",\n")

	for _, path := range []string{"/healthz", "/", "/api/stats"} {
		status, _ := get(t, url+path)
		assert.Equal(t, http.StatusOK, status, path)
	}
	status, _ = get(t, url+"/ask")
	assert.NotEqual(t, http.StatusOK, status, "a question is a POST")

	p.stop()
	require.Equal(t, 0, p.wait(t), p.stderr.String())
	assert.Contains(t, p.stdout.String(), "\nThe page shows this service's traces, as SGP has taken them.\n")
	assert.Regexp(t, `\nStopping\.\nIn all traces of this process, its own start-up included:\nOf \d+ starts and ends of spans: `, p.stdout.String())
	assert.Contains(t, p.stdout.String(), " 0 not delivered.\n")
	assert.Equal(t, 44, sgp.Stats().Spans)
	inConversation := 0
	for _, span := range sgp.Spans() {
		if span.GroupID == "conv_7" {
			inConversation++
		}
		if span.Name == "POST /ask" {
			assert.Equal(t, "how do I cancel an HTTP request?", span.Input["question"])
			assert.Contains(t, span.Output["answer"], "Use `http.NewRequestWithContext`")
		}
	}
	assert.Equal(t, 40, inConversation)
}

var ownLine = regexp.MustCompile(`SGP_CLIENT_BASE_URL=(http://\S+) SGP_API_KEY=(\S+)\n`)

// TestServeShowsOtherProcesses: what another process sends to the embedded server, as
// the program says how, is on the page while it runs and when it has ended.
func TestServeShowsOtherProcesses(t *testing.T) {
	clearEnv(t)
	p := start(t, "-port", "0")
	url := p.url(t)
	var own []string
	require.Eventually(t, func() bool {
		own = ownLine.FindStringSubmatch(p.stdout.String())
		return own != nil
	}, time.Minute, 5*time.Millisecond)
	assert.Equal(t, url, own[1], "the page's own port, which is the same at each start")

	exporter, err := sgpexporter.New(sgpexporter.WithBaseURL(own[1]), sgpexporter.WithAPIKey(own[2]))
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exporter)))
	_, span := provider.Tracer("test").Start(t.Context(), "of another process")
	id := span.SpanContext().TraceID().String()
	shows := func(running bool) func() bool {
		return func() bool {
			status, body := get(t, url+"/api/trace?id="+id)
			return status == http.StatusOK && strings.Contains(body, `"of another process"`) &&
				strings.Contains(body, `"running":1`) == running
		}
	}
	require.NoError(t, provider.ForceFlush(t.Context()))
	require.Eventually(t, shows(true), time.Minute, 5*time.Millisecond)
	span.End()
	require.NoError(t, provider.Shutdown(t.Context()))
	require.Eventually(t, shows(false), time.Minute, 5*time.Millisecond)

	// A spool asks for what a process that was killed left running.
	search, err := http.NewRequestWithContext(t.Context(), http.MethodPost, own[1]+"/v5/spans/search", strings.NewReader(`{"trace_ids":["`+id+`"]}`))
	require.NoError(t, err)
	search.Header.Set("Content-Type", "application/json")
	search.Header.Set("X-Api-Key", own[2])
	response, err := client.Do(search)
	require.NoError(t, err)
	defer func() { _ = response.Body.Close() }()
	found, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	assert.Equal(t, http.StatusOK, response.StatusCode)
	assert.Contains(t, string(found), `"of another process"`)
	p.stop()
	require.Equal(t, 0, p.wait(t), p.stderr.String())
}

// TestServeTakesSpansFromNoWebsite: nor where they are to go to SGP.
func TestServeTakesSpansFromNoWebsite(t *testing.T) {
	put := func(url, site string) int {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodPut, url+"/v5/spans/batch", strings.NewReader(`{"items":[]}`))
		require.NoError(t, err)
		request.Header.Set("Content-Type", "application/json")
		request.Header.Set("X-Api-Key", "any")
		request.Header.Set("Sec-Fetch-Site", site)
		response, err := client.Do(request)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
		return response.StatusCode
	}
	clearEnv(t)
	p := start(t, "-port", "0")
	assert.Equal(t, http.StatusOK, put(p.url(t), "none"))
	assert.Equal(t, http.StatusForbidden, put(p.url(t), "cross-site"))
	p.stop()
	require.Equal(t, 0, p.wait(t))

	sgp := sgptest.NewServer()
	defer sgp.Close()
	t.Setenv("SGP_API_KEY", "key")
	t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)
	p = start(t, "-port", "0")
	assert.Equal(t, http.StatusNotFound, put(p.url(t), "none"))
	p.stop()
	require.Equal(t, 0, p.wait(t))
}

func TestAnswerIsForPeopleToo(t *testing.T) {
	recorder := httptest.NewRecorder()
	writeJSON(recorder, http.StatusOK, answer{Answer: "if a < b && c", TraceID: "t"})
	assert.Equal(t, `{
  "answer": "if a < b && c",
  "trace_id": "t",
  "conversation_id": "",
  "duration_ms": 0
}
`, recorder.Body.String())
	assert.Empty(t, traceURL(&http.Request{}, "t"), "a client that names no host")
}

func TestAskStreams(t *testing.T) {
	clearEnv(t)
	p := start(t, "-port", "0")
	status, body := read(t, post(t, p.url(t), `{"question":"what is a context?"}`, "Accept", "text/event-stream"))
	assert.Equal(t, http.StatusOK, status)

	var text string
	var last answer
	for event := range strings.SplitSeq(strings.TrimSpace(body), "\n\n") {
		name, data, ok := strings.Cut(event, "\ndata: ")
		require.True(t, ok, event)
		if name == "event: delta" {
			var piece string
			require.NoError(t, json.Unmarshal([]byte(data), &piece))
			text += piece
			continue
		}
		require.Equal(t, "event: answer", name)
		last = decode(t, data)
	}
	assert.True(t, strings.HasSuffix(text, last.Answer))
	assert.NotEmpty(t, last.Answer)
	assert.Regexp(t, "^conv_[A-Z2-7]{26}$", last.ConversationID)
	p.stop()
	assert.Equal(t, 0, p.wait(t))
}

func TestAskRefuses(t *testing.T) {
	clearEnv(t)
	p := start(t, "-port", "0")
	url := p.url(t)
	for body, says := range map[string]string{
		"":                 `the body is not {\"question\": \"...\"}: EOF`,
		`[]`:               `the body is not {\"question\": \"...\"}: json: cannot unmarshal array`,
		`{"question":" "}`: "the question is empty",
		`{"question":"` + strings.Repeat("x", 2001) + `"}`: "the question has more than 2000 characters",
		// No more than a little too large: the server does not read what is beyond, and whoever
		// still writes then may see a reset connection instead of the answer.
		`{"question":"` + strings.Repeat("x", 64<<10-12) + `"}`: "http: request body too large",
	} {
		status, answer := read(t, post(t, url, body))
		assert.Equal(t, http.StatusBadRequest, status)
		assert.Contains(t, answer, says)
	}
	status, _ := read(t, post(t, url, `{"question":"why?"}`, "Sec-Fetch-Site", "cross-site"))
	assert.Equal(t, http.StatusForbidden, status, "a website asks in the user's name")
	p.stop()
	assert.Equal(t, 0, p.wait(t))
}

// TestServeWithItsOwnVariables: with the variables that it prints for other services it does
// not send to itself, and keeps its embedded server.
func TestServeWithItsOwnVariables(t *testing.T) {
	clearEnv(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	port := listener.Addr().(*net.TCPAddr).Port
	require.NoError(t, listener.Close())
	t.Setenv("SGP_CLIENT_BASE_URL", fmt.Sprintf("http://localhost:%d", port))
	t.Setenv("SGP_API_KEY", "any")
	p := start(t, "-port", strconv.Itoa(port))
	url := p.url(t)
	assert.Contains(t, p.stdout.String(), "Spans go to an embedded SGP server, as SGP_CLIENT_BASE_URL is this program's own address.\n")
	status, body := read(t, post(t, url, `{"question":"how do I cancel an HTTP request?"}`))
	require.Equal(t, http.StatusOK, status, body)
	p.stop()
	require.Equal(t, 0, p.wait(t), p.stderr.String())
	assert.Empty(t, p.stderr.String())
	assert.Regexp(t, `Of \d+ starts and ends of spans: `, p.stdout.String())
	assert.Contains(t, p.stdout.String(), " 0 not delivered.\n")
}

func TestIsOwn(t *testing.T) {
	loopback, all, other := net.IPv4(127, 0, 0, 1), net.IPv4zero, net.IPv4(10, 1, 2, 3)
	for _, c := range []struct {
		base string
		ip   net.IP
		own  bool
	}{
		{"http://127.0.0.1:8088", loopback, true},
		{"http://127.0.0.1:8088/", all, true},
		{"http://localhost:8088", loopback, true},
		{"http://10.1.2.3:8088", other, true},
		{"http://127.0.0.1:8089", loopback, false},
		{"http://127.0.0.1:8088", other, false},
		{"http://localhost:8088", other, false},
		{"https://api.egp.scale.com", loopback, false},
		{"http://%zz:8088", loopback, false},
	} {
		assert.Equal(t, c.own, isOwn(c.base, &net.TCPAddr{IP: c.ip, Port: 8088}), "%s at %s", c.base, c.ip)
	}
}

// TestStopInTheMiddle: a signal ends a question that goes on for too long, and
// every span that ended is delivered.
func TestStopInTheMiddle(t *testing.T) {
	sgp := toSGP(t)
	asked := make(chan struct{})
	model := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(asked)
		<-r.Context().Done()
	}))
	defer model.Close()
	t.Setenv("OPENAI_BASE_URL", model.URL)

	p := start(t, "-port", "0", "-grace", "10ms")
	url := p.url(t)
	answered := make(chan answer, 1)
	go func() {
		response, err := client.Post(url+"/ask", "application/json", strings.NewReader(`{"question":"why?"}`))
		if !assert.NoError(t, err) {
			close(answered)
			return
		}
		defer func() { _ = response.Body.Close() }()
		assert.Equal(t, http.StatusServiceUnavailable, response.StatusCode)
		var a answer
		assert.NoError(t, json.NewDecoder(response.Body).Decode(&a))
		answered <- a
	}()
	<-asked
	p.stop()
	require.Equal(t, 0, p.wait(t), p.stderr.String())
	a := <-answered
	assert.Contains(t, a.Error, "context canceled")

	names := map[string]string{}
	for _, span := range sgp.Spans() {
		if span.TraceID == a.TraceID || strings.ReplaceAll(span.TraceID, "-", "") == a.TraceID {
			require.True(t, span.Completed(), span.Name)
			names[span.Name] = span.Status
		}
	}
	assert.Equal(t, map[string]string{
		"POST /ask":                 "CANCELED",
		"invoke_agent go-docs-lead": "CANCELED",
		"chat gpt-5-mini":           "CANCELED",
		"POST /chat/completions":    "CANCELED",
	}, names)
	assert.Contains(t, p.stdout.String(), " 0 not delivered.\n")
}

func TestWriteStats(t *testing.T) {
	var out strings.Builder
	writeStats(&out, asyncprocessor.Stats{
		Offered: 20, Exported: 8, Coalesced: 4, Dropped: 5, Queued: 2, InFlight: 1,
		DroppedBy: map[asyncprocessor.DropReason]uint64{"rejected": 1, "export_failed": 4},
	})
	assert.Equal(t, `In all traces of this process, its own start-up included:
Of 20 starts and ends of spans: 8 delivered, 4 starts not sent (the end says all of it), 8 not delivered.
  4 export_failed
  1 rejected
  3 still on their way
`, out.String())
}

func TestWrapWriter(t *testing.T) {
	var out strings.Builder
	w := &wrapWriter{w: &out, width: 20}
	for _, piece := range []string{"One two thr", "ee four five ", "six.\n\nÄÄÄÄÄ ÄÄÄÄÄ ÄÄÄÄÄÄÄÄ Ä", "\n``", "`go\nfunc main() { a very long line of code }\n", "\tx  :=  1\n```\nand then prose that wraps again", " a-word-that-is-longer-than-a-line", " end"} {
		n, err := w.Write([]byte(piece))
		require.NoError(t, err)
		require.Equal(t, len(piece), n)
	}
	require.NoError(t, w.Close())
	assert.Equal(t, "One two three four\nfive six.\n\nÄÄÄÄÄ ÄÄÄÄÄ ÄÄÄÄÄÄÄÄ\nÄ\n```go\nfunc main() { a very long line of code }\n\tx  :=  1\n```\nand then prose that\nwraps again\na-word-that-is-longer-than-a-line\nend", out.String())

	failing := &wrapWriter{w: failingWriter{}, width: 20}
	_, err := failing.Write([]byte("one two"))
	assert.ErrorIs(t, err, io.ErrClosedPipe)
}

type failingWriter struct{}

func (failingWriter) Write([]byte) (int, error) { return 0, io.ErrClosedPipe }
