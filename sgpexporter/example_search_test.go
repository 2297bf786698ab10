package sgpexporter_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/baggage"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// SGP's search compares keys at the top of the metadata.
func ExampleWithMetadataAttributes() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"),
		sgpexporter.WithMetadataAttributes("user.id"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	_, span := tp.Tracer("example").Start(context.Background(), "answer")
	span.SetAttributes(attribute.String("user.id", "u-17"), attribute.String("sgp.metadata.run", "nightly"))
	span.End()
	if err := tp.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(server.Spans()[0].Metadata["user_id"], server.Spans()[0].Metadata["run"])
	// Output: u-17 nightly
}

// The conversation comes with the request, in its baggage.
func ExampleBaggageConversation() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(sgpexporter.BaggageConversation()),
		sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	members, err := baggage.Parse("session.id=session-42") // what a propagator does
	if err != nil {
		fmt.Println(err)
		return
	}
	_, span := tp.Tracer("example").Start(baggage.ContextWithBaggage(context.Background(), members), "answer")
	span.End()
	if err := tp.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(server.Spans()[0].GroupID)
	// Output: session-42
}

// Spans that name no conversation take that of their trace.
func ExampleMappingStats() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	ctx, turn := tp.Tracer("example").Start(context.Background(), "turn")
	_, call := tp.Tracer("example").Start(ctx, "call")
	call.End()
	turn.SetAttributes(attribute.String("gen_ai.conversation.id", "c-42"))
	turn.End()
	if err := tp.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	for _, s := range server.Spans() {
		fmt.Println(s.Name, s.GroupID)
	}
	fmt.Println(exp.Stats().Mapping.InheritedGroups)
	// Output:
	// turn c-42
	// call c-42
	// 1
}
