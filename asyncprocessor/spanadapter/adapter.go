package spanadapter

import (
	"context"
	"errors"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// ErrNoExporter is what exporting returns when [New] was given a nil exporter.
var ErrNoExporter = errors.New("spanadapter: no SpanExporter")

// Option configures the adapter.
type Option func(*adapter)

// WithInProgressSpans hands STARTs on too, as spans whose end time is zero. It is
// for backends that take a span in progress and replace it when it comes again
// with its end; most, OTLP's among them, would store two spans or refuse one. The
// default is ENDs only.
//
// STARTs and ENDs keep their order. With [asyncprocessor.StartAlways] a span may
// stand twice in one call, otherwise it comes in two calls or once.
func WithInProgressSpans() Option {
	return func(a *adapter) { a.inProgress = true }
}

// WithConcurrentCalls lets ExportSpans be called up to
// [asyncprocessor.WithConcurrency] times at once, never twice at once with spans of
// one trace. It is for exporters that are safe for concurrent use, as OTLP's
// are. The default is one call at a time: a SpanExporter need not be safe for
// more. The others wait for their turn then, and the wait counts towards
// [asyncprocessor.WithExportTimeout].
func WithConcurrentCalls() Option {
	return func(a *adapter) { a.turn = nil }
}

// New returns an exporter that hands the spans of each batch to exporter, in
// their order, in one call of ExportSpans.
//
// An error of ExportSpans says that none of its spans was delivered. It is
// returned within an [*asyncprocessor.ExportError], to be found with [errors.Is]
// and [errors.As]. What an exporter reports in another way, as OTLP's do with a
// partial success, counts as delivered.
//
// STARTs that are left out count as delivered; under [asyncprocessor.StartNever]
// there are none. All other phases have no place among the spans of a SpanExporter: they are left out, and count as
// [asyncprocessor.ReasonFiltered].
//
// Shutdown is handed on. With a nil exporter, exporting returns [ErrNoExporter].
func New(exporter sdktrace.SpanExporter, opts ...Option) asyncprocessor.Exporter {
	a := &adapter{exporter: exporter, turn: make(chan struct{}, 1)}
	for _, opt := range opts {
		if opt != nil {
			opt(a)
		}
	}
	return a
}

type adapter struct {
	exporter   sdktrace.SpanExporter
	inProgress bool
	turn       chan struct{} // holds one element during a call; nil for concurrent ones
}

// ExportSnapshots implements asyncprocessor.Exporter.
func (a *adapter) ExportSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
	if a.exporter == nil {
		return ErrNoExporter
	}
	spans := make([]sdktrace.ReadOnlySpan, 0, len(snapshots))
	indexes := make([]int, 0, len(snapshots)) // of spans in snapshots
	var leftOut []int
	for i, s := range snapshots {
		switch {
		case s.Phase == asyncprocessor.PhaseEnd, s.Phase == asyncprocessor.PhaseStart && a.inProgress:
			spans = append(spans, s.Span)
			indexes = append(indexes, i)
		case s.Phase != asyncprocessor.PhaseStart:
			leftOut = append(leftOut, i)
		}
	}
	var errs []error
	if len(leftOut) > 0 {
		errs = append(errs, &asyncprocessor.ExportError{Undelivered: leftOut, Reason: asyncprocessor.ReasonFiltered, Err: errLeftOut})
	}
	if len(spans) > 0 {
		if err := a.exportSpans(ctx, spans); err != nil {
			errs = append(errs, &asyncprocessor.ExportError{Undelivered: indexes, Reason: asyncprocessor.ReasonExportFailed, Err: err})
		}
	}
	return errors.Join(errs...)
}

var errLeftOut = errors.New("spanadapter: neither the start nor the end of a span")

func (a *adapter) exportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	if a.turn != nil {
		select {
		case a.turn <- struct{}{}:
			defer func() { <-a.turn }()
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return a.exporter.ExportSpans(ctx, spans)
}

// Shutdown implements asyncprocessor.Exporter.
func (a *adapter) Shutdown(ctx context.Context) error {
	if a.exporter == nil {
		return nil
	}
	return a.exporter.Shutdown(ctx)
}
