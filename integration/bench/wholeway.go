package main

import (
	"context"
	"fmt"
	"runtime"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// wholeWay measures the client's CPU for a span from Start to an answered request
// of a server in another process: ours to SGP's JSON, against BatchSpanProcessor
// WithBlocking and OTLP over HTTP with protobuf.
func wholeWay(r *report, o options) {
	url, stop := startServer("0s")
	defer stop()
	otlp := func() sdktrace.SpanProcessor {
		exp, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(url+"/v1/traces"))
		if err != nil {
			fail(err)
		}
		return sdktrace.NewBatchSpanProcessor(exp, sdktrace.WithBlocking())
	}
	for _, procs := range []int{1, 2, 8} {
		wholeWayAt(r, o, procs, otlp, func() *asyncprocessor.Processor { return sgpProcessor(url) })
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

type wholeWayRound struct{ nothing, otlp, ours, allocs float64 }

func wholeWayAt(r *report, o options, procs int, otlp func() sdktrace.SpanProcessor, ours func() *asyncprocessor.Processor) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(procs))
	ballast := makeBallast(256)
	var rounds []wholeWayRound
	for round := range o.rounds + 1 {
		var x wholeWayRound
		noAllocs := mallocs(func() { x.nothing = cpuPerSpan(nothing{}, procs, o.spans) })
		measureOTLP := func() { x.otlp = cpuPerSpan(otlp(), procs, o.spans) }
		measureOurs := func() {
			p := ours()
			n := mallocs(func() { x.ours = cpuPerSpan(p, procs, o.spans) })
			x.allocs = (float64(n) - float64(noAllocs)) / float64(o.spans)
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
		if round > 0 {
			rounds = append(rounds, x)
		}
	}
	runtime.KeepAlive(ballast)
	med := func(of func(wholeWayRound) float64) func([]wholeWayRound) float64 {
		return func(rs []wholeWayRound) float64 {
			values := make([]float64, len(rs))
			for i, x := range rs {
				values[i] = of(x)
			}
			return median(values)
		}
	}
	oursMed := med(func(x wholeWayRound) float64 { return x.ours })
	otlpMed := med(func(x wholeWayRound) float64 { return x.otlp })
	allocs := med(func(x wholeWayRound) float64 { return x.allocs })
	ratio := bootstrap(rounds, func(rs []wholeWayRound) float64 { return oursMed(rs) / otlpMed(rs) })
	r.add(row{
		name:   fmt.Sprintf("the whole way, GOMAXPROCS %d", procs),
		ours:   fmt.Sprintf("%.0f ns CPU/span, %.1f allocs above nothing", oursMed(rounds), allocs(rounds)),
		peer:   fmt.Sprintf("BSP + otlptracehttp %.0f", otlpMed(rounds)),
		ratio:  &ratio,
		target: "≤ 0.85",
		missed: ratio.high > 0.85,
	})
}

func mallocs(f func()) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return after.Mallocs - before.Mallocs
}
