package sgpexporter_test

import (
	"context"
	"fmt"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// A service asks how its requests fare: here SGP is not there for the first one.
func ExampleRequestStats() {
	server := sgptest.NewServer()
	defer server.Close()
	var asked atomic.Bool
	server.SetFault(func(*sgptest.Request) sgptest.Fault {
		if asked.CompareAndSwap(false, true) {
			return sgptest.Status(503)
		}
		return sgptest.Fault{}
	})
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	_, span := tp.Tracer("example").Start(context.Background(), "call")
	span.End()
	if err := tp.ForceFlush(context.Background()); err != nil {
		fmt.Println(err)
	}
	var requests sgpexporter.RequestStats = exp.Stats().Requests
	fmt.Printf("%d sent, %d of them a repetition, %d spans refused\n", requests.Sent, requests.Retries, requests.Refused)
	if err := tp.Shutdown(context.Background()); err != nil {
		fmt.Println(err)
	}
	// Output:
	// 2 sent, 1 of them a repetition, 0 spans refused
}
