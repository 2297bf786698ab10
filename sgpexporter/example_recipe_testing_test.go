package sgpexporter_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// ask is the code under test: it should leave one COMPLETION with the model's
// name and what went wrong.
func ask(ctx context.Context, tracer trace.Tracer, question string) error {
	_, span := tracer.Start(ctx, "chat", trace.WithAttributes(
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.request.model", "small"),
	))
	defer span.End()
	if question == "" {
		err := errors.New("no question")
		span.RecordError(err)
		span.SetStatus(codes.Error, err.Error())
		return err
	}
	return nil
}

// A test of your own code: what it says to OpenTelemetry is looked at as SGP has
// it. In a test, take t.Context(), your assertions, and
//
//	t.Setenv("DISABLE_SCALE_TRACING", "") // first: as if it were unset
//	t.Cleanup(server.Close)
//	t.Cleanup(func() { _ = tp.Shutdown(context.Background()) }) // t.Context() has ended by then
func Example_testing() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	defer tp.Shutdown(context.Background())
	server.Inject(sgptest.Status(http.StatusServiceUnavailable)) // SGP hiccups, and nothing is lost

	_ = ask(context.Background(), tp.Tracer("test"), "why?")
	_ = ask(context.Background(), tp.Tracer("test"), "")
	if err := tp.ForceFlush(context.Background()); err != nil { // no sleeping, no polling
		fmt.Println(err)
		return
	}

	for _, s := range server.Spans() { // in order within a trace, here are two
		attributes, _ := s.Metadata["attributes"].(map[string]any)
		fmt.Println(s.Type, attributes["gen_ai.request.model"], s.Status, s.Metadata["error_message"])
	}
	fmt.Println(server.Check()) // nothing against the API or the order
	// Unordered output:
	// COMPLETION small SUCCESS <nil>
	// COMPLETION small ERROR no question
	// <nil>
}
