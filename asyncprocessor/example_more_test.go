package asyncprocessor_test

import (
	"context"
	"errors"
	"fmt"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// showTwoSpans starts two spans at proc, and ends the first.
func showTwoSpans(proc *asyncprocessor.Processor) {
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("example")
	began := time.Date(2026, 1, 2, 15, 4, 5, 0, time.UTC)
	ctx, agent := tracer.Start(context.Background(), "agent", trace.WithTimestamp(began))
	tracer.Start(ctx, "search")
	agent.End(trace.WithTimestamp(began.Add(3 * time.Second)))
}

// exporterFunc is an Exporter that is a function.
type exporterFunc func(ctx context.Context, snapshots []asyncprocessor.Snapshot) error

func (f exporterFunc) ExportSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
	return f(ctx, snapshots)
}

func (exporterFunc) Shutdown(context.Context) error { return nil }

func ExampleSnapshot() {
	proc := asyncprocessor.New(exporterFunc(func(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
		for _, s := range snapshots {
			fmt.Printf("%s %s: over %t, child of another span %t\n",
				s.Phase, s.Span.Name(), !s.Span.EndTime().IsZero(), s.Span.Parent().IsValid())
		}
		return nil
	}))
	showTwoSpans(proc)
	_ = proc.Shutdown(context.Background())
	// Output:
	// END agent: over true, child of another span false
	// START search: over false, child of another span true
	// UNFINISHED search: over false, child of another span true
}

func ExamplePhase() {
	fmt.Println(asyncprocessor.PhaseStart, asyncprocessor.PhaseEnd, asyncprocessor.Phase(9))
	// Output: START END Phase(9)
}

func ExampleStartPolicy() {
	for _, policy := range []asyncprocessor.StartPolicy{
		asyncprocessor.StartCoalesced, asyncprocessor.StartAlways, asyncprocessor.StartNever,
	} {
		fmt.Println(policy)
		proc := asyncprocessor.New(console{}, asyncprocessor.WithStartPolicy(policy))
		showTwoSpans(proc)
		_ = proc.Shutdown(context.Background())
	}
	// Output:
	// StartCoalesced
	// END agent
	// START search
	// UNFINISHED search
	// StartAlways
	// START agent
	// START search
	// END agent
	// UNFINISHED search
	// StartNever
	// END agent
}

// An exporter that delivered a part of what it was given says which part it did not.
func ExampleExportError() {
	proc := asyncprocessor.New(exporterFunc(func(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
		var refused []int
		for i, s := range snapshots {
			if s.Span.Name() == "search" {
				refused = append(refused, i)
			}
		}
		return &asyncprocessor.ExportError{
			Undelivered: refused,
			Reason:      asyncprocessor.ReasonRejected,
			Err:         errors.New("no searches, please"),
		}
	}))
	showTwoSpans(proc)
	err := proc.ForceFlush(context.Background())
	fmt.Println(errors.Is(err, asyncprocessor.ErrDropped))
	fmt.Println(proc.Stats().Exported, "exported,", proc.Stats().DroppedBy["rejected"], "rejected")
	_ = proc.Shutdown(context.Background())
	// Output:
	// true
	// 1 exported, 1 rejected
}

func ExampleShutdownError() {
	hangs := exporterFunc(func(ctx context.Context, _ []asyncprocessor.Snapshot) error {
		<-ctx.Done()
		return ctx.Err()
	})
	proc := asyncprocessor.New(hangs,
		asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways),
		asyncprocessor.WithShutdownTimeout(10*time.Millisecond))
	showTwoSpans(proc)

	err := proc.Shutdown(context.Background())
	if lost, ok := errors.AsType[*asyncprocessor.ShutdownError](err); ok {
		fmt.Println(lost.Undelivered, "snapshots lost:", lost.Err)
	}
	// Output: 3 snapshots lost: the time of Shutdown was over: context deadline exceeded
}

func ExampleOption() {
	opts := []asyncprocessor.Option{
		asyncprocessor.WithMaxExportBatchSize(100),
		asyncprocessor.WithConcurrency(16), // a backend that is far away
	}
	production := false
	if production {
		opts = append(opts, asyncprocessor.WithStartPolicy(asyncprocessor.StartNever))
	}
	proc := asyncprocessor.New(console{}, opts...)
	showTwoSpans(proc)
	_ = proc.Shutdown(context.Background())
	// Output:
	// END agent
	// START search
	// UNFINISHED search
}

// Of what comes while the queue is three quarters full STARTs are refused, so that
// there is room for ENDs.
func ExampleWithMaxQueueSize() {
	backend := make(chan struct{}) // which does not answer until this is closed
	proc := asyncprocessor.New(exporterFunc(func(context.Context, []asyncprocessor.Snapshot) error { <-backend; return nil }),
		asyncprocessor.WithMaxQueueSize(4))
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("example")
	for range 6 {
		tracer.Start(context.Background(), "running")
	}
	fmt.Println(proc.Stats().DroppedBy)
	close(backend)
	_ = proc.Shutdown(context.Background())
	// Output: map[start_refused:3]
}

// With WithBlocking, nothing is dropped: the application waits for the exporter.
func ExampleWithBlocking() {
	proc := asyncprocessor.New(exporterFunc(func(context.Context, []asyncprocessor.Snapshot) error { return nil }),
		asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(2))
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("example")
	for range 1000 {
		_, span := tracer.Start(context.Background(), "agent")
		span.End()
	}
	_ = proc.Shutdown(context.Background())
	fmt.Println(proc.Stats().Offered, "offered,", proc.Stats().Dropped, "dropped")
	// Output: 2000 offered, 0 dropped
}

func ExampleWithMaxExportBatchSize() {
	proc := asyncprocessor.New(exporterFunc(func(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
		fmt.Println("a batch of", len(snapshots))
		return nil
	}), asyncprocessor.WithMaxExportBatchSize(2), asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))
	showTwoSpans(proc)
	_ = proc.Shutdown(context.Background())
	// Output:
	// a batch of 2
	// a batch of 1
	// a batch of 1
}

// disk is an exporter that can keep what it cannot deliver.
type disk struct{ exporterFunc }

func (disk) KeepSnapshots(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
	fmt.Println("kept", len(snapshots))
	return nil
}

// What cannot be delivered before the end of Shutdown is handed over to an exporter that can keep it.
func ExampleKeeper() {
	proc := asyncprocessor.New(disk{func(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
		return &asyncprocessor.ExportError{Undelivered: []int{0, 1}, Err: errors.New("503"), Retryable: true}
	}}, asyncprocessor.WithUnfinishedSpans(false))
	showTwoSpans(proc)
	ctx, cancel := context.WithTimeout(context.Background(), 400*time.Millisecond)
	defer cancel()
	fmt.Println(proc.Shutdown(ctx))
	// Output:
	// kept 2
	// <nil>
}

// An exporter says what it has delivered while it goes on, so that what waits behind it in a trace need
// not wait for the rest.
func ExampleProgress() {
	proc := asyncprocessor.New(exporterFunc(func(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
		for i := range snapshots {
			// ... deliver one ...
			asyncprocessor.Progress(ctx, []int{i}, nil)
		}
		return nil
	}), asyncprocessor.WithUnfinishedSpans(false))
	showTwoSpans(proc)
	_ = proc.Shutdown(context.Background())
	fmt.Println(proc.Stats().Exported)
	// Output: 2
}

// SQL and health checks need not be delivered.
func ExampleWithSpanFilter() {
	proc := asyncprocessor.New(console{},
		asyncprocessor.WithSpanFilter(asyncprocessor.WithoutNames("GET /healthz")),
		asyncprocessor.WithSpanFilter(asyncprocessor.WithoutScopes("github.com/XSAM/otelsql")))
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("example")
	for _, name := range []string{"GET /healthz", "POST /ask"} {
		_, span := tracer.Start(context.Background(), name)
		span.End()
	}
	_ = proc.Shutdown(context.Background())
	// Output: END POST /ask
}

// An exporter that sends in the background makes its contexts with SuppressContext: what its HTTP client
// traces is not exported.
func ExampleSuppressContext() {
	proc := asyncprocessor.New(console{})
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("http client")
	_, request := tracer.Start(asyncprocessor.SuppressContext(context.Background()), "PUT")
	request.End()
	_, span := tracer.Start(context.Background(), "POST /ask")
	span.End()
	_ = proc.Shutdown(context.Background())
	// Output: END POST /ask
}
