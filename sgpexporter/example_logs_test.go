package sgpexporter_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// An instrumentation that says in log records what its model was asked: with both
// processors registered, the records belong to the span in whose context they are emitted.
func ExampleExporter_LogProcessor() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	defer tp.Shutdown(context.Background())
	lp := sdklog.NewLoggerProvider(sdklog.WithProcessor(exp.LogProcessor()))
	defer lp.Shutdown(context.Background())

	ctx, span := tp.Tracer("agent").Start(context.Background(), "chat")
	var asked log.Record
	asked.SetEventName("gen_ai.user.message")
	asked.SetBody(attribute.MapValue(attribute.String("content", "What is the weather in Oslo?")))
	lp.Logger("agent").Emit(ctx, asked)

	fmt.Println(exp.Stats().LogRecords.Held)

	span.End()
	if err := tp.ForceFlush(context.Background()); err != nil {
		fmt.Println(err)
	}
	fmt.Println(server.Spans()[0].Input)
	fmt.Println(exp.Stats().LogRecords.Joined)
	// Output:
	// 1
	// map[messages:[map[content:What is the weather in Oslo? role:user]]]
	// 1
}

// What to look at when spans lack what log records say: Refused, Evicted and Expired
// should stay 0.
func ExampleStats() {
	var exp *sgpexporter.Exporter // as New returns it
	records := exp.Stats().LogRecords
	fmt.Println(records.Refused + records.Evicted + records.Expired)
	// Output: 0
}

// Every record is counted once.
func ExampleLogRecordStats() {
	records := sgpexporter.LogRecordStats{Offered: 5, Joined: 3, Evicted: 1, Held: 1}
	fmt.Println(records.Offered == records.Joined+records.Refused+records.Evicted+records.Expired+uint64(records.Held))
	// Output: true
}
