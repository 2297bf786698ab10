// Package otlp is two recipes: SGP beside OTLP, and OTLP behind this queue.
package otlp

import (
	"context"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/asyncprocessor/spanadapter"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// SideBySide sends every span to SGP and, by a BatchSpanProcessor, to where the
// OTEL_EXPORTER_OTLP_* variables say. The two know nothing of each other: each
// has its own queue, and one that fails does not hold up the other.
func SideBySide(ctx context.Context) (*sdktrace.TracerProvider, error) {
	sgp, err := sgpexporter.New()
	if err != nil {
		return nil, err
	}
	otlp, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(
		// Processors that add something to spans go first.
		sdktrace.WithSpanProcessor(asyncprocessor.New(sgp, sgpexporter.ProcessorOptionsFromEnv()...)),
		sdktrace.WithBatcher(otlp),
	), nil
}

// BehindTheQueue sends spans to OTLP alone, with this queue in the place of the
// BatchSpanProcessor's: bounded in bytes, several exports at once, each loss
// counted.
func BehindTheQueue(ctx context.Context) (*sdktrace.TracerProvider, *asyncprocessor.Processor, error) {
	otlp, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, err
	}
	processor := asyncprocessor.New(
		spanadapter.New(otlp, spanadapter.WithConcurrentCalls()),
		asyncprocessor.WithStartPolicy(asyncprocessor.StartNever),
	)
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor)), processor, nil
}
