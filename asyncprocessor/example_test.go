package asyncprocessor_test

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// console is an Exporter that prints what it is given.
type console struct{}

func (console) ExportSnapshots(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
	for _, s := range snapshots {
		fmt.Println(s.Phase, s.Span.Name())
	}
	return nil
}

func (console) Shutdown(context.Context) error { return nil }

// A span that runs when its batch is sent is written twice; one that is over by
// then is written once.
func Example() {
	ctx := context.Background()
	proc := asyncprocessor.New(console{})
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
	tracer := tp.Tracer("example")

	ctx, agent := tracer.Start(ctx, "agent")
	_, search := tracer.Start(ctx, "search")
	search.End()
	_ = tp.ForceFlush(ctx) // here, instead of a wait for the batch timeout
	agent.End()

	if err := tp.Shutdown(ctx); err != nil {
		fmt.Println(err)
	}
	// Output:
	// START agent
	// END search
	// END agent
}

// Register processors that enrich spans first, a Processor next, and a
// BatchSpanProcessor last.
func ExampleNew() {
	proc := asyncprocessor.New(console{},
		asyncprocessor.WithMaxQueueSize(10_000),
		asyncprocessor.WithBatchTimeout(200*time.Millisecond),
	)
	enrich := hook(func(_ context.Context, s sdktrace.ReadWriteSpan) {
		s.SetAttributes(attribute.String("tenant", "a1"))
	})
	tp := sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(enrich),
		sdktrace.WithSpanProcessor(proc),
	)
	_, span := tp.Tracer("example").Start(context.Background(), "agent")
	span.End()
	_ = tp.Shutdown(context.Background())
	// Output: END agent
}

func ExampleProcessor() {
	var proc sdktrace.SpanProcessor = asyncprocessor.New(console{})
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
	_, span := tp.Tracer("example").Start(context.Background(), "agent")
	span.End()
	_ = tp.Shutdown(context.Background())
	// Output: END agent
}

func ExampleProcessor_ForceFlush() {
	proc := asyncprocessor.New(console{})
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("example")
	_, span := tracer.Start(context.Background(), "still running")

	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	fmt.Println(proc.ForceFlush(ctx))
	span.End()
	_ = proc.Shutdown(ctx)
	// Output:
	// START still running
	// <nil>
	// END still running
}

func ExampleProcessor_Stats() {
	proc := asyncprocessor.New(console{})
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("example")
	_, span := tracer.Start(context.Background(), "agent")
	span.End()
	fmt.Println(proc.Stats().Offered, "snapshots offered")
	_ = proc.Shutdown(context.Background())
	// Output:
	// 2 snapshots offered
	// END agent
}

func ExampleStats() {
	proc := asyncprocessor.New(console{})
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("example")
	_, span := tracer.Start(context.Background(), "agent")
	span.End()
	_ = proc.Shutdown(context.Background())
	_, late := tracer.Start(context.Background(), "late")
	late.End()

	s := proc.Stats()
	fmt.Printf("%d offered = %d exported + %d coalesced + %d dropped + %d queued + %d in flight\n",
		s.Offered, s.Exported, s.Coalesced, s.Dropped, s.Queued, s.InFlight)
	// Output:
	// END agent
	// 4 offered = 1 exported + 1 coalesced + 2 dropped + 0 queued + 0 in flight
}

func ExampleDropReason() {
	proc := asyncprocessor.New(console{}, asyncprocessor.WithMaxQueueBytes(10_000))
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("example")
	_, span := tracer.Start(context.Background(), "agent")
	span.SetAttributes(attribute.String("prompt", string(make([]byte, 20_000))))
	span.End()
	_ = proc.Shutdown(context.Background())
	for reason, n := range proc.Stats().DroppedBy {
		fmt.Println(reason, n, reason == asyncprocessor.ReasonTooLarge)
	}
	// Output:
	// END agent
	// too_large 1 true
}

// lines is an Exporter that writes one line for each span that ended, and passes
// over whatever else there may be.
type lines struct{}

func (lines) ExportSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
	for _, s := range snapshots {
		if s.Phase == asyncprocessor.PhaseEnd {
			fmt.Printf("%s took %s\n", s.Span.Name(), s.Span.EndTime().Sub(s.Span.StartTime()))
		}
	}
	return ctx.Err()
}

func (lines) Shutdown(context.Context) error {
	fmt.Println("closed")
	return nil
}

func ExampleExporter() {
	proc := asyncprocessor.New(lines{})
	showTwoSpans(proc)
	_ = proc.Shutdown(context.Background())
	// Output:
	// agent took 3s
	// closed
}
