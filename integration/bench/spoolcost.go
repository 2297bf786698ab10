package main

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"time"

	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// spoolRate is the load of spoolCost, in spans a second.
const spoolRate = 10_000

// spoolCost measures what a spool costs while SGP takes everything: the client's CPU for a span, of a service
// that makes 10,000 spans a second, with each mode against none. The files are in the directory for temporary
// files. A ratio is the median of those of the rounds: the three are measured one after another in each, so what
// slows down the machine for longer than a round is in both of its sides.
func spoolCost(r *report, o options) {
	url, stop := startServer("0s")
	defer stop()
	ballast := makeBallast(256)
	load := o.sustain / 10
	kinds := []*spoolKind{
		{name: "none", spans: spoolRate * int(load/time.Second)},
		{name: sgpexporter.SpoolOnFailure.String(), spool: true, mode: sgpexporter.SpoolOnFailure, spans: spoolRate * int(load/time.Second)},
		{name: sgpexporter.SpoolAlways.String(), spool: true, mode: sgpexporter.SpoolAlways, spans: spoolRate * int(load/time.Second)},
	}
	var rounds [][]float64
	for round := range o.rounds + 1 {
		cpu := make([]float64, len(kinds))
		for i := range kinds {
			at := (i + round) % len(kinds)
			cpu[at] = kinds[at].measure(url)
		}
		if round > 0 {
			fmt.Fprintf(os.Stderr, "spool, round %d: %.0f ns CPU/span\n", round, cpu)
			rounds = append(rounds, cpu)
		}
	}
	runtime.KeepAlive(ballast)
	of := func(at int) func([]float64) float64 { return func(cpu []float64) float64 { return cpu[at] } }
	for at, target := range []float64{1: 1.05, 2: 2} {
		if at == 0 {
			continue
		}
		ratio := bootstrap(rounds, medianOf(func(cpu []float64) float64 { return cpu[at] / cpu[0] }))
		r.add(row{
			name:   fmt.Sprintf("a spool, %s, %d spans/s", kinds[at].name, spoolRate),
			ours:   fmt.Sprintf("%.0f ns CPU/span", medianOf(of(at))(rounds)),
			peer:   fmt.Sprintf("without %.0f", medianOf(of(0))(rounds)),
			ratio:  &ratio,
			target: fmt.Sprintf("≤ %.3g", target),
			missed: ratio.high > target,
		})
	}
}

// spoolKind is a service with a spool, or without.
type spoolKind struct {
	name  string
	spool bool
	mode  sgpexporter.SpoolMode
	spans int
}

// measure returns the CPU for a span, from its start until the spool is empty.
func (k *spoolKind) measure(url string) float64 {
	opts := []sgpexporter.Option{sgpexporter.WithBaseURL(url), sgpexporter.WithAPIKey("bench")}
	if k.spool {
		dir, err := os.MkdirTemp("", "bench-spool")
		if err != nil {
			fail(err)
		}
		defer func() { _ = os.RemoveAll(dir) }()
		opts = append(opts, sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(k.mode))
	}
	exp, err := sgpexporter.New(opts...)
	if err != nil {
		fail(err)
	}
	p := asyncprocessor.New(exp)
	tp := newProvider(p)
	runtime.GC()
	before := cpuTime()
	pacedTraces(tp.Tracer("bench"), k.spans)
	if err := tp.Shutdown(context.Background()); err != nil {
		fail(err)
	}
	cpu := cpuTime() - before
	if s, d := p.Stats(), exp.Stats().Spool; s.Dropped > 0 || d.Items > 0 || d.Failures > 0 || len(d.Dropped) > 0 {
		fail(fmt.Errorf("not everything was delivered: %+v, %+v", s, d))
	}
	return float64(cpu) / float64(k.spans)
}

// pacedTraces makes spoolRate spans a second, in traces of five. Of one trace in twenty the root runs for 0.8 s,
// so that it is delivered while it runs.
func pacedTraces(tr trace.Tracer, spans int) {
	const tick, perTick = 5 * time.Millisecond, spoolRate / 200 / 5
	ticker := time.NewTicker(tick)
	defer ticker.Stop()
	var running sync.WaitGroup
	for n := 0; n < spans/5; {
		<-ticker.C
		for range perTick {
			n++
			ctx, root := tr.Start(context.Background(), "root", fiveAttributes)
			for range 4 {
				_, child := tr.Start(ctx, "child", fiveAttributes)
				child.End()
			}
			if n%20 > 0 {
				root.End()
				continue
			}
			running.Add(1)
			time.AfterFunc(800*time.Millisecond, func() {
				defer running.Done()
				root.End()
			})
		}
	}
	running.Wait()
}
