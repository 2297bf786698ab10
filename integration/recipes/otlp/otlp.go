// Package otlp is two recipes: SGP beside OTLP, and OTLP behind this queue.
package otlp

import (
	"context"
	"time"

	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/asyncprocessor/spanadapter"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// SideBySide sends every span to SGP and, by a BatchSpanProcessor, to where the
// OTEL_EXPORTER_OTLP_* variables say. The two know nothing of each other: each
// has its own queue, and one that fails does not hold up the other. End them with
// [Shutdown].
func SideBySide(ctx context.Context) (*sdktrace.TracerProvider, *asyncprocessor.Processor, error) {
	sgp, err := sgpexporter.New()
	if err != nil {
		return nil, nil, err
	}
	otlp, err := otlptracehttp.New(ctx)
	if err != nil {
		return nil, nil, err
	}
	processor := asyncprocessor.New(sgp, sgpexporter.ProcessorOptionsFromEnv()...)
	return sdktrace.NewTracerProvider(
		// Processors that add something to spans go first.
		sdktrace.WithSpanProcessor(processor),
		sdktrace.WithBatcher(otlp),
	), processor, nil
}

// Shutdown ends the processor, then all else of the provider, and gives each of the
// two its own time. The provider alone would call one after the other with one
// context: with SGP down nothing of it would be left for the BatchSpanProcessor.
func Shutdown(tp *sdktrace.TracerProvider, processor *asyncprocessor.Processor, each time.Duration) error {
	_ = within(each, processor.Shutdown) // the provider asks it again, and is told the same at once
	return within(each, tp.Shutdown)
}

func within(timeout time.Duration, f func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return f(ctx)
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
