package sgpexporter_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// unanswered shows a call that ended without an answer as failed: Braintrust's SDK records
// neither an error nor a status when a model refuses a request.
func unanswered(s *sgpspan.Span) bool {
	attributes := s.Metadata.Get("attributes").Object()
	if s.Status == sgpspan.StatusSuccess && len(s.Output) == 0 && attributes.Get("braintrust.metrics") != nil {
		s.Status = sgpspan.StatusError
		s.Metadata.Set("error", sgpspan.BoolValue(true))
		s.Metadata.Set("error_message", sgpspan.StringValue("no answer"))
	}
	return true
}

// A request that a model refused, as Braintrust's SDK records it.
func Example_braintrust() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"),
		sgpexporter.WithSpanHook(unanswered))
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	_, span := tp.Tracer("braintrust").Start(context.Background(), "Chat Completion", trace.WithAttributes(
		attribute.String("braintrust.input_json", `[{"role":"user","content":"please fail"}]`),
		attribute.String("braintrust.metrics", `{"time_to_first_token":0.6}`)))
	span.End()
	if err := tp.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(server.Spans()[0].Status, server.Spans()[0].Metadata["error_message"])
	// Output: ERROR no answer
}
