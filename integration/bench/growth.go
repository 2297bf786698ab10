package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/debug"
	"sync"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// growth shows how the CPU for a span changes with what is queued, with the number
// of live traces and with the number of producers, relative to a processor that
// keeps the same spans in a preallocated slice.
func growth(r *report, o options) {
	queued := func(n int) load { return load{spans: n / 2, traces: 1000, producers: 2, held: true} }
	traces := func(n int) load { return load{spans: 200_000, traces: n, producers: 1} }
	shared := func(n int) load { return load{spans: 200_000, traces: n, producers: 2} }
	producers := func(n int) load { return load{spans: 200_000, traces: 1000, producers: n} }
	for _, axis := range []struct {
		name  string
		loads []load
	}{
		{"snapshots queued: 10³, 10⁴, 10⁵, 10⁶", []load{queued(1e3), queued(1e4), queued(1e5), queued(1e6)}},
		{"live traces: 1, 10², 10⁴, 10⁵", []load{traces(1), traces(1e2), traces(1e4), traces(1e5)}},
		{"the same from two producers in all of them", []load{shared(1), shared(1e2), shared(1e4), shared(1e5)}},
		{"producers: 1, 4, 16, 64", []load{producers(1), producers(4), producers(16), producers(64)}},
	} {
		var ratios []float64
		cells := ""
		for _, l := range axis.loads {
			ratio := l.relativeToSlice(o.rounds)
			ratios = append(ratios, ratio)
			cells += fmt.Sprintf(" %.2f", ratio)
		}
		lo, hi := quantile(ratios, 0), quantile(ratios, 1)
		r.add(row{
			name:   "growth, " + axis.name,
			ours:   fmt.Sprintf("CPU relative to the slice:%s; spread %.2f", cells, hi/lo),
			peer:   "a preallocated slice = 1",
			target: "spread ≤ 1.15",
			missed: hi/lo > 1.15,
		})
	}
}

type load struct {
	spans, traces, producers int
	// held keeps the exporter from taking anything until all is queued.
	held bool
}

// relativeToSlice returns the CPU that a span costs with ours over what it costs
// with the slice, the median of interleaved rounds, of which a small load has more.
// Both are warm, as in a service that runs: one uncounted round comes first.
//
// From round to round the heap may grow more before it is collected. With one limit, a tenth
// more memory can make one collection two.
func (l load) relativeToSlice(rounds int) float64 {
	var gate sync.RWMutex // locked while the exporter is to take nothing
	ours := asyncprocessor.New(gated{gate: &gate},
		asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways),
		asyncprocessor.WithMaxQueueSize(4*l.spans+1024),
		asyncprocessor.WithMaxQueueBytes(1<<40))
	var oursProviders, sliceProviders []*sdktrace.TracerProvider
	var slices []*slice
	for range l.producers {
		s := &slice{spans: make([]sdktrace.ReadOnlySpan, 0, 2*(l.spans/l.producers+1))}
		slices = append(slices, s)
		oursProviders, sliceProviders = append(oursProviders, newProvider(ours)), append(sliceProviders, newProvider(s))
	}
	roots := l.roots()
	ballast := makeBallast(256)
	defer runtime.KeepAlive(ballast)
	defer debug.SetGCPercent(debug.SetGCPercent(100))
	debug.FreeOSMemory() // what an earlier load has left behind

	var ratios []float64
	for round := range 1 + min(max(rounds/2, 8, 2_000_000/l.spans), 100) {
		debug.SetGCPercent(100 + 12*(round%8))
		kept := cpuOf(func() { l.makeSpans(sliceProviders, roots) })
		for _, s := range slices {
			s.reset()
		}
		queued := cpuOf(func() {
			if l.held {
				gate.Lock()
			}
			l.makeSpans(oursProviders, roots)
			if l.held {
				gate.Unlock()
			}
			if err := ours.ForceFlush(context.Background()); err != nil {
				fail(err)
			}
		})
		if round > 0 {
			ratios = append(ratios, queued/kept)
		}
	}
	if err := ours.Shutdown(context.Background()); err != nil {
		fail(err)
	}
	return median(ratios)
}

// roots returns the contexts of as many traces as the load has.
func (l load) roots() []context.Context {
	roots := make([]context.Context, l.traces)
	for i := range roots {
		roots[i] = trace.ContextWithSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{1, byte(i), byte(i >> 8), byte(i >> 16)}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled,
		}))
	}
	return roots
}

// makeSpans makes the load's spans, each producer with a provider of its own.
func (l load) makeSpans(providers []*sdktrace.TracerProvider, roots []context.Context) {
	var wg sync.WaitGroup
	for w, tp := range providers {
		wg.Go(func() {
			tr := tp.Tracer("bench")
			for i := w; i < l.spans; i += l.producers {
				_, s := tr.Start(roots[i%len(roots)], "span", fiveAttributes)
				s.End()
			}
		})
	}
	wg.Wait()
}

// cpuOf returns the CPU time of the process, in nanoseconds, while f runs on a
// clean heap.
func cpuOf(f func()) float64 {
	runtime.GC()
	before := cpuTime()
	f()
	return float64(cpuTime() - before)
}

// gated is an exporter that delivers to nowhere while the gate is not locked.
type gated struct {
	discardSnapshots
	gate *sync.RWMutex
}

func (g gated) ExportSnapshots(context.Context, []asyncprocessor.Snapshot) error {
	g.gate.RLock()
	defer g.gate.RUnlock()
	return nil
}

// slice is the processor that keeps the same spans in a preallocated slice. Each producer
// has one to itself, so that what is compared with does not grow with their number.
type slice struct {
	nothing
	spans []sdktrace.ReadOnlySpan
}

func (s *slice) OnStart(_ context.Context, span sdktrace.ReadWriteSpan) {
	s.spans = append(s.spans, span)
}

func (s *slice) OnEnd(span sdktrace.ReadOnlySpan) { s.spans = append(s.spans, span) }

func (s *slice) reset() {
	clear(s.spans)
	s.spans = s.spans[:0]
}
