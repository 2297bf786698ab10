// Package model is a client of an OpenAI-compatible chat completions API, with
// streaming, tool calls, and spans by the OpenTelemetry semantic conventions
// for generative AI.
package model

import "encoding/json"

// Role says whose a [Message] is.
type Role string

// The roles of messages.
const (
	RoleSystem    Role = "system"
	RoleUser      Role = "user"
	RoleAssistant Role = "assistant"
	RoleTool      Role = "tool"
)

// Message is one message of a chat, in the API's own form.
type Message struct {
	Role    Role   `json:"role"`
	Content string `json:"content"`
	// ToolCalls are the calls that an assistant's message asks for.
	ToolCalls []ToolCall `json:"tool_calls,omitempty"`
	// ToolCallID says which call a tool's message answers.
	ToolCallID string `json:"tool_call_id,omitempty"`
}

// ToolCall is a model's wish to have a tool called.
type ToolCall struct {
	ID       string       `json:"id"`
	Type     string       `json:"type"` // "function"
	Function FunctionCall `json:"function"`
}

// FunctionCall is the function of a [ToolCall].
type FunctionCall struct {
	Name string `json:"name"`
	// Arguments is the text of a JSON object, as the model wrote it: it can be
	// invalid.
	Arguments string `json:"arguments"`
}

// Tool describes a tool to the model.
type Tool struct {
	Type     string   `json:"type"` // "function"
	Function Function `json:"function"`
}

// Function describes the function of a [Tool].
type Function struct {
	Name        string `json:"name"`
	Description string `json:"description"`
	// Parameters is the JSON Schema of the arguments.
	Parameters json.RawMessage `json:"parameters"`
}

// Usage counts the tokens of one or more calls.
type Usage struct {
	InputTokens       int
	OutputTokens      int
	CachedInputTokens int // of InputTokens
	ReasoningTokens   int // of OutputTokens
}

// Add returns the sum.
func (u Usage) Add(v Usage) Usage {
	return Usage{
		InputTokens:       u.InputTokens + v.InputTokens,
		OutputTokens:      u.OutputTokens + v.OutputTokens,
		CachedInputTokens: u.CachedInputTokens + v.CachedInputTokens,
		ReasoningTokens:   u.ReasoningTokens + v.ReasoningTokens,
	}
}

// Response is a whole answer of the model.
type Response struct {
	ID           string
	Model        string
	Message      Message
	FinishReason string
	Usage        Usage
}
