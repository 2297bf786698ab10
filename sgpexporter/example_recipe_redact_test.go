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
// is encoded. Take WithoutContent to keep what was said out altogether, the others
// to keep it and take out what must not leave.
func Example_redact() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(
		sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"),
		sgpexporter.WithoutContent(), // what models were asked and have answered, wherever it is
		sgpexporter.WithSpanHook(sgpspan.RedactSecrets()),
		sgpexporter.WithSpanHook(sgpspan.RedactEmails()),
		sgpexporter.WithSpanHook(sgpspan.RedactPatterns(regexp.MustCompile(`\bcustomer-\d+\b`))),
		sgpexporter.WithSpanHook(func(s *sgpspan.Span) bool { return s.Name != "internal" }), // false drops it
	)
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	_, chat := tp.Tracer("example").Start(context.Background(), "chat")
	chat.SetAttributes(
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.system_instructions", `[{"type":"text","content":"Be rude."}]`),
		attribute.String("gen_ai.input.messages", `[{"role":"user","content":"Who am I?"}]`),
		attribute.String("gen_ai.output.messages", `[{"role":"assistant","content":"Nobody."}]`),
		attribute.Int("gen_ai.usage.input_tokens", 9),
		attribute.String("caller", "customer-77, ann@example.com"),
	)
	chat.End()
	_, internal := tp.Tracer("example").Start(context.Background(), "internal")
	internal.End()
	if err := tp.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}

	for _, s := range server.Spans() {
		fmt.Println(s.Name, s.Input)
		fmt.Println(s.Output)
		fmt.Println(s.Metadata["attributes"])
	}
	// Output:
	// chat map[value:[REDACTED]]
	// map[usage:map[input_tokens:9] value:[REDACTED]]
	// map[caller:[REDACTED], [REDACTED] gen_ai.operation.name:chat]
}
