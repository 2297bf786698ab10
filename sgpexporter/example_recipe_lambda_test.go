package sgpexporter_test

import (
	"context"
	"fmt"
	"log"
	"strings"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// flushTimeout is what an invocation may spend on its spans.
const flushTimeout = 2 * time.Second

// traced makes a span of each invocation and delivers it before the handler
// returns: then Lambda freezes the process, and what is queued would wait for the
// next invocation, or be gone with the process.
func traced(tp *sdktrace.TracerProvider, handle func(context.Context, string) (string, error)) func(context.Context, string) (string, error) {
	tracer := tp.Tracer("lambda")
	return func(ctx context.Context, event string) (string, error) {
		defer func() { // runs last, after the span has ended
			// Lambda's ctx has the invocation's deadline, so this ends before it.
			ctx, cancel := context.WithTimeout(ctx, flushTimeout)
			defer cancel()
			if err := tp.ForceFlush(ctx); err != nil {
				log.Printf("spans: %v", err) // never the invocation's error
			}
		}()
		ctx, span := tracer.Start(ctx, "invoke")
		defer span.End()
		return handle(ctx, event)
	}
}

// AWS Lambda: the processor lives as long as the process, the spans of an
// invocation are delivered within it. In a program of yours, lambda.Start takes
// what traced returns.
func Example_lambda() {
	server := sgptest.NewServer()
	defer server.Close()

	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp,
		asyncprocessor.WithExportTimeout(flushTimeout), // no retries across a freeze
		asyncprocessor.WithMaxQueueBytes(8<<20),        // of 128 MB
	)))
	handler := traced(tp, func(_ context.Context, event string) (string, error) {
		return strings.ToUpper(event), nil
	})

	for _, event := range []string{"one", "two"} {
		answer, err := handler(context.Background(), event)
		fmt.Println(answer, err, len(server.Spans()), "delivered")
	}
	if err := tp.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// ONE <nil> 1 delivered
	// TWO <nil> 2 delivered
}
