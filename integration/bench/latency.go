package main

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// slowServer measures what is sustained against a server that takes 150 ms for a
// request of any size.
func slowServer(r *report, o options) {
	url, stop := startServer("150ms")
	defer stop()
	slowServerWith(r, o, url, "defaults", 20_000)
	slowServerWith(r, o, url, "recommended: WithMaxExportBatchSize(1000), WithConcurrency(16)", 50_000,
		asyncprocessor.WithMaxExportBatchSize(1000), asyncprocessor.WithConcurrency(16))
}

func slowServerWith(r *report, o options, url, name string, least float64, opts ...asyncprocessor.Option) {
	inner := sgpExporter(url)
	order := &orderChecked{Exporter: inner}
	p := asyncprocessor.New(order, append([]asyncprocessor.Option{asyncprocessor.WithBlocking()}, opts...)...)
	tp := newProvider(p)
	tr := tp.Tracer("bench")

	// A root and four children a trace, from two producers that are held up when
	// the queue is full: what they get rid of is what the exporter sustains.
	deadline := time.Now().Add(o.sustain)
	var spans atomic.Int64
	var wg sync.WaitGroup
	start := time.Now()
	for range 2 {
		wg.Go(func() {
			for time.Now().Before(deadline) {
				ctx, root := tr.Start(context.Background(), "root", fiveAttributes)
				for range 4 {
					_, child := tr.Start(ctx, "child", fiveAttributes)
					child.End()
				}
				root.End()
				spans.Add(5)
			}
		})
	}
	wg.Wait()
	if err := tp.Shutdown(context.Background()); err != nil {
		fail(err)
	}
	took := time.Since(start)
	s := p.Stats()
	if s.Dropped > 0 || order.violations.Load() > 0 {
		fail(fmt.Errorf("lost or reordered: %+v, %d violations", s, order.violations.Load()))
	}
	rate := float64(spans.Load()) / took.Seconds()
	r.add(row{
		name:   "a server of 150 ms, " + name,
		ours:   fmt.Sprintf("%.0f spans/s for %s, nothing lost, in order", rate, took.Round(time.Second)),
		peer:   "–",
		target: fmt.Sprintf("≥ %.0f/s", least),
		missed: rate < least,
	})
}

// orderChecked counts STARTs delivered after their END.
type orderChecked struct {
	asyncprocessor.Exporter
	ended      sync.Map // of trace.SpanID
	violations atomic.Int64
}

func (c *orderChecked) ExportSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
	err := c.Exporter.ExportSnapshots(ctx, snapshots)
	for _, s := range snapshots {
		id := s.Span.SpanContext().SpanID()
		if s.Phase == asyncprocessor.PhaseEnd {
			c.ended.Store(id, struct{}{})
		} else if _, ended := c.ended.Load(id); ended {
			c.violations.Add(1)
		}
	}
	return err
}
