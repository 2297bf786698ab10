package sgpexporter_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// A conversation whose messages are attributes of their own, as go-openllmetry and Eino's
// APMPlus have them, is more than the 128 attributes that the SDK keeps of a span by default. What
// is set last is lost, and that is the usage.
func Example_attributeLimit() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	limits := sdktrace.NewSpanLimits()    // the defaults, and what OTEL_SPAN_… say
	limits.AttributeCountLimit = -1       // no limit
	limits.AttributeValueLengthLimit = -1 // it is the default; a text that is cut is no JSON any more
	tp := sdktrace.NewTracerProvider(
		sdktrace.WithRawSpanLimits(limits),
		sdktrace.WithSpanProcessor(asyncprocessor.New(exp)),
	)
	defer tp.Shutdown(context.Background())

	_, span := tp.Tracer("agent").Start(context.Background(), "openai.chat")
	span.SetAttributes(attribute.String("llm.request.type", "chat"))
	for i := range 100 {
		span.SetAttributes(
			attribute.String(fmt.Sprintf("llm.prompts.%d.role", i), "user"),
			attribute.String(fmt.Sprintf("llm.prompts.%d.content", i), "…"),
		)
	}
	span.SetAttributes(attribute.Int("llm.usage.prompt_tokens", 9000))
	span.End()

	if err := tp.ForceFlush(context.Background()); err != nil {
		fmt.Println(err)
	}
	stored := server.Spans()[0]
	fmt.Println(server.BilledUsage(stored.TraceID).InputTokens, len(stored.Input["messages"].([]any)))
	// Output: 9000 100
}
