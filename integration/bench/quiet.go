package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

const (
	quietSpans = 100
	quietPace  = 100 * time.Millisecond
	idleTime   = 10 * time.Second
)

// quiet counts the requests of a service that makes 10 spans a second, and then how
// often the process is woken, and its CPU time, while it makes none.
func quiet(r *report, _ options) {
	var calls, bspCalls atomic.Int64
	ours := quietWith(asyncprocessor.New(countSnapshots{&calls}))
	bsp := quietWith(sdktrace.NewBatchSpanProcessor(countSpans{&bspCalls}, sdktrace.WithBatchTimeout(batchTimeout)))
	none := quietWith(nothing{})
	took := quietSpans * quietPace
	r.add(row{
		name:   fmt.Sprintf("quiet service: 10 spans a second for %s", took),
		ours:   fmt.Sprintf("%d requests", calls.Load()),
		peer:   fmt.Sprintf("BSP %d", bspCalls.Load()),
		target: fmt.Sprintf("≤ %d, one a batch timeout", took/batchTimeout+1),
		missed: calls.Load() > int64(took/batchTimeout+1),
	})
	r.add(row{
		name:   fmt.Sprintf("idle for %s", idleTime),
		ours:   ours.String(),
		peer:   "BSP " + bsp.String() + "; a process without a processor " + none.String(),
		target: "none of its own",
	})
}

// idleCost is what an idle process did.
type idleCost struct {
	switches int64
	cpu      time.Duration
}

func (c idleCost) String() string {
	return fmt.Sprintf("%d context switches, %s CPU", c.switches, c.cpu.Round(10*time.Microsecond))
}

func quietWith(p sdktrace.SpanProcessor) idleCost {
	tp := newProvider(p)
	tr := tp.Tracer("bench")
	for range quietSpans {
		_, s := tr.Start(context.Background(), "span", fiveAttributes)
		s.End()
		<-time.After(quietPace)
	}
	<-time.After(2 * batchTimeout) // what is left is sent
	before := usage()
	<-time.After(idleTime)
	after := usage()
	if err := tp.Shutdown(context.Background()); err != nil {
		fail(err)
	}
	return idleCost{after.switches - before.switches, after.cpu - before.cpu}
}

func usage() idleCost {
	u := rusage()
	return idleCost{u.Nvcsw + u.Nivcsw, cpuTime()}
}

type countSpans struct{ n *atomic.Int64 }

func (c countSpans) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error {
	c.n.Add(1)
	return nil
}

func (countSpans) Shutdown(context.Context) error { return nil }

type countSnapshots struct{ n *atomic.Int64 }

func (c countSnapshots) ExportSnapshots(context.Context, []asyncprocessor.Snapshot) error {
	c.n.Add(1)
	return nil
}

func (countSnapshots) Shutdown(context.Context) error { return nil }
