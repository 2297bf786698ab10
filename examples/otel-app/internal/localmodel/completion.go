package localmodel

import (
	"crypto/rand"
	"iter"
	"time"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

// reply is what the model says: text, or calls of tools.
type reply struct {
	text  string
	calls []model.ToolCall
}

// call returns a tool call. arguments is what becomes a JSON object.
func call(name string, arguments any) model.ToolCall {
	return model.ToolCall{
		ID:       "call_" + rand.Text()[:16],
		Type:     "function",
		Function: model.FunctionCall{Name: name, Arguments: genai.JSON(arguments)},
	}
}

// completion is a reply in the API's form.
type completion struct {
	reply
	id      string
	created int64
	usage   model.WireUsage
}

func newCompletion(chat model.ChatRequest, r reply) *completion {
	c := &completion{reply: r, id: "chatcmpl-" + rand.Text(), created: time.Now().Unix()}
	for _, m := range chat.Messages {
		c.usage.PromptTokens += 4 + countTokens(m.Content) // 4 mark a message's ends and its role
		for _, tc := range m.ToolCalls {
			c.usage.PromptTokens += countTokens(tc.Function.Name) + countTokens(tc.Function.Arguments)
		}
	}
	for _, t := range chat.Tools {
		c.usage.PromptTokens += countTokens(t.Function.Name) + countTokens(t.Function.Description) + countTokens(string(t.Function.Parameters))
	}
	c.usage.CompletionTokens = countTokens(r.text)
	for _, tc := range r.calls {
		c.usage.CompletionTokens += countTokens(tc.Function.Name) + countTokens(tc.Function.Arguments)
	}
	c.usage.TotalTokens = c.usage.PromptTokens + c.usage.CompletionTokens
	return c
}

func (c *completion) finishReason() string {
	if len(c.calls) > 0 {
		return "tool_calls"
	}
	return "stop"
}

// chunks yields the answer as a stream has it: the role, the tokens, the reason
// for the end, the usage.
func (c *completion) chunks() iter.Seq[model.Chunk] {
	return func(yield func(model.Chunk) bool) {
		send := func(delta model.Delta, finish *string) bool {
			chunk := c.chunk()
			chunk.Choices = []model.ChunkChoice{{Delta: delta, FinishReason: finish}}
			return yield(chunk)
		}
		if !send(model.Delta{Role: model.RoleAssistant}, nil) {
			return
		}
		for _, token := range tokenize(c.text) {
			if !send(model.Delta{Content: token}, nil) {
				return
			}
		}
		for i, tc := range c.calls {
			first := model.ToolCallDelta{Index: i, ID: tc.ID, Type: tc.Type, Function: model.FunctionCall{Name: tc.Function.Name}}
			if !send(model.Delta{ToolCalls: []model.ToolCallDelta{first}}, nil) {
				return
			}
			for _, token := range tokenize(tc.Function.Arguments) {
				piece := model.ToolCallDelta{Index: i, Function: model.FunctionCall{Arguments: token}}
				if !send(model.Delta{ToolCalls: []model.ToolCallDelta{piece}}, nil) {
					return
				}
			}
		}
		reason := c.finishReason()
		if !send(model.Delta{}, &reason) {
			return
		}
		last := c.chunk()
		last.Choices, last.Usage = []model.ChunkChoice{}, &c.usage
		yield(last)
	}
}

func (c *completion) chunk() model.Chunk {
	return model.Chunk{ID: c.id, Object: "chat.completion.chunk", Created: c.created, Model: Name}
}

// whole returns the answer in one piece, for a chat that is not streamed.
func (c *completion) whole() map[string]any {
	return map[string]any{
		"id": c.id, "object": "chat.completion", "created": c.created, "model": Name, "usage": c.usage,
		"choices": []map[string]any{{
			"index": 0, "finish_reason": c.finishReason(),
			"message": model.Message{Role: model.RoleAssistant, Content: c.text, ToolCalls: c.calls},
		}},
	}
}
