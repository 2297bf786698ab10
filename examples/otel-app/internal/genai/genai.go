// Package genai holds the names of the OpenTelemetry semantic conventions for
// generative AI that this service uses, and the JSON of their structured
// attributes.
//
// They are those of open-telemetry/semantic-conventions-genai v0.1.0, all still
// of status Development. The Go module go.opentelemetry.io/otel/semconv no
// longer has them since they moved to that repository.
package genai

import (
	"encoding/json"

	"go.opentelemetry.io/otel/attribute"
)

// Attribute keys.
const (
	OperationName      = attribute.Key("gen_ai.operation.name")
	ProviderName       = attribute.Key("gen_ai.provider.name")
	ConversationID     = attribute.Key("gen_ai.conversation.id")
	OutputType         = attribute.Key("gen_ai.output.type")
	InputMessages      = attribute.Key("gen_ai.input.messages")
	OutputMessages     = attribute.Key("gen_ai.output.messages")
	SystemInstructions = attribute.Key("gen_ai.system_instructions")

	RequestModel     = attribute.Key("gen_ai.request.model")
	RequestStream    = attribute.Key("gen_ai.request.stream")
	RequestMaxTokens = attribute.Key("gen_ai.request.max_tokens")

	ResponseID               = attribute.Key("gen_ai.response.id")
	ResponseModel            = attribute.Key("gen_ai.response.model")
	ResponseFinishReasons    = attribute.Key("gen_ai.response.finish_reasons")
	ResponseTimeToFirstChunk = attribute.Key("gen_ai.response.time_to_first_chunk")

	UsageInputTokens           = attribute.Key("gen_ai.usage.input_tokens")
	UsageOutputTokens          = attribute.Key("gen_ai.usage.output_tokens")
	UsageCacheReadInputTokens  = attribute.Key("gen_ai.usage.cache_read.input_tokens")
	UsageReasoningOutputTokens = attribute.Key("gen_ai.usage.reasoning.output_tokens")

	AgentName        = attribute.Key("gen_ai.agent.name")
	AgentDescription = attribute.Key("gen_ai.agent.description")

	ToolName          = attribute.Key("gen_ai.tool.name")
	ToolType          = attribute.Key("gen_ai.tool.type")
	ToolDescription   = attribute.Key("gen_ai.tool.description")
	ToolCallID        = attribute.Key("gen_ai.tool.call.id")
	ToolCallArguments = attribute.Key("gen_ai.tool.call.arguments")
	ToolCallResult    = attribute.Key("gen_ai.tool.call.result")
	ToolDefinitions   = attribute.Key("gen_ai.tool.definitions")

	DataSourceID       = attribute.Key("gen_ai.data_source.id")
	RetrievalQueryText = attribute.Key("gen_ai.retrieval.query.text")
	RetrievalTopK      = attribute.Key("gen_ai.retrieval.top_k")
	RetrievalDocuments = attribute.Key("gen_ai.retrieval.documents")
)

// Values of [OperationName].
const (
	OperationChat        = "chat"
	OperationInvokeAgent = "invoke_agent"
	OperationExecuteTool = "execute_tool"
	OperationRetrieval   = "retrieval"
)

// Message is an element of [InputMessages] or, with a FinishReason, of
// [OutputMessages].
type Message struct {
	Role         string `json:"role"`
	Parts        []Part `json:"parts"`
	FinishReason string `json:"finish_reason,omitempty"`
}

// Part is a part of a [Message], or an element of [SystemInstructions].
type Part struct {
	// Type is "text", "tool_call" or "tool_call_response".
	Type      string          `json:"type"`
	Content   string          `json:"content,omitempty"`
	ID        string          `json:"id,omitempty"`
	Name      string          `json:"name,omitempty"`
	Arguments json.RawMessage `json:"arguments,omitempty"`
	Response  string          `json:"response,omitempty"`
}

// Text returns a part of type "text".
func Text(content string) Part { return Part{Type: "text", Content: content} }

// JSON returns the JSON text of a structured attribute: OpenTelemetry for Go
// has no structured values on spans, and the conventions allow text there.
// A value that cannot be encoded, which those of this package always can,
// gives "null".
func JSON(value any) string {
	text, err := json.Marshal(value)
	if err != nil {
		return "null"
	}
	return string(text)
}
