package model

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
)

// maxEventBytes bounds one event of a stream.
const maxEventBytes = 1 << 20

// maxToolCalls bounds the tool calls of one answer.
const maxToolCalls = 64

// ErrBadStream says that a streamed answer was not one, or was cut off.
var ErrBadStream = genai.NewError("bad_stream", "bad stream from the model")

// readStream puts a streamed answer together. onContent, if not nil, is called
// with each piece of the content as it arrives, onChunk with no argument for
// each chunk of any kind.
//
// The stream is server-sent events whose data is a [Chunk], then "[DONE]".
// Fields other than data, and comments, are passed over, as the format demands.
func readStream(body io.Reader, onChunk func(), onContent func(string)) (Response, error) {
	answer := assembler{response: Response{Message: Message{Role: RoleAssistant}}, onContent: onContent}
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 16<<10), maxEventBytes)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data:"))
		if !ok {
			continue
		}
		data = bytes.TrimSpace(data)
		if string(data) == "[DONE]" {
			return answer.finish()
		}
		var chunk Chunk
		if err := json.Unmarshal(data, &chunk); err != nil {
			return Response{}, fmt.Errorf("%w: %w", ErrBadStream, err)
		}
		onChunk()
		if err := answer.add(chunk); err != nil {
			return Response{}, err
		}
	}
	if err := lines.Err(); err != nil {
		return Response{}, fmt.Errorf("read the model's answer: %w", err)
	}
	return Response{}, fmt.Errorf("%w: it ended before [DONE]", ErrBadStream)
}

// assembler collects chunks.
type assembler struct {
	response  Response
	content   []byte
	onContent func(string)
}

func (a *assembler) add(chunk Chunk) error {
	if chunk.Error != nil {
		return &APIError{Type: chunk.Error.Type, Message: chunk.Error.Message}
	}
	if chunk.ID != "" {
		a.response.ID = chunk.ID
	}
	if chunk.Model != "" {
		a.response.Model = chunk.Model
	}
	if chunk.Usage != nil {
		a.response.Usage = Usage{
			InputTokens:       chunk.Usage.PromptTokens,
			OutputTokens:      chunk.Usage.CompletionTokens,
			CachedInputTokens: chunk.Usage.PromptTokensDetails.CachedTokens,
			ReasoningTokens:   chunk.Usage.CompletionTokensDetails.ReasoningTokens,
		}
	}
	for _, choice := range chunk.Choices {
		if choice.Index != 0 {
			continue // one choice was asked for
		}
		if choice.FinishReason != nil {
			a.response.FinishReason = *choice.FinishReason
		}
		if text := choice.Delta.Content; text != "" {
			a.content = append(a.content, text...)
			if a.onContent != nil {
				a.onContent(text)
			}
		}
		for _, delta := range choice.Delta.ToolCalls {
			if err := a.addToolCall(delta); err != nil {
				return err
			}
		}
	}
	return nil
}

func (a *assembler) addToolCall(delta ToolCallDelta) error {
	calls := a.response.Message.ToolCalls
	if delta.Index < 0 || delta.Index > len(calls) || delta.Index >= maxToolCalls {
		return fmt.Errorf("%w: tool call %d after %d", ErrBadStream, delta.Index, len(calls))
	}
	if delta.Index == len(calls) {
		calls = append(calls, ToolCall{Type: "function"})
	}
	call := &calls[delta.Index]
	if delta.ID != "" {
		call.ID = delta.ID
	}
	call.Function.Name += delta.Function.Name
	call.Function.Arguments += delta.Function.Arguments
	a.response.Message.ToolCalls = calls
	return nil
}

func (a *assembler) finish() (Response, error) {
	a.response.Message.Content = string(a.content)
	if a.response.FinishReason == "" {
		return Response{}, fmt.Errorf("%w: no finish_reason", ErrBadStream)
	}
	return a.response, nil
}
