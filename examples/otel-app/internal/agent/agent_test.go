package agent

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/docs"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/localmodel"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// newTeam returns a team whose model answers with handler, and the spans that it
// makes. It knows the documentation under goroot.
func newTeam(t *testing.T, goroot string, handler http.Handler) (*Agent, *tracetest.SpanRecorder) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(genai.ConversationProcessor{}), sdktrace.WithSpanProcessor(recorder))
	index, err := docs.Build(t.Context(), goroot, provider)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, index.Close()) })
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := model.NewClient(model.Config{BaseURL: server.URL + "/v1", Model: localmodel.Name, Transport: transport}, provider)
	require.NoError(t, err)
	recorder.Reset()
	return NewTeam(client, index, provider), recorder
}

// partOfGOROOT returns a GOROOT with some packages of the real one.
func partOfGOROOT(t *testing.T) string {
	t.Helper()
	goroot, err := docs.FindGOROOT(t.Context(), "")
	require.NoError(t, err)
	part := t.TempDir()
	for _, pkg := range []string{"bufio", "context", "encoding/json", "io", "net", "net/http", "os", "os/signal", "sync", "time"} {
		to := filepath.Join(part, "src", pkg)
		require.NoError(t, os.MkdirAll(to, 0o700))
		files, err := filepath.Glob(filepath.Join(goroot, "src", pkg, "*.go"))
		require.NoError(t, err)
		for _, file := range files {
			content, err := os.ReadFile(file)
			require.NoError(t, err)
			require.NoError(t, os.WriteFile(filepath.Join(to, filepath.Base(file)), content, 0o600))
		}
	}
	return part
}

const smallGOROOT = "../docs/testdata/goroot"

// tree draws spans as lines, indented below their parents, in the order in which
// they ended.
func tree(spans []sdktrace.ReadOnlySpan) string {
	var out strings.Builder
	var draw func(parent string, depth int)
	draw = func(parent string, depth int) {
		for _, span := range spans {
			if p := span.Parent(); (p.IsValid() && p.SpanID().String() == parent) || (!p.IsValid() && parent == "") {
				status := ""
				if span.Status().Code == codes.Error {
					status = " ERROR"
				}
				out.WriteString(strings.Repeat("  ", depth) + span.Name() + status + "\n")
				draw(span.SpanContext().SpanID().String(), depth+1)
			}
		}
	}
	draw("", 0)
	return out.String()
}

func attributes(span sdktrace.ReadOnlySpan) map[string]any {
	out := map[string]any{}
	for _, kv := range span.Attributes() {
		out[string(kv.Key)] = kv.Value.AsInterface()
	}
	return out
}

func named(t *testing.T, spans []sdktrace.ReadOnlySpan, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	for _, span := range spans {
		if span.Name() == name {
			return span
		}
	}
	t.Fatalf("no span %q", name)
	return nil
}

// TestTeamAnswers holds the default question from end to end: on real
// documentation, through the local model's HTTP API, with go vet.
func TestTeamAnswers(t *testing.T) {
	lead, recorder := newTeam(t, partOfGOROOT(t), localmodel.Handler(0))

	var streamed strings.Builder
	ctx := genai.ContextWithConversation(t.Context(), "conv_1")
	answer, err := lead.Invoke(ctx, "how do I cancel an HTTP request?", func(text string) { streamed.WriteString(text) })
	require.NoError(t, err)
	assert.Equal(t, "I will look that up in the standard library's documentation.\n\n"+answer, streamed.String())
	for _, want := range []string{
		"Use `http.NewRequestWithContext` with `context.WithCancel`",
		"- `http.NewRequestWithContext`: NewRequestWithContext returns a new Request given a method, URL, and optional body. For an outgoing client request, the context controls the entire lifetime of a request and its response: obtaining a connection, sending the request, and reading the response headers and body. [1]\n",
		"- `context.WithCancel`: ",
		"it passes gofmt and go vet:\n\n```go\npackage main\n\nimport (\n\t\"context\"\n\t\"fmt\"\n\t\"net/http\"\n)\n",
		"\treq, err := http.NewRequestWithContext(ctx, http.MethodGet, \"https://go.dev/\", nil)\n",
		"Note: package net/http has no symbol CancelRequest; similar: Request, Transport.CancelRequest (deprecated).\n",
		"[1] net/http/request.go:",
		"https://pkg.go.dev/context#WithCancel\n",
	} {
		assert.Contains(t, answer, want)
	}

	spans := recorder.Ended()
	assert.Equal(t, `invoke_agent go-docs-lead
  chat local-docs-1
    POST /v1/chat/completions
  execute_tool ask_researcher
    invoke_agent go-docs-researcher
      chat local-docs-1
        POST /v1/chat/completions
      execute_tool search_docs
        retrieval go-stdlib-docs
          SELECT passages
      execute_tool search_docs
        retrieval go-stdlib-docs
          SELECT passages
      chat local-docs-1
        POST /v1/chat/completions
      execute_tool lookup_symbol
      execute_tool lookup_symbol
      execute_tool lookup_symbol
      execute_tool lookup_symbol
      chat local-docs-1
        POST /v1/chat/completions
  chat local-docs-1
    POST /v1/chat/completions
  execute_tool ask_reviewer
    invoke_agent go-example-reviewer
      chat local-docs-1
        POST /v1/chat/completions
      execute_tool check_example ERROR
        gofmt
        go vet ERROR
      chat local-docs-1
        POST /v1/chat/completions
      execute_tool check_example
        gofmt
        go vet
      chat local-docs-1
        POST /v1/chat/completions
  chat local-docs-1
    POST /v1/chat/completions
`, strings.Replace(tree(spans), "lookup_symbol ERROR\n", "lookup_symbol\n", 1))

	failures := 0
	for _, span := range spans {
		assert.Equal(t, "conv_1", attributes(span)["gen_ai.conversation.id"], span.Name())
		if span.Name() == "execute_tool lookup_symbol" && span.Status().Code == codes.Error {
			failures++
			assert.Equal(t, "no_such_symbol", attributes(span)["error.type"])
		}
	}
	assert.Equal(t, 1, failures)
	root := attributes(named(t, spans, "invoke_agent go-docs-lead"))
	assert.Equal(t, "go-docs-lead", root["gen_ai.agent.name"])
	assert.Equal(t, `[{"role":"user","parts":[{"type":"text","content":"how do I cancel an HTTP request?"}]}]`, root["gen_ai.input.messages"])
	assert.Contains(t, root["gen_ai.output.messages"], "Use `http.NewRequestWithContext`")
}

func TestUsageAddsUp(t *testing.T) {
	lead, recorder := newTeam(t, smallGOROOT, localmodel.Handler(0))
	_, err := lead.Invoke(t.Context(), "how do I cancel an HTTP request?", nil)
	require.NoError(t, err)

	spans := recorder.Ended()
	agentOf := map[string]string{} // of a chat's parent
	for _, span := range spans {
		if agent, ok := strings.CutPrefix(span.Name(), "invoke_agent "); ok {
			agentOf[span.SpanContext().SpanID().String()] = agent
		}
	}
	sums := map[string]int64{}
	for _, span := range spans {
		if span.Name() == "chat local-docs-1" {
			sums[agentOf[span.Parent().SpanID().String()]] += attributes(span)["gen_ai.usage.input_tokens"].(int64)
		}
	}
	total := func(name string) any {
		return attributes(named(t, spans, "invoke_agent "+name))["gen_ai.usage.input_tokens"]
	}
	assert.Positive(t, sums["go-docs-researcher"])
	assert.Equal(t, sums["go-docs-researcher"], total("go-docs-researcher"))
	assert.Equal(t, sums["go-example-reviewer"], total("go-example-reviewer"))
	assert.Equal(t, sums["go-docs-lead"]+sums["go-docs-researcher"]+sums["go-example-reviewer"], total("go-docs-lead"))
}

// says answers every chat with the same message.
func says(delta, finish string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, `data: {"choices":[{"index":0,"delta":`+delta+`,"finish_reason":"`+finish+`"}]}`+"\ndata: [DONE]\n")
	})
}

func TestModelNeverAnswers(t *testing.T) {
	lead, recorder := newTeam(t, smallGOROOT, says(`{"tool_calls":[{"index":0,"id":"call_1","function":{"name":"nonsense","arguments":"{}"}}]}`, "tool_calls"))
	_, err := lead.Invoke(t.Context(), "why?", nil)
	require.ErrorIs(t, err, ErrTooManyTurns)
	require.EqualError(t, err, "go-docs-lead: the model did not come to an answer in 10 turns")

	spans := recorder.Ended()
	assert.Equal(t, 10, strings.Count(tree(spans), "chat local-docs-1\n"))
	tool := named(t, spans, "execute_tool nonsense")
	assert.Equal(t, `unknown tool: "nonsense"`, tool.Status().Description)
	assert.Equal(t, "too_many_turns", attributes(named(t, spans, "invoke_agent go-docs-lead"))["error.type"])
}

func TestModelFails(t *testing.T) {
	lead, recorder := newTeam(t, smallGOROOT, http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = io.WriteString(w, `{"error":{"message":"Incorrect API key provided","type":"invalid_api_key"}}`)
	}))
	_, err := lead.Invoke(t.Context(), "why?", nil)
	require.EqualError(t, err, "go-docs-lead: the model API answered 401: Incorrect API key provided")
	assert.Equal(t, `invoke_agent go-docs-lead ERROR
  chat local-docs-1 ERROR
    POST /v1/chat/completions ERROR
`, tree(recorder.Ended()))
}

// TestSubAgentFails: a researcher that cannot work is a failed tool to the lead,
// which still answers.
func TestSubAgentFails(t *testing.T) {
	local := localmodel.Handler(0)
	lead, recorder := newTeam(t, smallGOROOT, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), `"name":"search_docs"`) {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		r.Body = io.NopCloser(strings.NewReader(string(body)))
		local.ServeHTTP(w, r)
	}))
	answer, err := lead.Invoke(t.Context(), "how do I cancel an HTTP request?", nil)
	require.NoError(t, err)
	assert.Contains(t, answer, "The documentation of the standard library has nothing on that")
	spans := recorder.Ended()
	assert.Equal(t, codes.Error, named(t, spans, "execute_tool ask_researcher").Status().Code)
	assert.Equal(t, codes.Unset, named(t, spans, "invoke_agent go-docs-lead").Status().Code)
}

func TestInvokeCancelled(t *testing.T) {
	arrived := make(chan struct{})
	lead, recorder := newTeam(t, smallGOROOT, http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		close(arrived)
		<-r.Context().Done()
	}))
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := lead.Invoke(ctx, "why?", nil)
	require.ErrorIs(t, err, context.Canceled)
	assert.Equal(t, "canceled", attributes(named(t, recorder.Ended(), "invoke_agent go-docs-lead"))["error.type"])
}
