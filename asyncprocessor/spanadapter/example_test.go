package spanadapter_test

import (
	"context"
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/asyncprocessor/spanadapter"
)

// Ended spans only, as a SpanExporter expects them. With OTLP, say
//
//	exporter, err := otlptracehttp.New(ctx)
//
// and add spanadapter.WithConcurrentCalls().
func ExampleNew() {
	exporter := printer{}
	proc := asyncprocessor.New(spanadapter.New(exporter),
		asyncprocessor.WithStartPolicy(asyncprocessor.StartNever))
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))

	ctx, ask := tp.Tracer("example").Start(context.Background(), "ask")
	_, search := tp.Tracer("example").Start(ctx, "search")
	search.End()
	ask.End()
	fmt.Println(tp.Shutdown(context.Background()), proc.Stats().Exported)
	// Output:
	// search ended
	// ask ended
	// <nil> 2
}

// A backend that shows a span while it runs is given it twice.
func ExampleWithInProgressSpans() {
	proc := asyncprocessor.New(spanadapter.New(printer{}, spanadapter.WithInProgressSpans()))
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))

	_, ask := tp.Tracer("example").Start(context.Background(), "ask")
	_ = tp.ForceFlush(context.Background()) // or it runs longer than the batch timeout
	ask.End()
	_ = tp.Shutdown(context.Background())
	// Output:
	// ask in progress
	// ask ended
}

// An exporter that is safe for concurrent use gets up to WithConcurrency calls at
// once.
func ExampleWithConcurrentCalls() {
	exporter := tracetest.NewInMemoryExporter() // its methods lock
	proc := asyncprocessor.New(
		spanadapter.New(exporter, spanadapter.WithConcurrentCalls()),
		asyncprocessor.WithStartPolicy(asyncprocessor.StartNever),
		asyncprocessor.WithConcurrency(4),
	)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
	_, span := tp.Tracer("example").Start(context.Background(), "ask")
	span.End()
	_ = tp.ForceFlush(context.Background())
	fmt.Println(len(exporter.GetSpans()))
	_ = tp.Shutdown(context.Background())
	// Output: 1
}

// What the exporter, and the backend behind it, can do decides.
func ExampleOption() {
	safeForConcurrentUse, replacesSpans := false, true
	var opts []spanadapter.Option
	if safeForConcurrentUse {
		opts = append(opts, spanadapter.WithConcurrentCalls())
	}
	if replacesSpans {
		opts = append(opts, spanadapter.WithInProgressSpans())
	}
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(spanadapter.New(printer{}, opts...))))

	_, ask := tp.Tracer("example").Start(context.Background(), "ask")
	fmt.Println(tp.ForceFlush(context.Background()))
	ask.End()
	fmt.Println(tp.Shutdown(context.Background()))
	// Output:
	// ask in progress
	// <nil>
	// ask ended
	// <nil>
}

// printer is a SpanExporter.
type printer struct{}

func (printer) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	for _, s := range spans {
		state := "ended"
		if s.EndTime().IsZero() {
			state = "in progress"
		}
		fmt.Println(s.Name(), state)
	}
	return nil
}

func (printer) Shutdown(context.Context) error { return nil }
