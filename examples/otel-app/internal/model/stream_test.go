package model

import (
	"errors"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// read reads a stream and returns what the callbacks saw too.
func read(stream string) (response Response, pieces []string, chunks int, err error) {
	response, err = readStream(iotest.OneByteReader(strings.NewReader(stream)),
		func() { chunks++ }, func(text string) { pieces = append(pieces, text) })
	return response, pieces, chunks, err
}

func TestReadStreamContent(t *testing.T) {
	response, pieces, chunks, err := read(`: a comment, as servers send to keep a connection open

data: {"id":"chatcmpl-1","object":"chat.completion.chunk","model":"m-2026","choices":[{"index":0,"delta":{"role":"assistant","content":""},"finish_reason":null}]}

event: message
data: {"id":"chatcmpl-1","model":"m-2026","choices":[{"index":0,"delta":{"content":"Hello"},"finish_reason":null}]}

data:{"id":"chatcmpl-1","model":"m-2026","choices":[{"index":0,"delta":{"content":", wörld"},"finish_reason":null},{"index":1,"delta":{"content":"another choice"}}]}

data: {"id":"chatcmpl-1","model":"m-2026","choices":[{"index":0,"delta":{},"finish_reason":"stop"}]}

data: {"id":"chatcmpl-1","model":"m-2026","choices":[],"usage":{"prompt_tokens":12,"completion_tokens":3,"total_tokens":15,"prompt_tokens_details":{"cached_tokens":8},"completion_tokens_details":{"reasoning_tokens":1}}}

data: [DONE]

data: not read any more
`)
	require.NoError(t, err)
	assert.Equal(t, Response{
		ID: "chatcmpl-1", Model: "m-2026", FinishReason: "stop",
		Message: Message{Role: RoleAssistant, Content: "Hello, wörld"},
		Usage:   Usage{InputTokens: 12, OutputTokens: 3, CachedInputTokens: 8, ReasoningTokens: 1},
	}, response)
	assert.Equal(t, []string{"Hello", ", wörld"}, pieces)
	assert.Equal(t, 5, chunks)
}

func TestReadStreamToolCalls(t *testing.T) {
	response, pieces, _, err := read(`data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"id":"call_a","type":"function","function":{"name":"search","arguments":""}}]}}]}
data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"{\"query\":"}}]}}]}
data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1,"id":"call_b","type":"function","function":{"name":"look","arguments":"{}"}}]}}]}
data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":0,"function":{"arguments":"\"x\"}"}}]}}]}
data: {"choices":[{"index":0,"delta":{},"finish_reason":"tool_calls"}]}
data: [DONE]
`)
	require.NoError(t, err)
	assert.Equal(t, "tool_calls", response.FinishReason)
	assert.Equal(t, []ToolCall{
		{ID: "call_a", Type: "function", Function: FunctionCall{Name: "search", Arguments: `{"query":"x"}`}},
		{ID: "call_b", Type: "function", Function: FunctionCall{Name: "look", Arguments: "{}"}},
	}, response.Message.ToolCalls)
	assert.Empty(t, pieces)
}

func TestReadStreamIsBad(t *testing.T) {
	for name, stream := range map[string]string{
		"cut off":               `data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}` + "\n",
		"empty":                 "",
		"not JSON":              "data: <html>\n",
		"no end of the choice":  `data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}` + "\ndata: [DONE]\n",
		"a call out of order":   `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":1}]}}]}` + "\n",
		"a call before the 1st": `data: {"choices":[{"index":0,"delta":{"tool_calls":[{"index":-1}]}}]}` + "\n",
	} {
		_, _, _, err := read(stream)
		assert.ErrorIs(t, err, ErrBadStream, name)
	}
}

func TestReadStreamErrorWithin(t *testing.T) {
	_, _, _, err := read(`data: {"choices":[{"index":0,"delta":{"content":"Hel"}}]}` + "\n" +
		`data: {"error":{"message":"the engine is overloaded","type":"overloaded_error","code":529}}` + "\n")
	var api *APIError
	require.ErrorAs(t, err, &api)
	assert.Equal(t, APIError{Type: "overloaded_error", Message: "the engine is overloaded"}, *api)
}

func TestReadStreamConnectionBreaks(t *testing.T) {
	broken := errors.New("connection reset")
	_, err := readStream(io.MultiReader(strings.NewReader("data: {}\n"), iotest.ErrReader(broken)), func() {}, nil)
	assert.ErrorIs(t, err, broken)
}
