package model

import (
	"context"
	"encoding/json"
	"time"

	"go.opentelemetry.io/otel/attribute"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
)

// ProviderName is gen_ai.provider.name: it tells the flavour of the API, which
// the conventions keep apart from who runs the model; that server.address tells.
const ProviderName = "openai"

// chatSpan is the span of one call of the model.
type chatSpan struct {
	trace.Span
	started time.Time
	chunks  int
}

func (c *Client) startSpan(ctx context.Context, messages []Message, tools []Tool) (context.Context, *chatSpan) {
	input := InputMessages(messages)
	attributes := []attribute.KeyValue{
		genai.OperationName.String(genai.OperationChat),
		genai.ProviderName.String(ProviderName),
		genai.RequestModel.String(c.model),
		genai.RequestStream.Bool(true),
		genai.InputMessages.String(genai.JSON(input)),
		semconv.ServerAddress(c.address),
		semconv.ServerPort(c.port),
	}
	if len(tools) > 0 {
		attributes = append(attributes, genai.ToolDefinitions.String(genai.JSON(toolDefinitions(tools))))
	}
	ctx, span := c.tracer.Start(ctx, genai.OperationChat+" "+c.model,
		trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(attributes...))
	return ctx, &chatSpan{Span: span, started: time.Now()}
}

func (s *chatSpan) onChunk() {
	s.chunks++
	if s.chunks == 1 {
		s.SetAttributes(genai.ResponseTimeToFirstChunk.Float64(time.Since(s.started).Seconds()))
	}
}

func (s *chatSpan) end(response Response, err error) {
	defer s.End()
	if err != nil {
		genai.Fail(s, err)
		return
	}
	output := genai.Message{Role: string(RoleAssistant), Parts: parts(response.Message), FinishReason: finishReason(response.FinishReason)}
	s.SetAttributes(
		genai.ResponseID.String(response.ID),
		genai.ResponseModel.String(response.Model),
		genai.ResponseFinishReasons.StringSlice([]string{response.FinishReason}),
		genai.OutputMessages.String(genai.JSON([]genai.Message{output})),
	)
	s.SetAttributes(response.Usage.Attributes()...)
}

// Attributes returns the gen_ai.usage attributes.
func (u Usage) Attributes() []attribute.KeyValue {
	out := []attribute.KeyValue{
		genai.UsageInputTokens.Int(u.InputTokens),
		genai.UsageOutputTokens.Int(u.OutputTokens),
	}
	if u.CachedInputTokens > 0 {
		out = append(out, genai.UsageCacheReadInputTokens.Int(u.CachedInputTokens))
	}
	if u.ReasoningTokens > 0 {
		out = append(out, genai.UsageReasoningOutputTokens.Int(u.ReasoningTokens))
	}
	return out
}

// finishReason translates the API's word into that of the conventions' schema.
func finishReason(reason string) string {
	if reason == "tool_calls" {
		return "tool_call"
	}
	return reason
}

// InputMessages returns a chat in the form of gen_ai.input.messages. This API
// has the system's instructions in the chat, so they stay there.
func InputMessages(messages []Message) []genai.Message {
	out := make([]genai.Message, len(messages))
	for i, m := range messages {
		out[i] = genai.Message{Role: string(m.Role), Parts: parts(m)}
	}
	return out
}

func parts(m Message) []genai.Part {
	if m.Role == RoleTool {
		return []genai.Part{{Type: "tool_call_response", ID: m.ToolCallID, Response: m.Content}}
	}
	out := []genai.Part{}
	if m.Content != "" {
		out = append(out, genai.Text(m.Content))
	}
	for _, call := range m.ToolCalls {
		arguments := json.RawMessage(call.Function.Arguments)
		if !json.Valid(arguments) {
			arguments = json.RawMessage(genai.JSON(call.Function.Arguments))
		}
		out = append(out, genai.Part{Type: "tool_call", ID: call.ID, Name: call.Function.Name, Arguments: arguments})
	}
	return out
}

// toolDefinitions names the tools; the conventions advise against more, for
// its size.
func toolDefinitions(tools []Tool) []map[string]string {
	out := make([]map[string]string, len(tools))
	for i, t := range tools {
		out[i] = map[string]string{"type": t.Type, "name": t.Function.Name}
	}
	return out
}
