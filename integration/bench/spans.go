package main

import (
	"context"
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

// makeSpans starts and ends n root spans from as many goroutines as producers
// says, and returns when all are ended.
func makeSpans(tr trace.Tracer, producers, n int) {
	var wg sync.WaitGroup
	for i := range producers {
		share := n / producers
		if i < n%producers {
			share++
		}
		wg.Go(func() {
			ctx := context.Background()
			for range share {
				_, s := tr.Start(ctx, "span", fiveAttributes)
				s.End()
			}
		})
	}
	wg.Wait()
}
