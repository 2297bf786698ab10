package main

import (
	"context"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// nothing is the processor that does nothing: what is left is the SDK.
type nothing struct{}

func (nothing) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (nothing) OnEnd(sdktrace.ReadOnlySpan)                     {}
func (nothing) ForceFlush(context.Context) error                { return nil }
func (nothing) Shutdown(context.Context) error                  { return nil }

// live is the simplest live processor there is: it forwards the SDK's state at
// OnStart, and the snapshot at OnEnd, to a BatchSpanProcessor.
type live struct{ sdktrace.SpanProcessor }

func (l live) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	l.SpanProcessor.OnEnd(startOf{ReadOnlySpan: s, name: s.Name()})
}

type startOf struct {
	sdktrace.ReadOnlySpan
	name string
}

func (s startOf) Name() string { return s.name }

// discardSpans and discardSnapshots are exporters that do nothing.
type discardSpans struct{}

func (discardSpans) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discardSpans) Shutdown(context.Context) error                             { return nil }

type discardSnapshots struct{}

func (discardSnapshots) ExportSnapshots(context.Context, []asyncprocessor.Snapshot) error { return nil }
func (discardSnapshots) Shutdown(context.Context) error                                   { return nil }

// The sizes of BatchSpanProcessor's queue and batches, given to ours where the two
// are compared.
const (
	bspQueueSize = sdktrace.DefaultMaxQueueSize
	bspBatchSize = sdktrace.DefaultMaxExportBatchSize
)

func bspBlocking() sdktrace.SpanProcessor {
	return sdktrace.NewBatchSpanProcessor(discardSpans{}, sdktrace.WithBlocking())
}

func liveOnBSP() sdktrace.SpanProcessor {
	return live{bspBlocking()}
}

func oursBlocking() sdktrace.SpanProcessor {
	return asyncprocessor.New(discardSnapshots{},
		asyncprocessor.WithBlocking(),
		asyncprocessor.WithMaxQueueSize(bspQueueSize),
		asyncprocessor.WithMaxExportBatchSize(bspBatchSize))
}
