// Package tools holds what agents can call: a search in the documentation, a
// look at one symbol, a check of an example.
package tools

import (
	"context"
	"encoding/json"
	"fmt"

	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
)

const scope = "github.com/otelsgp/otelsgp/examples/otel-app/internal/tools"

// ErrBadArguments says that the model called a tool with arguments that it
// does not take.
var ErrBadArguments = genai.NewError("bad_arguments", "bad arguments")

// ErrUnknownTool says that the model called a tool that it was not given.
var ErrUnknownTool = genai.NewError("unknown_tool", "unknown tool")

// Tool is something that a model can have called.
type Tool struct {
	// Name and Description are what the model sees.
	Name        string
	Description string
	// Parameters is the JSON Schema of the arguments.
	Parameters string
	// Run calls the tool with the arguments, a JSON object, and returns its
	// result as text for the model. The error's text is for the model too.
	Run func(ctx context.Context, arguments json.RawMessage) (string, error)
}

// Definition returns the tool as the model API has it.
func (t Tool) Definition() model.Tool {
	return model.Tool{Type: "function", Function: model.Function{
		Name: t.Name, Description: t.Description, Parameters: json.RawMessage(t.Parameters),
	}}
}

// Execute runs the tool of a set that a model's call names, in a span
// "execute_tool {name}".
func Execute(ctx context.Context, provider trace.TracerProvider, set []Tool, call model.ToolCall) (_ string, err error) {
	ctx, span := provider.Tracer(scope).Start(ctx, genai.OperationExecuteTool+" "+call.Function.Name, trace.WithAttributes(
		genai.OperationName.String(genai.OperationExecuteTool),
		genai.ToolName.String(call.Function.Name),
		genai.ToolType.String("function"),
		genai.ToolCallID.String(call.ID),
		genai.ToolCallArguments.String(call.Function.Arguments),
	))
	defer func() {
		if err != nil {
			genai.Fail(span, err)
		}
		span.End()
	}()
	for _, tool := range set {
		if tool.Name != call.Function.Name {
			continue
		}
		span.SetAttributes(genai.ToolDescription.String(tool.Description))
		result, err := tool.Run(ctx, json.RawMessage(call.Function.Arguments))
		if err == nil {
			span.SetAttributes(genai.ToolCallResult.String(result))
		}
		return result, err
	}
	return "", fmt.Errorf("%w: %q", ErrUnknownTool, call.Function.Name)
}

// Arguments reads a call's arguments into a value of type T. Its error wraps
// [ErrBadArguments].
func Arguments[T any](text json.RawMessage) (T, error) {
	var args T
	if err := json.Unmarshal(text, &args); err != nil {
		return args, fmt.Errorf("%w: %w", ErrBadArguments, err)
	}
	return args, nil
}
