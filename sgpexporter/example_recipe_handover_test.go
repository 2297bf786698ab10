package sgpexporter_test

import (
	"context"
	"fmt"
	"log"
	"time"

	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// handOver runs an agent whose sub-agent is in another process. Before it calls that one, it makes the spans that
// run visible: what the other process writes has its parents then.
func handOver(ctx context.Context, tp *sdktrace.TracerProvider, call func(headers map[string]string)) {
	ctx, span := tp.Tracer("agent").Start(ctx, "invoke_agent planner")
	defer span.End()
	flush, cancel := context.WithTimeout(ctx, time.Second) // SGP may be slow: the call does not wait for ever
	defer cancel()
	if err := tp.ForceFlush(flush); err != nil {
		log.Printf("the sub-agent's spans may be shown before their parent: %v", err)
	}
	headers := map[string]string{}
	propagation.TraceContext{}.Inject(ctx, propagation.MapCarrier(headers))
	call(headers)
}

// subAgent runs in the other process.
func subAgent(ctx context.Context, tp *sdktrace.TracerProvider, headers map[string]string) {
	ctx = propagation.TraceContext{}.Extract(ctx, propagation.MapCarrier(headers))
	_, span := tp.Tracer("agent").Start(ctx, "invoke_agent researcher", trace.WithSpanKind(trace.SpanKindServer))
	span.End()
}

// A trace goes on in a second process. Order is promised within a process; ForceFlush before the call makes it
// hold between the two.
func Example_handOver() {
	server := sgptest.NewServer()
	defer server.Close()
	process := func() *sdktrace.TracerProvider {
		exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
		if err != nil {
			log.Fatal(err)
		}
		return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	}
	first, second := process(), process()

	handOver(context.Background(), first, func(headers map[string]string) {
		subAgent(context.Background(), second, headers)
		_ = second.Shutdown(context.Background()) // its spans are there before the first process has ended
	})
	_ = first.Shutdown(context.Background())

	for _, w := range server.Writes() {
		span, _ := server.Span(w.TraceID, w.ID)
		fmt.Println(span.Name, "has ended:", w.Completed)
	}
	fmt.Println(server.Check())
	// Output:
	// invoke_agent planner has ended: false
	// invoke_agent researcher has ended: true
	// invoke_agent planner has ended: true
	// <nil>
}
