package main

import (
	"context"
	"fmt"
	"runtime"
	"runtime/metrics"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// memory measures the heap that large prompts take on their way out: the peak of
// what the runtime counts as heap objects, dead ones not yet swept included,
// minus the same with the processor that does nothing.
func memory(r *report, _ options) {
	for _, w := range []struct {
		name string
		run  func(trace.Tracer)
	}{
		{"10,000 spans of 1 ms, 50 KB prompts, 5,000/s", distinctPrompts},
		{"50 conversations of 40 turns with their history, 500/s", growingConversations},
	} {
		base := peakHeap(nothing{}, w.run)
		for _, server := range []string{"5ms", hang} {
			url, stop := startServer(server)
			p := asyncprocessor.New(sgpExporter(url))
			peak := peakHeap(p, w.run)
			stop()
			s := p.Stats()
			lost := "nothing lost"
			if server == hang {
				if s.DroppedBy[asyncprocessor.ReasonStartRefused] == 0 {
					fail(fmt.Errorf("no START was refused: %+v", s))
				}
				lost = fmt.Sprintf("STARTs refused %d, queue full %d, at shutdown %d, of %d",
					s.DroppedBy[asyncprocessor.ReasonStartRefused], s.DroppedBy[asyncprocessor.ReasonQueueFull],
					s.DroppedBy[asyncprocessor.ReasonShutdownDeadline], s.Offered)
			} else if s.Dropped > 0 {
				lost = fmt.Sprintf("LOST %v", s.DroppedBy)
			}
			if s.Offered != s.Exported+s.Coalesced+s.Dropped {
				fail(fmt.Errorf("not all accounted for: %+v", s))
			}
			r.add(row{
				name:   fmt.Sprintf("memory, %s, server %s", w.name, server),
				ours:   fmt.Sprintf("%+.0f MiB at the peak; %s", float64(peak-base)/(1<<20), lost),
				peer:   fmt.Sprintf("nothing: %.0f MiB", float64(base)/(1<<20)),
				target: "≤ 128 MiB",
				missed: peak-base > 128<<20,
			})
		}
	}
}

// peakHeap returns the largest heap seen while the workload runs and the
// processor drains.
func peakHeap(p sdktrace.SpanProcessor, workload func(trace.Tracer)) int64 {
	tp := newProvider(p)
	runtime.GC()
	stop := make(chan struct{})
	var peak int64
	var wg sync.WaitGroup
	wg.Go(func() {
		sample := []metrics.Sample{{Name: "/memory/classes/heap/objects:bytes"}}
		tick := time.NewTicker(10 * time.Millisecond)
		defer tick.Stop()
		for {
			metrics.Read(sample)
			peak = max(peak, int64(sample[0].Value.Uint64()))
			select {
			case <-tick.C:
			case <-stop:
				return
			}
		}
	})
	workload(tp.Tracer("bench"))
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_ = tp.Shutdown(ctx) // with a server that hangs it cannot succeed; Stats tells
	close(stop)
	wg.Wait()
	return peak
}

// paced calls f(0) to f(n-1), at perSecond, each on a goroutine of its own.
func paced(n, perSecond int, f func(i int)) {
	var wg sync.WaitGroup
	start := time.Now()
	for i := range n {
		due := start.Add(time.Duration(i) * time.Second / time.Duration(perSecond))
		if wait := time.Until(due); wait > 0 {
			<-time.After(wait)
		}
		wg.Go(func() { f(i) })
	}
	wg.Wait()
}

func distinctPrompts(tr trace.Tracer) {
	paced(10_000, 5_000, func(i int) {
		prompt := fmt.Sprintf("%08d", i) + strings.Repeat("p", 50_000-8)
		_, s := tr.Start(context.Background(), "chat", trace.WithAttributes(
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.String("sgp.input", prompt)))
		<-time.After(time.Millisecond)
		s.End()
	})
}

func growingConversations(tr trace.Tracer) {
	const conversations, turns = 50, 40
	paced(conversations*turns, 500, func(i int) {
		turn := i / conversations
		history := fmt.Sprintf("%08d", i) + strings.Repeat("h", 50_000+4_000*turn-8)
		_, s := tr.Start(context.Background(), "turn", trace.WithAttributes(
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.Int("conversation", i%conversations),
			attribute.String("sgp.input", history)))
		<-time.After(time.Millisecond)
		s.End()
	})
}
