package main

import (
	"context"
	"fmt"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// tail measures how long OnStart and OnEnd of a span take together, at a pace at
// which BatchSpanProcessor drops nothing, while batches are exported.
func tail(r *report, o options) {
	pooled := map[string][]float64{}
	for round := range o.tailRounds {
		bsp := func() {
			p := sdktrace.NewBatchSpanProcessor(slowSpans{})
			pooled["bsp"] = append(pooled["bsp"], timeCalls(p, o)...)
		}
		ours := func() {
			p := asyncprocessor.New(slowSnapshots{}, asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))
			pooled["ours"] = append(pooled["ours"], timeCalls(p, o)...)
			if s := p.Stats(); s.Dropped > 0 {
				fail(fmt.Errorf("dropped: %+v", s))
			}
		}
		if round%2 == 0 {
			bsp()
			ours()
		} else {
			ours()
			bsp()
		}
	}
	us := func(name string, q float64) float64 { return quantile(pooled[name], q) / 1000 }
	r.add(row{
		name:   fmt.Sprintf("tail of OnStart + OnEnd, %d runs pooled", o.tailRounds),
		ours:   fmt.Sprintf("p50 %.2f, p99.9 %.2f, p99.99 %.2f µs", us("ours", 0.5), us("ours", 0.999), us("ours", 0.9999)),
		peer:   fmt.Sprintf("BSP p50 %.2f, p99.9 %.2f, p99.99 %.2f µs", us("bsp", 0.5), us("bsp", 0.999), us("bsp", 0.9999)),
		target: "p99.9 ≤ BSP + 1 µs",
		missed: us("ours", 0.999) > us("bsp", 0.999)+1,
	})
}

// timed wraps a processor and notes how long its calls for a span take.
type timed struct {
	sdktrace.SpanProcessor
	start time.Duration
	ns    []float64
}

func (t *timed) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	before := time.Now()
	t.SpanProcessor.OnStart(ctx, s)
	t.start = time.Since(before)
}

func (t *timed) OnEnd(s sdktrace.ReadOnlySpan) {
	before := time.Now()
	t.SpanProcessor.OnEnd(s)
	t.ns = append(t.ns, float64(t.start+time.Since(before)))
}

// timeCalls makes spans one by one from one goroutine, in small bursts with pauses
// between them, at about 100,000 a second.
func timeCalls(p sdktrace.SpanProcessor, o options) []float64 {
	t := &timed{SpanProcessor: p, ns: make([]float64, 0, o.tailSpans)}
	tp := newProvider(t)
	tr := tp.Tracer("bench")
	start := time.Now()
	for i := range o.tailSpans {
		for time.Since(start) < time.Duration(i)*10*time.Microsecond {
			// spin: a timer is too coarse for this pace
		}
		_, s := tr.Start(context.Background(), "span", fiveAttributes)
		s.End()
	}
	if err := tp.Shutdown(context.Background()); err != nil {
		fail(err)
	}
	return t.ns
}

// slowSpans and slowSnapshots take a millisecond for a batch.
type slowSpans struct{ discardSpans }

func (slowSpans) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	<-time.After(time.Millisecond)
	return nil
}

type slowSnapshots struct{ discardSnapshots }

func (slowSnapshots) ExportSnapshots(context.Context, []asyncprocessor.Snapshot) error {
	<-time.After(time.Millisecond)
	return nil
}
