package main

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// growth shows how the CPU for a span changes with what is queued, with the number
// of live traces and with the number of producers, relative to a processor that
// keeps the same spans in a preallocated slice.
func growth(r *report, o options) {
	ballast := makeBallast(256)
	queued := func(n int) load { return load{spans: n / 2, traces: 1000, producers: 2} }
	traces := func(n int) load { return load{spans: 200_000, traces: n, producers: 2} }
	producers := func(n int) load { return load{spans: 200_000, traces: 1000, producers: n} }
	for _, axis := range []struct {
		name  string
		loads []load
		held  bool
	}{
		{"snapshots queued: 10³, 10⁴, 10⁵, 10⁶", []load{queued(1e3), queued(1e4), queued(1e5), queued(1e6)}, true},
		{"live traces: 1, 10², 10⁴, 10⁵", []load{traces(1), traces(1e2), traces(1e4), traces(1e5)}, false},
		{"producers: 1, 4, 16, 64", []load{producers(1), producers(4), producers(16), producers(64)}, false},
	} {
		var ratios []float64
		cells := ""
		for _, l := range axis.loads {
			l.held = axis.held
			var perRound []float64
			for range max(5, o.rounds/4) {
				slice := l.measure(newSlice(2 * l.spans))
				ours := l.measure(l.processor())
				perRound = append(perRound, ours/slice)
			}
			ratios = append(ratios, median(perRound))
			cells += fmt.Sprintf(" %.2f", median(perRound))
		}
		lo, hi := quantile(ratios, 0), quantile(ratios, 1)
		r.add(row{
			name:   "growth, " + axis.name,
			ours:   fmt.Sprintf("CPU relative to the slice:%s; spread %.2f", cells, hi/lo),
			peer:   "a preallocated slice = 1",
			target: "spread ≤ 1.15",
		})
	}
	runtime.KeepAlive(ballast)
}

type load struct {
	spans, traces, producers int
	// held keeps the exporter from taking anything until all is queued.
	held bool
}

// processor is ours with room for the whole load.
func (l load) processor() sdktrace.SpanProcessor {
	gate := make(chan struct{})
	p := asyncprocessor.New(gated{gate: gate},
		asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways),
		asyncprocessor.WithMaxQueueSize(4*l.spans+1024),
		asyncprocessor.WithMaxQueueBytes(1<<40))
	if !l.held {
		close(gate)
		return p
	}
	return &opensAtShutdown{Processor: p, gate: gate}
}

type gated struct {
	discardSnapshots
	gate chan struct{}
}

func (g gated) ExportSnapshots(context.Context, []asyncprocessor.Snapshot) error {
	<-g.gate
	return nil
}

type opensAtShutdown struct {
	*asyncprocessor.Processor
	gate chan struct{}
}

func (p *opensAtShutdown) Shutdown(ctx context.Context) error {
	close(p.gate)
	return p.Processor.Shutdown(ctx)
}

// measure returns the CPU time a span costs.
func (l load) measure(p sdktrace.SpanProcessor) float64 {
	tp := newProvider(p)
	tr := tp.Tracer("bench")
	roots := make([]context.Context, l.traces)
	for i := range roots {
		roots[i] = trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1, byte(i), byte(i >> 8), byte(i >> 16)}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
		}))
	}
	runtime.GC()
	before := cpuTime()
	var wg sync.WaitGroup
	for w := range l.producers {
		wg.Go(func() {
			for i := w; i < l.spans; i += l.producers {
				_, s := tr.Start(roots[i%len(roots)], "span", fiveAttributes)
				s.End()
			}
		})
	}
	wg.Wait()
	if err := tp.Shutdown(context.Background()); err != nil {
		fail(err)
	}
	return float64(cpuTime()-before) / float64(l.spans)
}

// slice is the processor that keeps the same spans in a preallocated slice.
type slice struct {
	nothing
	spans []sdktrace.ReadOnlySpan
	next  atomic.Int64
}

func newSlice(n int) *slice { return &slice{spans: make([]sdktrace.ReadOnlySpan, n)} }

func (s *slice) OnStart(_ context.Context, span sdktrace.ReadWriteSpan) {
	s.spans[s.next.Add(1)-1] = span
}

func (s *slice) OnEnd(span sdktrace.ReadOnlySpan) { s.spans[s.next.Add(1)-1] = span }
