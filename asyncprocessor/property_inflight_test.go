package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
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

// TestPropertyInFlight is the property for what the processor writes of its own accord: whatever the spans and
// the exporter do, an update comes after the START and before the END, a child's first write after its
// parent's, no write but an END's has usage's place, an end time, an id that starts again is a new life in order, and
// after Shutdown none runs.
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
}

type inFlightSpan struct {
	parent       int
	after, lasts time.Duration
	steps        int // attributes set while it runs
	neverEnds    bool
	again        bool // the id starts again afterwards
}

type inFlightCall struct {
	takes  time.Duration
	result int // 0 delivered, 1 for now, 2 lost
}

func drawInFlight(t *rapid.T) inFlightPlan {
	moment := rapid.SampledFrom([]time.Duration{0, time.Millisecond, 700 * time.Millisecond, 3 * time.Second, 25 * time.Second, 3 * time.Minute})
	p := inFlightPlan{
		policy:      rapid.SampledFrom([]StartPolicy{StartCoalesced, StartAlways}).Draw(t, "policy"),
		interval:    rapid.SampledFrom([]time.Duration{time.Second, 10 * time.Second}).Draw(t, "interval"),
		maxItems:    rapid.SampledFrom([]int{8, 1000}).Draw(t, "maxItems"),
		concurrency: rapid.IntRange(1, 3).Draw(t, "concurrency"),
	}
	for i := range rapid.IntRange(1, 12).Draw(t, "spans") {
		p.spans = append(p.spans, inFlightSpan{
			parent: rapid.IntRange(-1, i-1).Draw(t, "parent"), after: moment.Draw(t, "after"), lasts: moment.Draw(t, "lasts"),
			steps: rapid.IntRange(0, 5).Draw(t, "steps"), neverEnds: rapid.IntRange(0, 4).Draw(t, "neverEnds") == 0,
			again: rapid.IntRange(0, 3).Draw(t, "again") == 0,
		})
	}
	for range rapid.IntRange(1, 5).Draw(t, "calls") {
		p.calls = append(p.calls, inFlightCall{
			takes:  rapid.SampledFrom([]time.Duration{time.Microsecond, time.Second, 8 * time.Second}).Draw(t, "takes"),
			result: rapid.SampledFrom([]int{0, 0, 0, 1, 2}).Draw(t, "result"),
		})
	}
	p.calls = append(p.calls, inFlightCall{takes: time.Millisecond}) // what failed for now is delivered at last
	return p
}

// viewer is an exporter that sees what a viewer does.
type viewer struct {
	plan inFlightPlan

	mu     sync.Mutex
	calls  int
	state  map[spanKey]Phase // of the last write that was delivered
	lost   map[spanKey]bool  // a write of it was lost
	faults []string

	orphans int // children that were written before anything of their parent
}

func (v *viewer) ExportSnapshots(_ context.Context, snapshots []Snapshot) error {
	v.mu.Lock()
	c := v.plan.calls[v.calls%len(v.plan.calls)]
	v.calls++
	v.mu.Unlock()
	time.Sleep(c.takes)
	v.mu.Lock()
	defer v.mu.Unlock()
	all := make([]int, len(snapshots))
	for i, s := range snapshots {
		all[i] = i
		key := keyOf(s.Span.SpanContext())
		if c.result == 2 {
			v.lost[key] = true
		}
		if c.result == 0 {
			v.write(key, s)
		}
	}
	switch c.result {
	case 1:
		return &ExportError{Undelivered: all, Retryable: true, Err: errors.New("for now")}
	case 2:
		return errors.New("lost")
	}
	return nil
}

// write notes a delivered write and checks its order.
func (v *viewer) write(key spanKey, s Snapshot) {
	before, known := v.state[key]
	ended := before == PhaseEnd || before == PhaseUnfinished
	switch {
	case s.Phase == PhaseStart && known && !ended && !v.lost[key]:
		v.fault("a START after %s", before)
	case s.Phase == PhaseUpdate && ended && before != PhaseEnd:
		v.fault("an UPDATE after %s", before)
	case s.Phase == PhaseUnfinished && before == PhaseEnd && !v.lost[key]:
		v.fault("an UNFINISHED after an END")
	}
	if (s.Phase == PhaseStart || s.Phase == PhaseUpdate) != s.Span.EndTime().IsZero() {
		v.fault("%s with an end time of %s", s.Phase, s.Span.EndTime())
	}
	parent := keyOf(s.Span.Parent())
	if _, seen := v.state[parent]; s.Span.Parent().IsValid() && !known && !seen && !v.lost[parent] {
		v.orphans++
	}
	v.state[key] = s.Phase
}

func (v *viewer) fault(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}

func (*viewer) Shutdown(context.Context) error { return nil }

func (p inFlightPlan) run(t *rapid.T) {
	v := &viewer{plan: p, state: make(map[spanKey]Phase), lost: make(map[spanKey]bool)}
	proc := New(v, WithStartPolicy(p.policy), WithUpdateInterval(p.interval), WithMaxQueueSize(p.maxItems), WithConcurrency(p.concurrency))
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc), sdktrace.WithIDGenerator(&replaying{}))
	tracer := tp.Tracer("t")
	var wg sync.WaitGroup
	started := make([]chan context.Context, len(p.spans))
	for i := range started {
		started[i] = make(chan context.Context, len(p.spans))
	}
	for i, s := range p.spans {
		wg.Go(func() {
			ctx := context.Background()
			if s.parent >= 0 {
				ctx = <-started[s.parent]
			}
			time.Sleep(s.after)
			own, span := tracer.Start(ctx, fmt.Sprint("span ", i))
			for range p.spans {
				started[i] <- own
			}
			for step := range s.steps {
				time.Sleep(s.lasts / time.Duration(s.steps))
				span.SetAttributes(attribute.Int("step", step))
			}
			if s.neverEnds {
				return
			}
			span.End()
			if s.again {
				_, span = tracer.Start(context.WithValue(ctx, replayKey{}, span.SpanContext().SpanID()), fmt.Sprint("span ", i))
				time.Sleep(s.lasts)
				span.End()
			}
		})
	}
	wg.Wait()
	ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
	defer cancel()
	_ = proc.Shutdown(ctx)

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
	for key, phase := range v.state {
		if (phase == PhaseStart || phase == PhaseUpdate) && !v.lost[key] && s.Dropped == 0 {
			t.Fatalf("%s still runs: its last write is its %s", key.span, phase)
		}
	}
}

// replaying makes ids in sequence, or the one that a context asks for.
type replaying struct {
	mu   sync.Mutex
	last uint64
}

func (g *replaying) NewIDs(ctx context.Context) (id trace.TraceID, span trace.SpanID) {
	span = g.NewSpanID(ctx, id)
	copy(id[8:], span[:])
	return id, span
}

func (g *replaying) NewSpanID(ctx context.Context, _ trace.TraceID) (id trace.SpanID) {
	if again, ok := ctx.Value(replayKey{}).(trace.SpanID); ok {
		return again
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last++
	for i := range id {
		id[i] = byte(g.last >> (8 * (7 - i)))
	}
	return id
}
