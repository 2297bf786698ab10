package sgpexporter_test

import (
	"context"
	"fmt"
	"os"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// A process that has no time left at its end keeps its spans on disk, and the next one
// delivers them.
func ExampleWithSpool() {
	dir, err := os.MkdirTemp("", "spool")
	if err != nil {
		fmt.Println(err)
		return
	}
	defer func() { _ = os.RemoveAll(dir) }()
	server := sgptest.NewServer(sgptest.WithLatency(time.Hour))
	defer server.Close()

	provider := func() (*sgpexporter.Exporter, *sdktrace.TracerProvider) {
		exp, err := sgpexporter.New(sgpexporter.WithAPIKey("key"), sgpexporter.WithBaseURL(server.URL),
			sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(sgpexporter.SpoolOnFailure))
		if err != nil {
			panic(err)
		}
		return exp, sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	}

	_, tp := provider()
	_, span := tp.Tracer("example").Start(context.Background(), "answer")
	span.End()
	soon, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	fmt.Println("shut down:", tp.Shutdown(soon))

	server.SetLatency(0)
	exp, tp := provider()
	defer func() { _ = tp.Shutdown(context.Background()) }()
	_ = server.WaitFor(context.Background(), func(spans []sgptest.Span) bool { return len(spans) == 1 })
	fmt.Println(server.Spans()[0].Name, exp.Stats().Spool.Recovered)
	// Output:
	// shut down: <nil>
	// answer 1
}

func ExampleSpoolMode() {
	fmt.Println(sgpexporter.SpoolOnFailure, sgpexporter.SpoolAlways)
	// Output: on failure always
}

// What waits on disk shows in the exporter's counts.
func ExampleSpoolStats() {
	exp, err := sgpexporter.New(sgpexporter.WithAPIKey("key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	var spool sgpexporter.SpoolStats = exp.Stats().Spool // without WithSpool nothing is on disk
	fmt.Println(spool.Items, spool.Bytes)
	// Output: 0 0
}
