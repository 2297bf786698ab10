package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/otelconv"

	"github.com/otelsgp/otelsgp/internal/version"
)

// scopeName is the instrumentation scope of the processor's metrics.
const scopeName = "github.com/otelsgp/otelsgp/asyncprocessor"

// componentType is the processor's otel.component.type: the conventions ask for
// the type's full name where they have no name of their own.
const componentType = scopeName + ".Processor"

// processorCount numbers the processors of the process, for otel.component.name.
var processorCount atomic.Int64

// knownReasons are those of this package.
var knownReasons = []DropReason{
	ReasonQueueFull, ReasonStartRefused, ReasonTraceShare, ReasonTooLarge, ReasonAlreadyEnded, ReasonAlreadyShutdown, ReasonShutdownDeadline,
	ReasonExportFailed, ReasonExporterPanic, ReasonRejected, ReasonFiltered,
}

// instrument registers the metrics of a queue: those of the semantic conventions
// for span processors, and those of our own scope for what they do not cover.
// All but the lag are observed from the queue's counts when a reader collects, so
// they cost the hot path nothing. They stay registered after Shutdown, so that
// the last collection has the final counts.
func instrument(c config, q *queue) (lag, error) {
	provider := c.meterProvider
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	meter := provider.Meter(scopeName, metric.WithInstrumentationVersion(version.Version), metric.WithSchemaURL(semconv.SchemaURL))
	component := attribute.NewSet(
		semconv.OTelComponentTypeKey.String(componentType),
		semconv.OTelComponentName(fmt.Sprintf("%s/%d", componentType, processorCount.Add(1)-1)),
	)
	var errs []error
	counter := func(name, unit, description string) metric.Int64ObservableCounter {
		i, err := meter.Int64ObservableCounter("asyncprocessor."+name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return i
	}
	upDown := func(name, unit, description string) metric.Int64ObservableUpDownCounter {
		i, err := meter.Int64ObservableUpDownCounter("asyncprocessor."+name, metric.WithUnit(unit), metric.WithDescription(description))
		errs = append(errs, err)
		return i
	}
	processed, err1 := otelconv.NewSDKProcessorSpanProcessedObservable(meter)
	size, err2 := otelconv.NewSDKProcessorSpanQueueSize(meter)
	capacity, err3 := otelconv.NewSDKProcessorSpanQueueCapacity(meter)
	exported := counter("snapshot.exported", "{snapshot}", "The number of snapshots that the exporter delivered.")
	coalesced := counter("snapshot.coalesced", "{snapshot}", "The number of snapshots that a later one of their span took the place of.")
	dropped := counter("snapshot.dropped", "{snapshot}", "The number of snapshots that were lost, by reason (error.type).")
	queued := upDown("snapshot.queued", "{snapshot}", "The number of snapshots that wait to be exported.")
	inFlight := upDown("snapshot.inflight", "{snapshot}", "The number of snapshots in the hands of the exporter.")
	bytes := upDown("queue.bytes", "By", "The estimated memory of the snapshots queued and in flight.")
	bytesCapacity := upDown("queue.bytes.capacity", "By", "The bound of asyncprocessor.queue.bytes.")
	tracked := upDown("span.tracked", "{span}", "The number of running spans that are tracked.")
	untracked := counter("span.untracked", "{span}", "The number of spans that ran on without being tracked.")
	oldest, err4 := meter.Float64ObservableGauge("asyncprocessor.span.oldest_age",
		metric.WithUnit("s"), metric.WithDescription("How long the oldest of the tracked spans has run."))
	latency, err5 := meter.Float64Histogram("asyncprocessor.delivery.lag",
		metric.WithUnit("s"), metric.WithDescription("The time from a span's end to its delivery."),
		metric.WithExplicitBucketBoundaries(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300))
	all := metric.WithAttributeSet(component)
	l := lag{histogram: latency, component: all}
	if err := errors.Join(append(errs, err1, err2, err3, err4, err5)...); err != nil {
		return l, fmt.Errorf("asyncprocessor: metrics: %w", err)
	}

	withReason := func(reason DropReason) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(append(component.ToSlice(),
			semconv.ErrorTypeKey.String(string(reason)))...))
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		m := q.measure()
		o.ObserveInt64(processed.Inst(), int64(m.ends.submitted), all)
		for reason, n := range m.lost {
			o.ObserveInt64(processed.Inst(), int64(n), withReason(reason))
		}
		o.ObserveInt64(size.Inst(), m.ends.queued, all)
		o.ObserveInt64(capacity.Inst(), int64(c.MaxQueueSize), all)
		o.ObserveInt64(exported, int64(m.Exported), all)
		o.ObserveInt64(coalesced, int64(m.Coalesced), all)
		for _, reason := range knownReasons { // one that has not occurred is 0, so that its first loss is an increase
			m.DroppedBy[reason] += 0
		}
		for reason, n := range m.DroppedBy {
			o.ObserveInt64(dropped, int64(n), withReason(reason))
		}
		o.ObserveInt64(queued, m.Queued, all)
		o.ObserveInt64(inFlight, m.InFlight, all)
		o.ObserveInt64(bytes, int64(m.bytes), all)
		o.ObserveInt64(bytesCapacity, c.MaxQueueBytes, all)
		o.ObserveInt64(tracked, m.Tracked, all)
		o.ObserveInt64(untracked, int64(m.Untracked), all)
		o.ObserveFloat64(oldest, m.oldest.Seconds(), all)
		return nil
	}, processed.Inst(), size.Inst(), capacity.Inst(), exported, coalesced, dropped, queued, inFlight, bytes, bytesCapacity,
		tracked, untracked, oldest)
	if err != nil {
		return l, fmt.Errorf("asyncprocessor: metrics: %w", err)
	}
	return l, nil
}

// lag records how long after its end a span was delivered.
type lag struct {
	histogram metric.Float64Histogram
	component metric.MeasurementOption
}

// record records the lag of the ENDs of a call that were delivered, unless nobody listens.
func (l lag) record(snapshots []Snapshot, o outcome) {
	ctx := context.Background()
	if l.histogram == nil || !l.histogram.Enabled(ctx) {
		return
	}
	now := time.Now()
	for i, s := range snapshots {
		if s.Phase == PhaseEnd && o.of(i) == nil {
			// An application can set an end time of its own, even a future one.
			l.histogram.Record(ctx, max(0, now.Sub(s.Span.EndTime()).Seconds()), l.component)
		}
	}
}
