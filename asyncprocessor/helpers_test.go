package asyncprocessor_test

import (
	"context"
	"fmt"
	"sort"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// call is one call of recorder.ExportSnapshots.
type call struct {
	at        time.Time // when it began
	snapshots []asyncprocessor.Snapshot
	err       error
	returned  bool
}

// names returns what a call carried as "START a", "END a".
func (c call) names() []string {
	var names []string
	for _, s := range c.snapshots {
		names = append(names, s.Phase.String()+" "+s.Span.Name())
	}
	return names
}

// recorder is an exporter that notes every call, and asserts what holds for all
// of them: no empty call, none after Shutdown but one that was given up as it began,
// never two at once with one trace.
// The zero value delivers everything at once.
type recorder struct {
	// export, if set, decides over the nth call, n from 1.
	export func(ctx context.Context, n int, snapshots []asyncprocessor.Snapshot) error
	// shutdown, if set, is what Shutdown does.
	shutdown func(ctx context.Context) error

	underWay sync.WaitGroup

	mu        sync.Mutex
	made      []*call
	open      map[trace.TraceID]int // calls under way, by trace
	atOnce    int
	maxAtOnce int
	shutdowns int
	wrong     []string
}

func (r *recorder) ExportSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) (err error) {
	r.underWay.Add(1)
	defer r.underWay.Done()
	c := &call{at: time.Now(), snapshots: append([]asyncprocessor.Snapshot(nil), snapshots...)}
	traces := map[trace.TraceID]bool{}
	for _, s := range snapshots {
		traces[s.Span.SpanContext().TraceID()] = true
	}
	r.mu.Lock()
	r.made = append(r.made, c)
	n := len(r.made)
	if len(snapshots) == 0 {
		r.wrong = append(r.wrong, "a call without snapshots")
	}
	if r.shutdowns > 0 && ctx.Err() == nil {
		r.wrong = append(r.wrong, "a call after Shutdown that was not given up")
	}
	if r.open == nil {
		r.open = map[trace.TraceID]int{}
	}
	for id := range traces {
		if r.open[id]++; r.open[id] > 1 {
			r.wrong = append(r.wrong, "two calls at once with trace "+id.String())
		}
	}
	r.atOnce++
	r.maxAtOnce = max(r.maxAtOnce, r.atOnce)
	r.mu.Unlock()

	defer func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		c.returned, c.err = true, err
		for id := range traces {
			r.open[id]--
		}
		r.atOnce--
	}()
	if r.export != nil {
		return r.export(ctx, n, snapshots)
	}
	return nil
}

func (r *recorder) Shutdown(ctx context.Context) error {
	r.mu.Lock()
	r.shutdowns++
	r.mu.Unlock()
	if r.shutdown != nil {
		return r.shutdown(ctx)
	}
	return nil
}

// calls returns the calls so far.
func (r *recorder) calls() []call {
	r.mu.Lock()
	defer r.mu.Unlock()
	var calls []call
	for _, c := range r.made {
		calls = append(calls, *c)
	}
	return calls
}

// batches returns what each call carried.
func (r *recorder) batches() [][]string {
	var all [][]string
	for _, c := range r.calls() {
		all = append(all, c.names())
	}
	return all
}

// names returns what all calls carried, in order.
func (r *recorder) names() []string {
	var all []string
	for _, b := range r.batches() {
		all = append(all, b...)
	}
	return all
}

// snapshot returns the first snapshot that names shows as name.
func (r *recorder) snapshot(t *testing.T, name string) sdktrace.ReadOnlySpan {
	t.Helper()
	for _, c := range r.calls() {
		for i, n := range c.names() {
			if n == name {
				return c.snapshots[i].Span
			}
		}
	}
	t.Fatalf("no %q was exported, only %q", name, r.names())
	return nil
}

func (r *recorder) shutdownCount() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.shutdowns
}

func (r *recorder) check(t *testing.T) {
	t.Helper()
	r.mu.Lock()
	defer r.mu.Unlock()
	assert.Empty(t, r.wrong)
}

// newProcessor returns a processor that is shut down at the end of the test, when
// everything must be accounted for and every call must come to an end. It writes nothing of its own
// accord, unless opts say so.
func newProcessor(t *testing.T, exp *recorder, opts ...asyncprocessor.Option) *asyncprocessor.Processor {
	t.Helper()
	p := asyncprocessor.New(exp, append([]asyncprocessor.Option{
		asyncprocessor.WithUpdateInterval(0), asyncprocessor.WithUnfinishedSpans(false),
	}, opts...)...)
	t.Cleanup(func() {
		_ = p.Shutdown(context.Background())
		exp.underWay.Wait()
		s := balanced(t, p)
		assert.Zero(t, s.Queued, "queued after Shutdown")
		assert.Zero(t, s.InFlight, "in flight after Shutdown")
		exp.check(t)
	})
	return p
}

// balanced asserts the conservation law and returns the counts.
func balanced(t *testing.T, p *asyncprocessor.Processor) asyncprocessor.Stats {
	t.Helper()
	s := p.Stats()
	assert.GreaterOrEqual(t, s.Queued, int64(0))
	assert.GreaterOrEqual(t, s.InFlight, int64(0))
	assert.Equal(t, s.Offered, s.Exported+s.Coalesced+s.Dropped+uint64(s.Queued)+uint64(s.InFlight), "%+v", s)
	var dropped uint64
	for _, n := range s.DroppedBy {
		assert.NotZero(t, n, "a reason that never occurred is absent")
		dropped += n
	}
	assert.Equal(t, s.Dropped, dropped, "%+v", s)
	return s
}

// provider returns a TracerProvider with the processors, which the test shuts down
// through their own cleanup.
func provider(processors ...sdktrace.SpanProcessor) *sdktrace.TracerProvider {
	opts := []sdktrace.TracerProviderOption{sdktrace.WithSampler(sdktrace.AlwaysSample())}
	for _, p := range processors {
		opts = append(opts, sdktrace.WithSpanProcessor(p))
	}
	return sdktrace.NewTracerProvider(opts...)
}

// byHand makes spans that no processor sees but those that a test hands them to.
var byHand = provider().Tracer("by hand")

// start starts a span, in a trace of its own unless ctx has one, and hands its
// START to p.
func start(ctx context.Context, p *asyncprocessor.Processor, name string, opts ...trace.SpanStartOption) (context.Context, trace.Span) {
	childCtx, span := byHand.Start(ctx, name, opts...)
	p.OnStart(ctx, span.(sdktrace.ReadWriteSpan))
	return childCtx, span
}

// end ends a span and hands its END to p.
func end(p *asyncprocessor.Processor, span trace.Span) {
	span.End()
	p.OnEnd(span.(sdktrace.ReadOnlySpan))
}

// offerEnd hands p the END alone of a new span in a trace of its own.
func offerEnd(p *asyncprocessor.Processor, name string, opts ...trace.SpanStartOption) {
	_, span := byHand.Start(context.Background(), name, opts...)
	end(p, span)
}

// offerEnds hands p n ENDs of traces of their own, named by their number from 0.
func offerEnds(p *asyncprocessor.Processor, n int, opts ...trace.SpanStartOption) {
	for i := range n {
		offerEnd(p, fmt.Sprint(i), opts...)
	}
}

// offerTrace hands p n ENDs of one new trace.
func offerTrace(p *asyncprocessor.Processor, n int) {
	ctx, _ := byHand.Start(context.Background(), "parent")
	for i := range n {
		_, span := byHand.Start(ctx, fmt.Sprint(i))
		end(p, span)
	}
}

// large returns attributes that hold some bytes.
func large(bytes int) []attribute.KeyValue {
	return []attribute.KeyValue{attribute.String("k", strings.Repeat("x", bytes))}
}

// payload makes a span larger by some bytes.
func payload(bytes int) trace.SpanStartOption { return trace.WithAttributes(large(bytes)...) }

// sorted sorts each batch: traces have no order among them.
func sorted(batches [][]string) [][]string {
	for _, b := range batches {
		sort.Strings(b)
	}
	return batches
}

// gate is an exporter function that waits to be opened, or for its context.
type gate struct{ opened chan struct{} }

func newGate() *gate { return &gate{opened: make(chan struct{})} }

func (g *gate) open() { close(g.opened) }

func (g *gate) export(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
	select {
	case <-g.opened:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// turnstile is an exporter function that lets one call through per value sent, all
// once it is closed, and those whose context ended.
type turnstile chan struct{}

func (ts turnstile) export(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
	select {
	case <-ts:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// endKeeper is a SpanProcessor that keeps what it gets in OnEnd.
type endKeeper struct {
	mu      sync.Mutex
	started []string
	spans   []sdktrace.ReadOnlySpan
}

func (k *endKeeper) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.started = append(k.started, s.Name())
}

func (k *endKeeper) OnEnd(s sdktrace.ReadOnlySpan) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.spans = append(k.spans, s)
}

func (*endKeeper) Shutdown(context.Context) error   { return nil }
func (*endKeeper) ForceFlush(context.Context) error { return nil }
