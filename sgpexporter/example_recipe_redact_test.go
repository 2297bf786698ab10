package sgpexporter_test

import (
	"context"
	"fmt"
	"regexp"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// Redacting prompts: hooks run on each write of a span, in their order, before it
// is encoded. Take the first one to keep what was said out altogether, the others
// to keep it and take out what must not leave.
func Example_redact() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(
		sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"),
		// What the model was told, wherever the mapping puts it.
		sgpexporter.WithSpanHook(sgpspan.RedactKeys("gen_ai.system_instructions", "gen_ai.tool.definitions")),
		sgpexporter.WithSpanHook(sgpspan.RedactSecrets()),
		sgpexporter.WithSpanHook(sgpspan.RedactEmails()),
		sgpexporter.WithSpanHook(sgpspan.RedactPatterns(regexp.MustCompile(`\bcustomer-\d+\b`))),
		sgpexporter.WithSpanHook(sgpspan.RedactLong(64<<10)),
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	_, span := tp.Tracer("example").Start(context.Background(), "chat")
	span.SetAttributes(
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.system_instructions", `[{"type":"text","content":"Be rude."}]`),
		attribute.String("gen_ai.input.messages", `[{"role":"user","content":"I am customer-77, ann@example.com"}]`),
	)
	span.End()
	if err := tp.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}

	for _, s := range server.Spans() {
		fmt.Println(s.Input["system_instructions"])
		fmt.Println(s.Input["messages"])
	}
	// Output:
	// [REDACTED]
	// [map[content:I am [REDACTED], [REDACTED] role:user]]
}
