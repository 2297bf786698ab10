package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"
)

// TestPropertyInFlight is the property for what the processor writes of its own accord: whatever the spans, the
// exporter, flushes and Shutdown do, an update comes after the START and before the END, a child's first write after its
// parent's, what runs has no end time and what is over has one, an id that starts again is a new life in order, and
// after Shutdown none runs. What the writes look like to a viewer is in property_viewer_test.go.
func TestPropertyInFlight(t *testing.T) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	rapid.Check(t, func(t *rapid.T) {
		p := drawInFlight(t)
		rapid.SyncTest(t, func(t *rapid.T) { p.run(t) })
	})
}

type inFlightPlan struct {
	policy      StartPolicy
	interval    time.Duration
	maxItems    int
	concurrency int
	spans       []inFlightSpan
	calls       []inFlightCall
	flushes     []time.Duration
	shutdownAt  time.Duration // 0: when all is over
}

type inFlightSpan struct {
	parent       int
	after, lasts time.Duration
	steps        int // attributes set while it runs
	neverEnds    bool
	lives        int // how often the id starts
}

type inFlightCall struct {
	takes  time.Duration
	result callResult
}

func drawInFlight(t *rapid.T) inFlightPlan {
	moment := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 700 * time.Millisecond, 3 * time.Second, 25 * time.Second, 3 * time.Minute})
	p := inFlightPlan{
		policy:      rapid.SampledFrom([]StartPolicy{StartCoalesced, StartAlways}).Draw(t, "policy"),
		interval:    rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second}).Draw(t, "interval"),
		maxItems:    rapid.SampledFrom([]int{8, 1000}).Draw(t, "maxItems"),
		concurrency: rapid.IntRange(1, 3).Draw(t, "concurrency"),
		flushes:     rapid.SliceOfN(moment, 0, 4).Draw(t, "flushes"),
		shutdownAt:  moment.Draw(t, "shutdownAt"),
	}
	for i := range rapid.IntRange(1, 12).Draw(t, "spans") {
		p.spans = append(p.spans, inFlightSpan{
			parent: rapid.IntRange(-1, i-1).Draw(t, "parent"), after: moment.Draw(t, "after"), lasts: moment.Draw(t, "lasts"),
			steps: rapid.IntRange(0, 5).Draw(t, "steps"), neverEnds: rapid.IntRange(0, 4).Draw(t, "neverEnds") == 0,
			lives: rapid.SampledFrom([]int{1, 1, 1, 2, 3}).Draw(t, "lives"),
		})
	}
	for range rapid.IntRange(1, 5).Draw(t, "calls") {
		p.calls = append(p.calls, inFlightCall{
			takes: rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, 8 * time.Second}).Draw(t, "takes"),
			result: rapid.SampledFrom([]callResult{
				storesAll, storesAll, storesAll, storesNoneForNow, losesAll, storesHalf, tellsHalf, tellsHalfAndFails, losesEveryThird, panicsInCall,
			}).Draw(t, "result"),
		})
	}
	p.calls = append(p.calls, inFlightCall{takes: time.Millisecond, result: storesAll}) // what failed for now is delivered at last
	return p
}

func (p inFlightPlan) run(t *rapid.T) {
	v := newViewer(p.calls)
	proc := New(v, WithStartPolicy(p.policy), WithUpdateInterval(p.interval), WithMaxQueueSize(p.maxItems), WithConcurrency(p.concurrency))
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc), sdktrace.WithIDGenerator(&replaying{})).Tracer("t")
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()

	var wg sync.WaitGroup
	started := make([]chan context.Context, len(p.spans))
	for i := range started {
		started[i] = make(chan context.Context, len(p.spans))
	}
	for i, s := range p.spans {
		wg.Go(func() { s.run(tracer, i, started) })
	}
	for _, at := range p.flushes {
		wg.Go(func() {
			time.Sleep(at)
			if err := proc.ForceFlush(ctx); err != nil && !errors.Is(err, ErrDropped) {
				v.fault("ForceFlush: %v", err)
			}
		})
	}
	if p.shutdownAt == 0 {
		wg.Wait()
	}
	time.Sleep(p.shutdownAt)
	_ = proc.Shutdown(ctx) // its error has a property of its own
	wg.Wait()

	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.faults) > 0 {
		t.Fatalf("%d faults, the first: %s", len(v.faults), v.faults[0])
	}
	s := proc.Stats()
	if v.orphans > 0 && s.Dropped == 0 {
		t.Fatalf("%d children precede their parents, and nothing was dropped", v.orphans)
	}
	require.Equal(t, s.Offered, s.Exported+s.Coalesced+s.Dropped, "%+v", s)
	require.Zero(t, s.Queued)
	for key, seen := range v.state {
		if !seen.over() && !v.lost[key] {
			t.Fatalf("%s still runs: its last write is its %s; %+v", key.span, seen.phase, s)
		}
	}
}

func (s inFlightSpan) run(tracer trace.Tracer, i int, started []chan context.Context) {
	ctx := context.Background()
	if s.parent >= 0 {
		ctx = <-started[s.parent]
	}
	time.Sleep(s.after)
	for life := range s.lives {
		own, span := tracer.Start(ctx, fmt.Sprintf("span %d", i), trace.WithAttributes(attribute.Int(lifeNumber, life)))
		if life == 0 {
			for range started {
				started[i] <- own
			}
			ctx = context.WithValue(ctx, replayKey{}, span.SpanContext().SpanID())
		}
		for step := range s.steps {
			time.Sleep(s.lasts / time.Duration(s.steps))
			span.SetAttributes(attribute.Int("step", step))
		}
		if s.neverEnds {
			return
		}
		span.End()
	}
}

// replaying makes ids in sequence, or the one that a context asks for.
type replaying struct {
	mu   sync.Mutex
	last uint64
}

func (g *replaying) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	g.mu.Lock()
	g.last++
	id = trace.TraceID{15: byte(g.last), 14: byte(g.last >> 8)}
	g.mu.Unlock()
	return id, g.NewSpanID(ctx, id)
}

func (g *replaying) NewSpanID(ctx context.Context, _ trace.TraceID) (id trace.SpanID) {
	if again, ok := ctx.Value(replayKey{}).(trace.SpanID); ok {
		return again
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last++
	return trace.SpanID{7: byte(g.last), 6: byte(g.last >> 8)}
}

func everyIndex(n, step, from int) (all []int) {
	for i := from; i < n; i += step {
		all = append(all, i)
	}
	return slices.Clip(all)
}
