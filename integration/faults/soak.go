package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// soakFaults are the faults of a soak; each of them ends.
var soakFaults = []struct {
	name  string
	fault func(b *bed, lasts time.Duration) error
}{
	{"away", away},
	{"silent connections", silence},
	{"nothing comes through", toxic(`{"type":"timeout","stream":"downstream","attributes":{"timeout":0}}`)},
	{"resets", toxic(`{"type":"reset_peer","stream":"upstream","attributes":{"timeout":5}}`)},
	{"answers cut", toxic(`{"type":"limit_data","stream":"downstream","attributes":{"bytes":40}}`)},
	{"slow", slow},
	{"hang", func(b *bed, lasts time.Duration) error { return during(b.hang)(b, lasts) }},
	{"503", during(status(503))},
	{"429", during(status(429, "Retry-After", "1"))},
	{"404", during(status(404))},
	{"a page", during(page(200))},
	{"401", during(status(401))},
	{"spans refused", func(b *bed, lasts time.Duration) error {
		b.refuse(sgptest.RefuseItems(422, isRefused))
		b.wait(lasts)
		b.refuse(nil)
		return nil
	}},
	{"nothing", func(b *bed, lasts time.Duration) error { b.wait(lasts); return nil }},
}

// soak runs a service under one random fault after another, and says what of it was
// wrong: counts that do not add up, spans that are lost and not counted, a wrong order, or
// memory, goroutines or descriptors that grow.
func soak(ctx context.Context, lasts time.Duration, scale float64, w io.Writer) error {
	b, err := newBed(false, true)
	if err != nil {
		return err
	}
	defer b.close()
	cfg := serviceConfig{URL: b.url(), Rate: 400, Duration: lasts, Shutdown: 30 * time.Second, Refused: 5}
	service, err := start(ctx, cfg, b)
	if err != nil {
		return err
	}
	quiet := scaled(5*time.Second, scale)
	for end := time.Now().Add(lasts - quiet); time.Now().Before(end) && ctx.Err() == nil; {
		f := soakFaults[rand.IntN(len(soakFaults))]
		takes := scaled(time.Second+time.Duration(rand.Int64N(int64(8*time.Second))), scale)
		takes = min(takes, time.Until(end))
		_, _ = fmt.Fprintf(w, "%s for %v\n", f.name, takes.Round(100*time.Millisecond))
		if err := f.fault(b, takes); err != nil {
			return err
		}
		b.wait(scaled(time.Second, scale))
	}
	result, err := service.result()
	if err != nil {
		return err
	}
	o := outcome{serviceResult: *result, Delivered: b.spans.count()}
	_, _ = fmt.Fprintf(w, "%d spans, %d delivered, dropped %v; goroutines %v, heap %.1f MiB, descriptors %v\n",
		o.Spans, o.Delivered, o.Dropped, o.Goroutines, o.Heap, o.Descriptors)
	return errors.Join(o.judge(b)...)
}

// judge says what is wrong with a soak's outcome.
func (o *outcome) judge(b *bed) (wrong []error) {
	bad := func(format string, args ...any) { wrong = append(wrong, fmt.Errorf(format, args...)) }
	if o.Conservation != "" {
		bad("the counts do not add up: %s", o.Conservation)
	}
	var dropped int
	for reason, n := range o.Dropped {
		if !strings.HasPrefix(reason, "start_") {
			dropped += int(n)
		}
	}
	if lost := o.lost(); lost > dropped {
		bad("%d spans are lost, and %d snapshots counted as dropped", lost, dropped)
	}
	for _, v := range b.sgp.Violations() {
		if v.Kind == sgptest.StartAfterEnd || v.Kind == sgptest.ChildBeforeParent {
			bad("order: %w", v)
			break
		}
	}
	if o.Goroutines[1] > o.Goroutines[0]+8 {
		bad("goroutines grew from %d to %d", o.Goroutines[0], o.Goroutines[1])
	}
	if o.Descriptors[1] > o.Descriptors[0]+16 {
		bad("descriptors grew from %d to %d", o.Descriptors[0], o.Descriptors[1])
	}
	if o.Heap[1] > 2*o.Heap[0]+8 {
		bad("the heap grew from %.1f to %.1f MiB", o.Heap[0], o.Heap[1])
	}
	return wrong
}
