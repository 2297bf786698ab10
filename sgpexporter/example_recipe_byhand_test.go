package sgpexporter_test

import (
	"context"
	"encoding/json"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// message is a message of a conversation, in the form of OpenTelemetry's semantic
// conventions.
type message struct {
	Role  string `json:"role"`
	Parts []part `json:"parts"`
}

type part struct {
	Type    string `json:"type"`
	Content string `json:"content"`
}

func said(role, text string) message { return message{role, []part{{"text", text}}} }

// reply is what a model's client returns.
type reply struct {
	Text          string
	Input, Output int // tokens
}

// callModel makes a span of one call of a model, whatever client is behind call. What is
// known before the call is set at the start, so that the span shows it while it runs.
func callModel(ctx context.Context, tracer trace.Tracer, model, conversation string, messages []message,
	call func(ctx context.Context) (reply, error),
) (reply, error) {
	asked, _ := json.Marshal(messages) // strings alone: it does not fail
	ctx, span := tracer.Start(ctx, "chat "+model, trace.WithSpanKind(trace.SpanKindClient), trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "chat"), // it is a call of a model
		attribute.String("gen_ai.request.model", model),
		attribute.String("gen_ai.conversation.id", conversation), // SGP's group
		attribute.String("gen_ai.input.messages", string(asked)),
	))
	defer span.End()
	got, err := call(ctx)
	if err != nil {
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
		return got, err
	}
	answered, _ := json.Marshal([]message{said("assistant", got.Text)})
	span.SetAttributes(
		attribute.String("gen_ai.output.messages", string(answered)),
		attribute.Int("gen_ai.usage.input_tokens", got.Input), // what is billed
		attribute.Int("gen_ai.usage.output_tokens", got.Output),
	)
	return got, nil
}

// A client of a model that has no instrumentation.
func Example_byHand() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	defer tp.Shutdown(context.Background())

	_, err = callModel(context.Background(), tp.Tracer("agent"), "small", "session-42", []message{said("user", "Hello?")},
		func(context.Context) (reply, error) { return reply{"Hello!", 12, 3}, nil })
	if err != nil {
		fmt.Println(err)
	}
	if err := tp.ForceFlush(context.Background()); err != nil {
		fmt.Println(err)
	}
	s := server.Spans()[0]
	billed := server.BilledUsage(s.TraceID)
	fmt.Println(s.Type, s.GroupID, billed.InputTokens, billed.OutputTokens)
	fmt.Println(s.Input["messages"], s.Output["messages"])
	// Output:
	// COMPLETION session-42 12 3
	// [map[parts:[map[content:Hello? type:text]] role:user]] [map[parts:[map[content:Hello! type:text]] role:assistant]]
}
