package asyncprocessor_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// nothing is the processor that does nothing: what is left is the SDK.
type nothing struct{}

func (nothing) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (nothing) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (nothing) ForceFlush(context.Context) error                { return nil }
func (nothing) Shutdown(context.Context) error                  { return nil }

type discard struct{}

func (discard) ExportSnapshots(context.Context, []asyncprocessor.Snapshot) error { return nil }
func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error       { return nil }
func (discard) Shutdown(context.Context) error                                   { return nil }

// liveOnBSP forwards a span's state at OnStart to a BatchSpanProcessor: the
// simplest live processor.
type liveOnBSP struct{ sdktrace.SpanProcessor }

type named struct {
	sdktrace.ReadOnlySpan
	name string
}

func (n named) Name() string { return n.name }

func (l liveOnBSP) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	l.OnEnd(named{s, s.Name()})
}

func ours() sdktrace.SpanProcessor {
	return asyncprocessor.New(discard{}, asyncprocessor.WithBlocking(),
		asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways),
		asyncprocessor.WithMaxQueueSize(sdktrace.DefaultMaxQueueSize),
		asyncprocessor.WithMaxExportBatchSize(sdktrace.DefaultMaxExportBatchSize))
}

var benchAttributes = []attribute.KeyValue{
	attribute.String("http.request.method", "GET"),
	attribute.String("url.path", "/v1/answer"),
	attribute.Int("http.response.status_code", 200),
	attribute.Bool("cache.hit", true),
	attribute.Float64("score", 0.75),
}

func fiveAtStart(tr trace.Tracer) {
	_, s := tr.Start(context.Background(), "span", trace.WithAttributes(benchAttributes...))
	s.End()
}

func twoAtStartThreeLater(tr trace.Tracer) {
	_, s := tr.Start(context.Background(), "span", trace.WithAttributes(benchAttributes[:2]...))
	s.SetAttributes(benchAttributes[2:]...)
	s.End()
}

// BenchmarkSpan is a sampled span, start and end, with five attributes. Compare the
// processors within one run: go test -bench Span -cpu 1,2,8 ./asyncprocessor. What
// they cost in CPU, drained, is measured by integration/bench.
func BenchmarkSpan(b *testing.B) {
	for _, bench := range []struct {
		name      string
		processor func() sdktrace.SpanProcessor
	}{
		{"Nothing", func() sdktrace.SpanProcessor { return nothing{} }},
		{"BatchSpanProcessor", func() sdktrace.SpanProcessor { return sdktrace.NewBatchSpanProcessor(discard{}) }},
		{"BatchSpanProcessorBlocking", func() sdktrace.SpanProcessor {
			return sdktrace.NewBatchSpanProcessor(discard{}, sdktrace.WithBlocking())
		}},
		{"LiveOnBatchSpanProcessor", func() sdktrace.SpanProcessor {
			return liveOnBSP{sdktrace.NewBatchSpanProcessor(discard{}, sdktrace.WithBlocking())}
		}},
		{"Ours", ours},
	} {
		for _, shape := range []struct {
			name string
			span func(trace.Tracer)
		}{{"FiveAtStart", fiveAtStart}, {"TwoAtStartThreeLater", twoAtStartThreeLater}} {
			b.Run(bench.name+"/"+shape.name, func(b *testing.B) {
				tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(bench.processor()))
				tr := tp.Tracer("bench")
				b.ReportAllocs()
				b.RunParallel(func(pb *testing.PB) {
					for pb.Next() {
						shape.span(tr)
					}
				})
				require.NoError(b, tp.Shutdown(context.Background()))
			})
		}
	}
}

// unsampled returns a recorded, unsampled span as the SDK hands it to OnStart and
// OnEnd.
func unsampled() (sdktrace.ReadWriteSpan, sdktrace.ReadOnlySpan) {
	var k keeper
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&k), sdktrace.WithSampler(recordOnly{}))
	fiveAtStart(tp.Tracer("bench"))
	return k.started, k.ended
}

type keeper struct {
	nothing
	started sdktrace.ReadWriteSpan
	ended   sdktrace.ReadOnlySpan
}

func (k *keeper) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) { k.started = s }
func (k *keeper) OnEnd(s sdktrace.ReadOnlySpan)                       { k.ended = s }

// BenchmarkUnsampled is what OnStart and OnEnd cost for a span that is recorded but
// not sampled.
func BenchmarkUnsampled(b *testing.B) {
	p := asyncprocessor.New(discard{})
	defer p.Shutdown(context.Background())
	started, ended := unsampled()
	ctx := context.Background()
	b.Run("OnStart", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.OnStart(ctx, started)
		}
	})
	b.Run("OnEnd", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.OnEnd(ended)
		}
	})
}

// The processor allocates a record for a span's START, and nothing more if its END takes its
// place; without STARTs, the END's place in the queue.
func TestOneAllocationForASpan(t *testing.T) {
	perSpan := func(p sdktrace.SpanProcessor, span func(trace.Tracer)) float64 {
		tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p))
		tr := tp.Tracer("test")
		for range 5000 { // chunks and rings grow first
			span(tr)
		}
		n := testing.AllocsPerRun(5000, func() { span(tr) })
		require.NoError(t, tp.Shutdown(context.Background()))
		return n
	}
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget, so allocations are not those of a real build")
	}
	for name, span := range map[string]func(trace.Tracer){
		"five attributes at Start": fiveAtStart, "two at Start and three later": twoAtStartThreeLater,
	} {
		for _, policy := range []asyncprocessor.StartPolicy{asyncprocessor.StartCoalesced, asyncprocessor.StartNever} {
			ours := asyncprocessor.New(discard{}, asyncprocessor.WithStartPolicy(policy),
				asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(2048))
			assert.LessOrEqual(t, perSpan(ours, span)-perSpan(nothing{}, span), 1.0, "%s, %s", name, policy)
		}
	}
	started, ended := unsampled()
	p := asyncprocessor.New(discard{})
	defer p.Shutdown(context.Background())
	assert.Zero(t, testing.AllocsPerRun(1000, func() {
		p.OnStart(context.Background(), started)
		p.OnEnd(ended)
	}), "recorded but not sampled")
}
