package sgpexporter_test

import (
	"context"
	"fmt"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// share hands the spans of a share of the traces on, those that sampler picks by their ids.
type share struct {
	sdktrace.SpanProcessor
	sampler sdktrace.Sampler
}

func (s share) OnEnd(span sdktrace.ReadOnlySpan) {
	p := sdktrace.SamplingParameters{TraceID: span.SpanContext().TraceID()}
	if s.sampler.ShouldSample(p).Decision == sdktrace.RecordAndSample {
		s.SpanProcessor.OnEnd(span)
	}
}

// traceIDs makes trace ids of which every other one is within a ratio of a half.
type traceIDs struct{ n byte }

func (ids *traceIDs) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	ids.n++
	return trace.TraceID{0: ids.n, 8: ids.n % 2 * 0x80, 9: ids.n % 2 * 0xff}, trace.SpanID{ids.n}
}

func (ids *traceIDs) NewSpanID(context.Context, trace.TraceID) trace.SpanID {
	ids.n++
	return trace.SpanID{ids.n}
}

// A sampler drops spans before any processor sees them, and what is not in SGP is not
// billed. So every span of an agent is sampled, and the share is taken on the way to the other backend.
func Example_sampling() {
	server := sgptest.NewServer()
	defer server.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	if err != nil {
		fmt.Println(err)
		return
	}
	other := tracetest.NewInMemoryExporter() // OTLP, say
	tp := sdktrace.NewTracerProvider(
		sdktrace.WithSampler(sdktrace.AlwaysSample()), // not TraceIDRatioBased
		sdktrace.WithSpanProcessor(asyncprocessor.New(exp)),
		sdktrace.WithSpanProcessor(share{sdktrace.NewSimpleSpanProcessor(other), sdktrace.TraceIDRatioBased(0.5)}),
		sdktrace.WithIDGenerator(new(traceIDs)),
	)
	defer tp.Shutdown(context.Background())

	for range 10 {
		_, span := tp.Tracer("agent").Start(context.Background(), "chat", trace.WithAttributes(
			attribute.String("gen_ai.operation.name", "chat"), attribute.Int("gen_ai.usage.input_tokens", 100)))
		span.End()
	}
	if err := tp.ForceFlush(context.Background()); err != nil {
		fmt.Println(err)
	}
	billed := int64(0)
	for _, s := range server.Spans() {
		billed += server.BilledUsage(s.TraceID).InputTokens
	}
	fmt.Println(billed, len(other.GetSpans()))
	// Output: 1000 5
}
