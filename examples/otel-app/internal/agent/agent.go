// Package agent runs agents: a model that decides, tools that it has called,
// and other agents among them. The decisions are all the model's; the code here
// only carries them out.
package agent

import (
	"context"
	"fmt"
	"sync"

	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/model"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/tools"
)

const scope = "github.com/otelsgp/otelsgp/examples/otel-app/internal/agent"

// maxTurns bounds the model calls of one invocation.
const maxTurns = 10

// ErrTooManyTurns says that a model went on calling tools and never answered.
var ErrTooManyTurns = genai.NewError("too_many_turns", "the model did not come to an answer")

// Agent is a model with instructions and tools.
type Agent struct {
	// Name and Description are for spans, and for an agent that has this one as
	// a tool.
	Name        string
	Description string
	// Instructions is the system's message.
	Instructions string
	Tools        []tools.Tool

	client   *model.Client
	provider trace.TracerProvider
}

// Invoke gives the agent an input and returns its answer. onContent, if not
// nil, is given the content of the model's answers as it arrives, of those too
// that come with tool calls, with a blank line between them. A tool that fails is not an error: the model is
// told.
func (a *Agent) Invoke(ctx context.Context, input string, onContent func(string)) (answer string, err error) {
	ctx, meter := withMeter(ctx)
	messages := []model.Message{
		{Role: model.RoleSystem, Content: a.Instructions},
		{Role: model.RoleUser, Content: input},
	}
	ctx, span := a.provider.Tracer(scope).Start(ctx, genai.OperationInvokeAgent+" "+a.Name, trace.WithAttributes(
		genai.OperationName.String(genai.OperationInvokeAgent),
		genai.ProviderName.String(model.ProviderName),
		genai.RequestModel.String(a.client.Model()),
		genai.AgentName.String(a.Name),
		genai.AgentDescription.String(a.Description),
		genai.SystemInstructions.String(genai.JSON([]genai.Part{genai.Text(a.Instructions)})),
		genai.InputMessages.String(genai.JSON(model.InputMessages(messages[1:]))),
	))
	defer func() {
		span.SetAttributes(meter.total().Attributes()...)
		if err != nil {
			genai.Fail(span, err)
		} else {
			output := genai.Message{Role: string(model.RoleAssistant), Parts: []genai.Part{genai.Text(answer)}, FinishReason: "stop"}
			span.SetAttributes(genai.OutputMessages.String(genai.JSON([]genai.Message{output})))
		}
		span.End()
	}()

	definitions := make([]model.Tool, len(a.Tools))
	for i, tool := range a.Tools {
		definitions[i] = tool.Definition()
	}
	for range maxTurns {
		response, err := a.client.Chat(ctx, messages, definitions, onContent)
		if err != nil {
			return "", fmt.Errorf("%s: %w", a.Name, err)
		}
		meter.add(response.Usage)
		if len(response.Message.ToolCalls) == 0 {
			return response.Message.Content, nil
		}
		if onContent != nil && response.Message.Content != "" {
			onContent("\n\n")
		}
		messages = append(messages, response.Message)
		messages = append(messages, a.callTools(ctx, response.Message.ToolCalls)...)
		if err := ctx.Err(); err != nil {
			return "", fmt.Errorf("%s: %w", a.Name, err)
		}
	}
	return "", fmt.Errorf("%s: %w in %d turns", a.Name, ErrTooManyTurns, maxTurns)
}

// callTools runs the calls of one answer at the same time, and returns the
// messages that answer them, in their order.
func (a *Agent) callTools(ctx context.Context, calls []model.ToolCall) []model.Message {
	messages := make([]model.Message, len(calls))
	var running sync.WaitGroup
	for i, call := range calls {
		running.Go(func() {
			result, err := tools.Execute(ctx, a.provider, a.Tools, call)
			if err != nil {
				result = "error: " + err.Error()
			}
			messages[i] = model.Message{Role: model.RoleTool, ToolCallID: call.ID, Content: result}
		})
	}
	running.Wait()
	return messages
}
