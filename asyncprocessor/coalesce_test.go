package asyncprocessor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// family makes parent{first{}, second{}}, all ended, in one trace.
func family(ctx context.Context, p *asyncprocessor.Processor) {
	ctx, parent := start(ctx, p, "parent")
	_, first := start(ctx, p, "first")
	end(p, first)
	_, second := start(ctx, p, "second")
	end(p, second)
	end(p, parent)
}

func TestStartPolicies(t *testing.T) {
	tests := []struct {
		name                         string
		opts                         []asyncprocessor.Option
		want                         []string
		offered, exported, coalesced uint64
	}{
		{
			name: "default", opts: nil,
			want:    []string{"END parent", "END first", "END second"},
			offered: 6, exported: 3, coalesced: 3,
		},
		{
			name: "StartCoalesced", opts: []asyncprocessor.Option{asyncprocessor.WithStartPolicy(asyncprocessor.StartCoalesced)},
			want:    []string{"END parent", "END first", "END second"},
			offered: 6, exported: 3, coalesced: 3,
		},
		{
			name: "StartAlways", opts: []asyncprocessor.Option{asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways)},
			want:    []string{"START parent", "START first", "END first", "START second", "END second", "END parent"},
			offered: 6, exported: 6, coalesced: 0,
		},
		{
			name: "StartNever", opts: []asyncprocessor.Option{asyncprocessor.WithStartPolicy(asyncprocessor.StartNever)},
			want:    []string{"END first", "END second", "END parent"},
			offered: 3, exported: 3, coalesced: 0,
		},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			exp := new(recorder)
			p := newProcessor(t, exp, parked(tt.opts...)...)
			family(t.Context(), p)
			require.NoError(t, p.ForceFlush(t.Context()))
			assert.Equal(t, [][]string{tt.want}, exp.batches())
			s := balanced(t, p)
			assert.Equal(t, tt.offered, s.Offered)
			assert.Equal(t, tt.exported, s.Exported)
			assert.Equal(t, tt.coalesced, s.Coalesced)
		})
	}
}

// The END of a parent takes the place of its START, before its children, of which
// one still runs.
func TestEndTakesThePositionOfItsStart(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked()...)
	ctx, parent := start(t.Context(), p, "parent")
	ctx, child := start(ctx, p, "child")
	_, running := start(ctx, p, "running")
	end(p, parent)
	end(p, child)
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, []string{"END parent", "END child", "START running"}, exp.names())
	end(p, running)
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, []string{"END parent", "END child", "START running", "END running"}, exp.names())
	s := balanced(t, p)
	assert.Equal(t, uint64(2), s.Coalesced)
	assert.Equal(t, uint64(4), s.Exported)
}

// An END takes the place of a START, not that of another END.
func TestSecondEndIsKept(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked()...)
	_, span := start(t.Context(), p, "twice")
	end(p, span)
	end(p, span)
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, []string{"END twice", "END twice"}, exp.names())
	assert.Equal(t, uint64(1), balanced(t, p).Coalesced)
}

func TestLongSpanIsTwoWrites(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, asyncprocessor.WithBatchTimeout(time.Second))
		_, span := start(t.Context(), p, "long")
		time.Sleep(10 * time.Second)
		end(p, span)
		time.Sleep(10 * time.Second)
		assert.Equal(t, [][]string{{"START long"}, {"END long"}}, exp.batches())
		assert.Zero(t, balanced(t, p).Coalesced)
	})
}

// fixedIDs makes spans of the given ids.
type fixedIDs struct {
	trace trace.TraceID
	span  trace.SpanID
}

func (f fixedIDs) NewIDs(context.Context) (trace.TraceID, trace.SpanID)  { return f.trace, f.span }
func (f fixedIDs) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return f.span }

func startWithIDs(p *asyncprocessor.Processor, name string, traceID, spanID byte) trace.Span {
	tp := sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(fixedIDs{trace.TraceID{traceID}, trace.SpanID{spanID}}))
	_, span := tp.Tracer("t").Start(context.Background(), name)
	p.OnStart(context.Background(), span.(sdktrace.ReadWriteSpan))
	return span
}

// Span ids are unique within a trace only.
func TestSameSpanIDInTwoTracesIsNotConfused(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked()...)
	var spans []trace.Span
	for i := range byte(100) {
		spans = append(spans, startWithIDs(p, "running", i+1, 7))
	}
	ended := startWithIDs(p, "ended", 200, 7)
	end(p, ended)
	end(p, spans[50])
	require.NoError(t, p.ForceFlush(t.Context()))
	s := balanced(t, p)
	assert.Equal(t, uint64(2), s.Coalesced)
	assert.Equal(t, uint64(101), s.Exported)
	require.Len(t, exp.calls(), 1)
	for _, snap := range exp.calls()[0].snapshots {
		id := snap.Span.SpanContext().TraceID()[0]
		ended := snap.Phase == asyncprocessor.PhaseEnd
		assert.Equal(t, id == 200 || id == 51, ended, "trace %d: %s", id, snap.Phase)
	}
}

// Coalescing holds over batches of thousands, where spans come interleaved.
func TestCoalescingManySpans(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked(asyncprocessor.WithMaxExportBatchSize(20_000),
		asyncprocessor.WithMaxExportBatchBytes(64<<20))...)
	for range 20 {
		ctx, root := start(t.Context(), p, "root")
		var children []trace.Span
		for range 200 {
			_, child := start(ctx, p, "child")
			children = append(children, child)
		}
		for i := range children {
			end(p, children[len(children)-1-i])
		}
		end(p, root)
	}
	require.NoError(t, p.ForceFlush(t.Context()))
	s := balanced(t, p)
	assert.Equal(t, uint64(4020), s.Coalesced)
	assert.Equal(t, uint64(4020), s.Exported)
	seen := map[trace.TraceID]bool{}
	for i, snap := range exp.calls()[0].snapshots {
		id := snap.Span.SpanContext().TraceID()
		assert.Equal(t, !seen[id], snap.Span.Name() == "root", "position %d: the root is the first of its trace", i)
		seen[id] = true
	}
}

func TestMaxExportBatchSizeIsNeverExceeded(t *testing.T) {
	for _, policy := range []asyncprocessor.StartPolicy{
		asyncprocessor.StartCoalesced, asyncprocessor.StartAlways, asyncprocessor.StartNever,
	} {
		for _, size := range []int{1, 2, 3, 7, 100} {
			exp := new(recorder)
			p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(size), asyncprocessor.WithStartPolicy(policy))
			for range 100 {
				family(t.Context(), p)
			}
			require.NoError(t, p.ForceFlush(t.Context()))
			for _, c := range exp.calls() {
				assert.LessOrEqual(t, len(c.snapshots), size, "%s", policy)
			}
			s := balanced(t, p)
			assert.Equal(t, s.Offered, s.Exported+s.Coalesced)
		}
	}
}

// An END that is much larger than its START, whose place it takes, does not make the batch too large.
func TestCoalescedEndThatDoesNotFit(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked(asyncprocessor.WithMaxExportBatchBytes(10_000), asyncprocessor.WithConcurrency(1))...)
	ctx, parent := start(t.Context(), p, "parent")
	_, child := start(ctx, p, "child")
	parent.SetAttributes(large(9_500)...)
	end(p, parent)
	end(p, child)
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, [][]string{{"END parent"}, {"END child"}}, exp.batches())
}

// Alone with its START, it takes its place: it would go alone anyway.
func TestCoalescedEndThatIsLargerThanABatch(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked(asyncprocessor.WithMaxExportBatchBytes(10_000))...)
	_, span := start(t.Context(), p, "a")
	span.SetAttributes(large(50_000)...)
	end(p, span)
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, [][]string{{"END a"}}, exp.batches())
}
