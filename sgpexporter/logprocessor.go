package sgpexporter

import (
	"context"
	"sync/atomic"

	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/logrecords"
)

// LogProcessor returns a processor of log records that joins GenAI events to their
// spans: where an instrumentation says in log records what a model was asked and what it
// answered, as OpenTelemetry's semantic conventions have it, the span in SGP shows it.
// Register it with a LoggerProvider, beside the processors that log records go to
// otherwise:
//
//	lp := sdklog.NewLoggerProvider(sdklog.WithProcessor(exp.LogProcessor()))
//	global.SetLoggerProvider(lp)
//
// It keeps records that carry the ids of a sampled span, until that span's END is
// written: gen_ai.*.message, gen_ai.choice, gen_ai.client.inference.operation.details,
// gen_ai.evaluation.result, and exceptions. Others are passed over; none is sent to SGP by
// itself. A record reaches other processors as it was.
//
// It keeps at most 10,000 records in about 32 MiB, of one span 1,000 in 8 MiB. Above
// that the spans that got no record for longest lose theirs, as do those that get none for
// an hour and have not ended. A record that comes after its span's END, as an evaluation
// that is made afterwards, is joined to nothing, and expires after that hour. [Stats]
// counts them.
//
// Shutdown ends the processor, not the Exporter, and the records that it has keep
// their place: shut the TracerProvider down before or after. ForceFlush has nothing to do.
// Neither waits nor fails.
//
// Each call returns another processor, as a processor is for one LoggerProvider; all fill
// the same spans. That of a disabled or nil Exporter keeps nothing.
func (e *Exporter) LogProcessor() sdklog.Processor {
	if e.Disabled() {
		return &logProcessor{}
	}
	return &logProcessor{records: e.records}
}

// logProcessor fills the store of an Exporter.
type logProcessor struct {
	records *logrecords.Store // nil if disabled
	stopped atomic.Bool
}

// Enabled says no where the record could not be joined to a span. What a
// record without a name is about shows only in OnEmit.
func (p *logProcessor) Enabled(ctx context.Context, _ sdklog.EnabledParameters) bool {
	return p.records != nil && !p.stopped.Load() && trace.SpanContextFromContext(ctx).IsSampled()
}

func (p *logProcessor) OnEmit(_ context.Context, r *sdklog.Record) error {
	if p.records == nil || p.stopped.Load() {
		return nil
	}
	if record, ok := logrecords.FromSDK(r); ok {
		p.records.Add(r.TraceID(), r.SpanID(), record)
	}
	return nil
}

func (p *logProcessor) Shutdown(context.Context) error {
	p.stopped.Store(true)
	return nil
}

func (*logProcessor) ForceFlush(context.Context) error { return nil }
