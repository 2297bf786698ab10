package sgpexporter_test

import (
	"context"
	"fmt"
	"log"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// task is what travels through the queue of a workflow engine: its headers carry
// the trace.
type task struct {
	headers map[string]string
	input   string
}

var traceContext = propagation.TraceContext{}

// schedule runs in the process that starts a workflow.
func schedule(ctx context.Context, tracer trace.Tracer, input string) task {
	ctx, span := tracer.Start(ctx, "run workflow", trace.WithSpanKind(trace.SpanKindProducer))
	defer span.End()
	t := task{headers: map[string]string{}, input: input}
	traceContext.Inject(ctx, propagation.MapCarrier(t.headers))
	return t
}

// work runs in a worker, minutes later, perhaps more than once.
func work(ctx context.Context, tracer trace.Tracer, t task, attempt int) {
	ctx = traceContext.Extract(ctx, propagation.MapCarrier(t.headers))
	_, span := tracer.Start(ctx, "activity", trace.WithSpanKind(trace.SpanKindConsumer),
		trace.WithAttributes(attribute.Int("attempt", attempt)))
	defer span.End()
}

// Workers of a workflow engine, like Temporal's: the parent's span is in another
// process. Both processes send to SGP on their own; the trace context in the
// task's headers makes it one trace.
func Example_workers() {
	server := sgptest.NewServer()
	defer server.Close()
	process := func() *sdktrace.TracerProvider {
		exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
		if err != nil {
			log.Fatal(err)
		}
		return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	}
	client, worker := process(), process()

	t := schedule(context.Background(), client.Tracer("client"), "in")
	for attempt := range 2 { // each attempt is a span of its own
		work(context.Background(), worker.Tracer("worker"), t, attempt+1)
	}
	for _, tp := range []*sdktrace.TracerProvider{client, worker} {
		if err := tp.Shutdown(context.Background()); err != nil {
			fmt.Println(err)
		}
	}

	spans := server.Spans()
	for _, s := range spans {
		fmt.Println(s.Name, s.TraceID == spans[0].TraceID, s.ParentID == spans[0].ID, s.Metadata["parent_is_remote"])
	}
	// Output:
	// run workflow true false <nil>
	// activity true true true
	// activity true true true
}
