package main

import (
	"context"
	"fmt"
	"runtime"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// wholeWay measures the client's CPU for a span from Start to an answered request
// of a server in another process: ours to SGP's JSON, against BatchSpanProcessor
// WithBlocking and OTLP over HTTP with protobuf.
func wholeWay(r *report, o options) {
	url, stop := startServer("0s")
	defer stop()
	for _, w := range []way{
		{name: "the whole way", attributes: fiveAttributes, ballastMiB: 256, most: 0.85},
		{name: "the whole way, five GenAI attributes", attributes: fiveGenAIAttributes, ballastMiB: 256, most: 0.9},
		{name: "the whole way, small heap", attributes: fiveAttributes, most: 1.0},
	} {
		for _, procs := range []int{1, 2, 8} {
			w.measure(r, o, url, procs)
		}
	}
}

// sgpProcessor is ours as a user has it, but that it waits for room: nothing may be
// lost here.
func sgpProcessor(url string) *asyncprocessor.Processor {
	return asyncprocessor.New(sgpExporter(url), asyncprocessor.WithBlocking())
}

func sgpExporter(url string) *sgpexporter.Exporter {
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(url), sgpexporter.WithAPIKey("bench"))
	if err != nil {
		fail(err)
	}
	return exp
}

func otlpProcessor(url string) sdktrace.SpanProcessor {
	exp, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(url+"/v1/traces"))
	if err != nil {
		fail(err)
	}
	return sdktrace.NewBatchSpanProcessor(exp, sdktrace.WithBlocking())
}

// way is one kind of span, in a process with a heap of its own besides.
type way struct {
	name       string
	attributes trace.SpanStartEventOption
	ballastMiB int
	most       float64 // the ratio at which the target is met
}

type wayRound struct{ otlp, ours, allocs float64 }

func (w way) measure(r *report, o options, url string, procs int) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	ballast := makeBallast(w.ballastMiB)
	idle := mallocs(func() { cpuPerSpan(nothing{}, procs, o.spans, w.attributes) })
	var rounds []wayRound
	for round := range o.rounds + 1 {
		var x wayRound
		measureOTLP := func() { x.otlp = cpuPerSpan(otlpProcessor(url), procs, o.spans, w.attributes) }
		measureOurs := func() {
			p := sgpProcessor(url)
			n := mallocs(func() { x.ours = cpuPerSpan(p, procs, o.spans, w.attributes) })
			x.allocs = (float64(n) - float64(idle)) / float64(o.spans)
			if s := p.Stats(); s.Dropped > 0 || s.Exported+s.Coalesced != 2*uint64(o.spans) {
				fail(fmt.Errorf("not everything was delivered: %+v", s))
			}
		}
		if round%2 == 0 {
			measureOTLP()
			measureOurs()
		} else {
			measureOurs()
			measureOTLP()
		}
		if round > 0 { // the first warms up
			rounds = append(rounds, x)
		}
	}
	runtime.KeepAlive(ballast)
	ours := medianOf(func(x wayRound) float64 { return x.ours })
	otlp := medianOf(func(x wayRound) float64 { return x.otlp })
	allocs := medianOf(func(x wayRound) float64 { return x.allocs })
	ratio := bootstrap(rounds, func(rs []wayRound) float64 { return ours(rs) / otlp(rs) })
	r.add(row{
		name:   fmt.Sprintf("%s, GOMAXPROCS %d", w.name, procs),
		ours:   fmt.Sprintf("%.0f ns CPU/span, %.1f allocs above nothing", ours(rounds), allocs(rounds)),
		peer:   fmt.Sprintf("BSP + otlptracehttp %.0f", otlp(rounds)),
		ratio:  &ratio,
		target: fmt.Sprintf("≤ %.2f", w.most),
		missed: ratio.high > w.most,
	})
}

func mallocs(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}
