package model

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const helloStream = `data: {"id":"chatcmpl-1","model":"m-2026","choices":[{"index":0,"delta":{"role":"assistant"}}]}
data: {"id":"chatcmpl-1","model":"m-2026","choices":[{"index":0,"delta":{"content":"Hello"}}]}
data: {"id":"chatcmpl-1","model":"m-2026","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}
data: {"choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3,"prompt_tokens_details":{"cached_tokens":8}}}
data: [DONE]
`

// newClient returns a client of a server that answers with handler, and the
// spans that it makes.
func newClient(t *testing.T, handler http.HandlerFunc) (*Client, *tracetest.SpanRecorder) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	recorder := tracetest.NewSpanRecorder()
	transport := &http.Transport{}
	t.Cleanup(transport.CloseIdleConnections)
	client, err := NewClient(Config{BaseURL: server.URL + "/v1", APIKey: "secret", Model: "m", Transport: transport},
		sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder)))
	require.NoError(t, err)
	return client, recorder
}

func values(span sdktrace.ReadOnlySpan) map[string]any {
	out := map[string]any{}
	for _, kv := range span.Attributes() {
		out[string(kv.Key)] = kv.Value.AsInterface()
	}
	return out
}

func TestChat(t *testing.T) {
	var header http.Header
	var body []byte
	client, recorder := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		header = r.Header
		body, _ = io.ReadAll(r.Body)
		assert.Equal(t, "/v1/chat/completions", r.URL.Path)
		_, _ = io.WriteString(w, helloStream)
	})
	messages := []Message{
		{Role: RoleSystem, Content: "Be brief."},
		{Role: RoleUser, Content: "Hi"},
		{Role: RoleAssistant, ToolCalls: []ToolCall{{ID: "call_a", Type: "function", Function: FunctionCall{Name: "look", Arguments: `{"at":"x"}`}}}},
		{Role: RoleTool, ToolCallID: "call_a", Content: "seen"},
	}
	tools := []Tool{{Type: "function", Function: Function{Name: "look", Description: "Looks.", Parameters: []byte(`{"type":"object"}`)}}}
	var pieces []string
	response, err := client.Chat(t.Context(), messages, tools, func(text string) { pieces = append(pieces, text) })
	require.NoError(t, err)
	assert.Equal(t, "Hello", response.Message.Content)
	assert.Equal(t, []string{"Hello"}, pieces)

	assert.Equal(t, "Bearer secret", header.Get("Authorization"))
	assert.Empty(t, header.Get("Traceparent"), "the model is another party")
	assert.JSONEq(t, `{"model":"m","stream":true,"stream_options":{"include_usage":true},
		"messages":[
			{"role":"system","content":"Be brief."},
			{"role":"user","content":"Hi"},
			{"role":"assistant","content":"","tool_calls":[{"id":"call_a","type":"function","function":{"name":"look","arguments":"{\"at\":\"x\"}"}}]},
			{"role":"tool","content":"seen","tool_call_id":"call_a"}],
		"tools":[{"type":"function","function":{"name":"look","description":"Looks.","parameters":{"type":"object"}}}]}`, string(body))

	spans := recorder.Ended()
	require.Len(t, spans, 2)
	http, chat := spans[0], spans[1]
	assert.Equal(t, "POST /v1/chat/completions", http.Name())
	assert.Equal(t, chat.SpanContext().SpanID(), http.Parent().SpanID())
	assert.Equal(t, "chat m", chat.Name())
	assert.Equal(t, trace.SpanKindClient, chat.SpanKind())
	got := values(chat)
	assert.Greater(t, got["gen_ai.response.time_to_first_chunk"], 0.0)
	assert.Positive(t, got["server.port"])
	delete(got, "gen_ai.response.time_to_first_chunk")
	delete(got, "server.port")
	assert.Equal(t, map[string]any{
		"gen_ai.operation.name": "chat",
		"gen_ai.provider.name":  "openai",
		"gen_ai.request.model":  "m",
		"gen_ai.request.stream": true,
		"gen_ai.input.messages": `[{"role":"system","parts":[{"type":"text","content":"Be brief."}]},` +
			`{"role":"user","parts":[{"type":"text","content":"Hi"}]},` +
			`{"role":"assistant","parts":[{"type":"tool_call","id":"call_a","name":"look","arguments":{"at":"x"}}]},` +
			`{"role":"tool","parts":[{"type":"tool_call_response","id":"call_a","response":"seen"}]}]`,
		"gen_ai.output.messages":               `[{"role":"assistant","parts":[{"type":"text","content":"Hello"}],"finish_reason":"stop"}]`,
		"gen_ai.tool.definitions":              `[{"name":"look","type":"function"}]`,
		"gen_ai.response.id":                   "chatcmpl-1",
		"gen_ai.response.model":                "m-2026",
		"gen_ai.response.finish_reasons":       []string{"stop"},
		"gen_ai.usage.input_tokens":            int64(12),
		"gen_ai.usage.output_tokens":           int64(3),
		"gen_ai.usage.cache_read.input_tokens": int64(8),
		"server.address":                       "127.0.0.1",
	}, got)
}

func TestChatAPIError(t *testing.T) {
	client, recorder := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusTooManyRequests)
		_, _ = io.WriteString(w, `{"error":{"message":"slow down","type":"rate_limit_error"}}`)
	})
	_, err := client.Chat(t.Context(), []Message{{Role: RoleUser, Content: "Hi"}}, nil, nil)
	var api *APIError
	require.ErrorAs(t, err, &api)
	assert.Equal(t, APIError{StatusCode: 429, Type: "rate_limit_error", Message: "slow down"}, *api)
	assert.EqualError(t, err, "the model API answered 429: slow down")

	spans := recorder.Ended()
	chat := spans[len(spans)-1]
	assert.Equal(t, codes.Error, chat.Status().Code)
	assert.Contains(t, chat.Attributes(), attribute.String("error.type", "rate_limit_error"))
	assert.NotContains(t, values(chat), "gen_ai.output.messages")
}

func TestChatErrorThatIsNotJSON(t *testing.T) {
	client, _ := newClient(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
		_, _ = io.WriteString(w, "<html>bad gateway</html>\n")
	})
	_, err := client.Chat(t.Context(), []Message{{Role: RoleUser, Content: "Hi"}}, nil, nil)
	var api *APIError
	require.ErrorAs(t, err, &api)
	assert.Equal(t, APIError{StatusCode: 502, Type: "502", Message: "<html>bad gateway</html>"}, *api)
}

func TestChatCancelled(t *testing.T) {
	arrived := make(chan struct{})
	client, recorder := newClient(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, `data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}`+"\n")
		_ = http.NewResponseController(w).Flush()
		close(arrived)
		<-r.Context().Done()
	})
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-arrived
		cancel()
	}()
	_, err := client.Chat(ctx, []Message{{Role: RoleUser, Content: "Hi"}}, nil, nil)
	require.ErrorIs(t, err, context.Canceled)
	for _, span := range recorder.Ended() {
		if span.Name() == "chat m" {
			assert.Contains(t, span.Attributes(), attribute.String("error.type", "canceled"))
			return
		}
	}
	t.Fatal("the chat's span has not ended")
}

func TestNewClientBadConfig(t *testing.T) {
	for name, cfg := range map[string]Config{
		`OPENAI_BASE_URL "api.openai.com/v1" is not an http or https URL`: {BaseURL: "api.openai.com/v1", Model: "m"},
		`OPENAI_BASE_URL "ftp://host" is not an http or https URL`:        {BaseURL: "ftp://host", Model: "m"},
		`OPENAI_MODEL is empty`: {BaseURL: "http://host/v1"},
	} {
		_, err := NewClient(cfg, noop.NewTracerProvider())
		require.ErrorIs(t, err, ErrBadConfig)
		assert.ErrorContains(t, err, name)
	}
	client, err := NewClient(Config{BaseURL: "https://api.openai.com/v1/", Model: "m"}, noop.NewTracerProvider())
	require.NoError(t, err)
	assert.Equal(t, "https://api.openai.com/v1/chat/completions", client.endpoint)
	assert.Equal(t, 443, client.port)
}

func TestUsageAdd(t *testing.T) {
	assert.Equal(t, Usage{11, 22, 33, 44}, Usage{1, 2, 3, 4}.Add(Usage{10, 20, 30, 40}))
}
