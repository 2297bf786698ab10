package localmodel

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func post(t *testing.T, body string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	Handler(0).ServeHTTP(w, httptest.NewRequest(http.MethodPost, "/v1/chat/completions", strings.NewReader(body)))
	return w
}

// events returns the data of a stream's events.
func events(t *testing.T, body string) []string {
	t.Helper()
	var out []string
	for _, event := range strings.Split(strings.TrimSuffix(body, "\n\n"), "\n\n") {
		data, ok := strings.CutPrefix(event, "data: ")
		require.True(t, ok, event)
		out = append(out, data)
	}
	return out
}

func TestStreamIsTheWireFormat(t *testing.T) {
	w := post(t, `{"model":"local-docs-1","stream":true,"stream_options":{"include_usage":true},"messages":[{"role":"user","content":"Hi there"}]}`)
	require.Equal(t, http.StatusOK, w.Code)
	assert.Equal(t, "text/event-stream", w.Header().Get("Content-Type"))

	all := events(t, w.Body.String())
	assert.Equal(t, "[DONE]", all[len(all)-1])
	var chunks []model.Chunk
	var text string
	for _, data := range all[:len(all)-1] {
		var chunk model.Chunk
		require.NoError(t, json.Unmarshal([]byte(data), &chunk))
		assert.Equal(t, "chat.completion.chunk", chunk.Object)
		assert.Equal(t, "local-docs-1", chunk.Model)
		assert.True(t, strings.HasPrefix(chunk.ID, "chatcmpl-"))
		chunks = append(chunks, chunk)
		for _, choice := range chunk.Choices {
			text += choice.Delta.Content
		}
	}
	assert.Equal(t, "I answer questions about Go from its documentation, and need tools to read it.", text)
	assert.Equal(t, model.RoleAssistant, chunks[0].Choices[0].Delta.Role)
	assert.Equal(t, "stop", *chunks[len(chunks)-2].Choices[0].FinishReason)
	last := chunks[len(chunks)-1]
	assert.Empty(t, last.Choices)
	assert.Equal(t, 6, last.Usage.PromptTokens) // 2, and 4 for the message
	assert.Equal(t, len(chunks)-3, last.Usage.CompletionTokens, "a chunk for each token, and three others")
	assert.Equal(t, last.Usage.PromptTokens+last.Usage.CompletionTokens, last.Usage.TotalTokens)
}

func TestWholeAnswer(t *testing.T) {
	w := post(t, `{"model":"local-docs-1","messages":[{"role":"user","content":"How do I cancel?"}],
		"tools":[{"type":"function","function":{"name":"ask_researcher"}}]}`)
	require.Equal(t, http.StatusOK, w.Code)
	var answer struct {
		Object  string
		Choices []struct {
			Message      model.Message
			FinishReason string `json:"finish_reason"`
		}
	}
	require.NoError(t, json.Unmarshal(w.Body.Bytes(), &answer))
	assert.Equal(t, "chat.completion", answer.Object)
	require.Len(t, answer.Choices, 1)
	assert.Equal(t, "tool_calls", answer.Choices[0].FinishReason)
	require.Len(t, answer.Choices[0].Message.ToolCalls, 1)
	assert.Equal(t, model.FunctionCall{Name: "ask_researcher", Arguments: `{"question":"How do I cancel?"}`}, answer.Choices[0].Message.ToolCalls[0].Function)
}

func TestRefusals(t *testing.T) {
	for body, want := range map[string]struct {
		status  int
		message string
	}{
		"nonsense": {400, "the body is not a chat"},
		`{"model":"gpt-4","messages":[{"role":"user"}]}`: {404, `the model \"gpt-4\" does not exist, only \"local-docs-1\"`},
		`{"model":"local-docs-1"}`:                       {400, "messages is empty"},
	} {
		w := post(t, body)
		assert.Equal(t, want.status, w.Code)
		assert.Contains(t, w.Body.String(), want.message)
		assert.Contains(t, w.Body.String(), `"type":"invalid_request_error"`)
	}
}

func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := newCompletion(model.ChatRequest{}, reply{text: "one two three"})
		started := time.Now()
		require.NoError(t, stream(t.Context(), httptest.NewRecorder(), answer, 10*time.Millisecond))
		// The role after 8 paces; three tokens, the end, and the usage after one each.
		assert.Equal(t, 130*time.Millisecond, time.Since(started))
	})
}

func TestStreamEndsWithItsClient(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	err := stream(ctx, w, newCompletion(model.ChatRequest{}, reply{text: "one"}), time.Hour)
	require.ErrorIs(t, err, context.Canceled)
	assert.Empty(t, w.Body.String())
}

func TestStartAndClose(t *testing.T) {
	server, err := Start(0)
	require.NoError(t, err)
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	response, err := client.Post(server.BaseURL+"/chat/completions", "application/json",
		bytes.NewReader([]byte(`{"model":"local-docs-1","messages":[{"role":"user","content":"Hi"}]}`)))
	require.NoError(t, err)
	body, err := io.ReadAll(response.Body)
	require.NoError(t, err)
	require.NoError(t, response.Body.Close())
	assert.Contains(t, string(body), "I answer questions about Go")

	require.NoError(t, server.Close())
	_, err = net.Dial("tcp", strings.TrimSuffix(strings.TrimPrefix(server.BaseURL, "http://"), "/v1"))
	assert.ErrorIs(t, err, syscall.ECONNREFUSED)
}

func TestTokenize(t *testing.T) {
	assert.Equal(t, []string{"Hello", ",", " world", "."}, tokenize("Hello, world."))
	assert.Equal(t, []string{"http", ".", "NewReque", "stWithCo", "ntext", "(", "ctx", ")"}, tokenize("http.NewRequestWithContext(ctx)"))
	assert.Equal(t, []string{`{"`, "a", `":"`, "é1", `"}`}, tokenize(`{"a":"é1"}`))
	assert.Empty(t, tokenize(""))
	for _, text := range []string{"func main() {\n\tfmt.Println(\"ä\")\n}\n", "   a   b   ", "\n\n\n\n\n", "日本語のテキスト"} {
		assert.Equal(t, text, strings.Join(tokenize(text), ""))
	}
}
