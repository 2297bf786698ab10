package sgpexporter_test

import (
	"context"
	"fmt"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// Migrating from BatchSpanProcessor, with its defaults written out: the options
// have the same names. What differs is in docs/recipes.md.
func Example_migrateFromBatchSpanProcessor() {
	before := sdktrace.NewBatchSpanProcessor(tracetest.NewInMemoryExporter(),
		sdktrace.WithMaxQueueSize(2048),            // spans
		sdktrace.WithMaxExportBatchSize(512),       // spans
		sdktrace.WithBatchTimeout(5*time.Second),   //
		sdktrace.WithExportTimeout(30*time.Second), // of one export
		// sdktrace.WithBlocking(),
	)
	_ = before.Shutdown(context.Background())

	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	after := asyncprocessor.New(exp,
		asyncprocessor.WithMaxQueueSize(2048),                     // snapshots: with StartNever, one for each span
		asyncprocessor.WithMaxExportBatchSize(512),                // snapshots
		asyncprocessor.WithBatchTimeout(5*time.Second),            //
		asyncprocessor.WithExportTimeout(30*time.Second),          // with all its retries
		asyncprocessor.WithStartPolicy(asyncprocessor.StartNever), // ended spans only, as before
		// asyncprocessor.WithBlocking(),
	)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(after))
	_, span := tp.Tracer("example").Start(context.Background(), "as before")
	span.End()
	fmt.Println(tp.Shutdown(context.Background()), len(server.Spans()))
	// Output: <nil> 1
}
