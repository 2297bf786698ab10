package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

const (
	hotSpans     = 100_000 // of the one large trace
	otherTraces  = 400
	othersPace   = 5 * time.Millisecond
	fairRequest  = 10 * time.Millisecond
	batchTimeout = asyncprocessor.DefaultBatchTimeout
)

// fairness measures how long the END of another trace takes from OnEnd until it is
// delivered, while one trace with 100,000 spans is sent at 10 ms a request.
func fairness(r *report, _ options) {
	d := &deliveries{ended: map[trace.SpanID]time.Time{}}
	ours := asyncprocessor.New(deliverSnapshots{d},
		asyncprocessor.WithMaxQueueSize(4*hotSpans), asyncprocessor.WithMaxQueueBytes(1<<30))
	crowd(d, ours)
	if s := ours.Stats(); s.Dropped > 0 {
		fail(fmt.Errorf("dropped: %+v", s))
	}
	b := &deliveries{ended: map[trace.SpanID]time.Time{}}
	crowd(b, sdktrace.NewBatchSpanProcessor(deliverSpans{b}, sdktrace.WithMaxQueueSize(4*hotSpans), sdktrace.WithBatchTimeout(batchTimeout)))

	limit := 2*batchTimeout + fairRequest
	r.add(row{
		name:   "fairness: END of another trace while one of 100,000 spans is sent",
		ours:   d.summary() + fmt.Sprintf(", %d over %s", d.over(limit), limit),
		peer:   "BSP " + b.summary() + fmt.Sprintf(", %d over", b.over(limit)),
		target: fmt.Sprintf("≤ %s", limit),
		missed: d.over(limit) > 0,
	})
}

// crowd makes one large trace as fast as it goes, and others beside it.
func crowd(d *deliveries, p sdktrace.SpanProcessor) {
	tp := newProvider(p)
	tr := tp.Tracer("bench")
	var wg sync.WaitGroup
	wg.Go(func() {
		ctx, root := tr.Start(context.Background(), "root", fiveAttributes)
		for range hotSpans - 1 {
			_, s := tr.Start(ctx, "hot", fiveAttributes)
			s.End()
		}
		root.End()
	})
	for range otherTraces {
		<-time.After(othersPace)
		_, s := tr.Start(context.Background(), "other", fiveAttributes)
		d.ends(s)
	}
	wg.Wait()
	if err := tp.Shutdown(context.Background()); err != nil {
		fail(err)
	}
}

// deliveries notes how long after their End spans were delivered.
type deliveries struct {
	mu    sync.Mutex // guards all
	ended map[trace.SpanID]time.Time
	took  []float64 // milliseconds
}

func (d *deliveries) ends(s trace.Span) {
	d.mu.Lock()
	d.ended[s.SpanContext().SpanID()] = time.Now()
	d.mu.Unlock()
	s.End()
}

func (d *deliveries) delivered(id trace.SpanID) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if at, ok := d.ended[id]; ok {
		d.took = append(d.took, float64(time.Since(at))/float64(time.Millisecond))
	}
}

func (d *deliveries) summary() string {
	if len(d.took) != otherTraces {
		fail(fmt.Errorf("%d of %d delivered", len(d.took), otherTraces))
	}
	return fmt.Sprintf("p50 %.0f, p99 %.0f, max %.0f ms", median(d.took), quantile(d.took, 0.99), quantile(d.took, 1))
}

func (d *deliveries) over(limit time.Duration) int {
	n := 0
	for _, ms := range d.took {
		if ms > float64(limit)/float64(time.Millisecond) {
			n++
		}
	}
	return n
}

type deliverSpans struct{ d *deliveries }

func (e deliverSpans) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	<-time.After(fairRequest)
	for _, s := range spans {
		e.d.delivered(s.SpanContext().SpanID())
	}
	return nil
}

func (deliverSpans) Shutdown(context.Context) error { return nil }

type deliverSnapshots struct{ d *deliveries }

func (e deliverSnapshots) ExportSnapshots(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
	<-time.After(fairRequest)
	for _, s := range snapshots {
		if s.Phase == asyncprocessor.PhaseEnd {
			e.d.delivered(s.Span.SpanContext().SpanID())
		}
	}
	return nil
}

func (deliverSnapshots) Shutdown(context.Context) error { return nil }
