package main

import (
	"context"
	"runtime"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// fiveAttributes is what every span of the benchmarks starts with.
var fiveAttributes = trace.WithAttributes(
	attribute.String("http.request.method", "GET"),
	attribute.String("url.path", "/v1/answer"),
	attribute.Int("http.response.status_code", 200),
	attribute.Bool("cache.hit", true),
	attribute.Float64("score", 0.75),
)

var benchResource = resource.NewSchemaless(
	attribute.String("service.name", "bench"),
	attribute.String("service.version", "1.0.0"),
	attribute.String("deployment.environment.name", "test"),
)

func newProvider(p sdktrace.SpanProcessor) *sdktrace.TracerProvider {
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p), sdktrace.WithResource(benchResource))
}

// fiveGenAIAttributes are those of a call of a model: its usage is billed.
var fiveGenAIAttributes = trace.WithAttributes(
	attribute.String("gen_ai.operation.name", "chat"),
	attribute.String("gen_ai.provider.name", "openai"),
	attribute.String("gen_ai.request.model", "gpt-4o"),
	attribute.Int("gen_ai.usage.input_tokens", 100),
	attribute.Int("gen_ai.usage.output_tokens", 20),
)

// cpuPerSpan returns the process's CPU time in nanoseconds a span, from the first
// span to the end of Shutdown.
func cpuPerSpan(p sdktrace.SpanProcessor, producers, n int, attributes trace.SpanStartEventOption) float64 {
	tp := newProvider(p)
	tr := tp.Tracer("bench")
	runtime.GC()
	before := cpuTime()
	makeSpans(tr, producers, n, attributes)
	if err := tp.Shutdown(context.Background()); err != nil {
		fail(err)
	}
	return float64(cpuTime()-before) / float64(n)
}

// makeSpans starts and ends n root spans from as many goroutines as producers
// says, and returns when all are ended.
func makeSpans(tr trace.Tracer, producers, n int, attributes trace.SpanStartEventOption) {
	var wg sync.WaitGroup
	for i := range producers {
		share := n / producers
		if i < n%producers {
			share++
		}
		wg.Go(func() {
			ctx := context.Background()
			for range share {
				_, s := tr.Start(ctx, "span", attributes)
				s.End()
			}
		})
	}
	wg.Wait()
}
