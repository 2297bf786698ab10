package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
	"maps"
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

// spanCounts is what the metrics of the semantic conventions read. Their unit is
// the span, so ENDs alone count.
type spanCounts struct {
	processed uint64                // handed to the exporter
	dropped   map[DropReason]uint64 // before that
	queued    int64
}

func (q *queue) spanCounts() spanCounts {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	return spanCounts{
		processed: q.counts.endsSubmitted,
		dropped:   maps.Clone(q.counts.endsDropped),
		queued:    q.counts.endsQueued,
	}
}

// oldestAge is how long the oldest of the tracked spans has run, 0 if none has for a second.
func (q *queue) oldestAge() time.Duration {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.tracked == 0 || q.oldest == noDeadline {
		return 0
	}
	return q.now() - q.oldest
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

	processed, err1 := otelconv.NewSDKProcessorSpanProcessedObservable(meter)
	size, err2 := otelconv.NewSDKProcessorSpanQueueSize(meter)
	capacity, err3 := otelconv.NewSDKProcessorSpanQueueCapacity(meter)
	exported, err4 := meter.Int64ObservableCounter("asyncprocessor.snapshot.exported",
		metric.WithUnit("{snapshot}"), metric.WithDescription("The number of snapshots that the exporter delivered."))
	coalesced, err5 := meter.Int64ObservableCounter("asyncprocessor.snapshot.coalesced",
		metric.WithUnit("{snapshot}"), metric.WithDescription("The number of STARTs left out because their END was in the same batch."))
	dropped, err6 := meter.Int64ObservableCounter("asyncprocessor.snapshot.dropped",
		metric.WithUnit("{snapshot}"), metric.WithDescription("The number of snapshots that were lost, by reason (error.type)."))
	queued, err7 := meter.Int64ObservableUpDownCounter("asyncprocessor.snapshot.queued",
		metric.WithUnit("{snapshot}"), metric.WithDescription("The number of snapshots that wait to be exported."))
	inFlight, err8 := meter.Int64ObservableUpDownCounter("asyncprocessor.snapshot.inflight",
		metric.WithUnit("{snapshot}"), metric.WithDescription("The number of snapshots in the hands of the exporter."))
	bytes, err9 := meter.Int64ObservableUpDownCounter("asyncprocessor.queue.bytes",
		metric.WithUnit("By"), metric.WithDescription("The estimated memory of the snapshots queued and in flight."))
	bytesCapacity, err10 := meter.Int64ObservableUpDownCounter("asyncprocessor.queue.bytes.capacity",
		metric.WithUnit("By"), metric.WithDescription("The bound of asyncprocessor.queue.bytes."))
	latency, err11 := meter.Float64Histogram("asyncprocessor.delivery.lag",
		metric.WithUnit("s"), metric.WithDescription("The time from a span's end to its delivery."),
		metric.WithExplicitBucketBoundaries(0.01, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300))
	tracked, err12 := meter.Int64ObservableUpDownCounter("asyncprocessor.span.tracked",
		metric.WithUnit("{span}"), metric.WithDescription("The number of running spans that are tracked."))
	untracked, err13 := meter.Int64ObservableCounter("asyncprocessor.span.untracked",
		metric.WithUnit("{span}"), metric.WithDescription("The number of spans that ran on without being tracked."))
	oldest, err14 := meter.Float64ObservableGauge("asyncprocessor.span.oldest_age",
		metric.WithUnit("s"), metric.WithDescription("How long the oldest of the tracked spans has run."))
	l := lag{histogram: latency, component: metric.WithAttributeSet(component)}
	if err := errors.Join(err1, err2, err3, err4, err5, err6, err7, err8, err9, err10, err11, err12, err13, err14); err != nil {
		return l, fmt.Errorf("asyncprocessor: metrics: %w", err)
	}

	all := metric.WithAttributeSet(component)
	withReason := func(reason DropReason) metric.MeasurementOption {
		return metric.WithAttributeSet(attribute.NewSet(append(component.ToSlice(),
			semconv.ErrorTypeKey.String(string(reason)))...))
	}
	_, err := meter.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		spans, stats := q.spanCounts(), q.stats()
		observe := func(i metric.Int64Observable, n int64, with metric.MeasurementOption) {
			o.ObserveInt64(i, n, with)
		}
		observe(processed.Inst(), int64(spans.processed), all)
		for reason, n := range spans.dropped {
			observe(processed.Inst(), int64(n), withReason(reason))
		}
		observe(size.Inst(), spans.queued, all)
		observe(capacity.Inst(), int64(c.maxQueueSize), all)
		observe(exported, int64(stats.Exported), all)
		observe(coalesced, int64(stats.Coalesced), all)
		// A reason that has not occurred is 0, so that its first loss is an
		// increase.
		for _, reason := range knownReasons {
			if stats.DroppedBy[reason] == 0 {
				observe(dropped, 0, withReason(reason))
			}
		}
		for reason, n := range stats.DroppedBy {
			observe(dropped, int64(n), withReason(reason))
		}
		observe(queued, stats.Queued, all)
		observe(inFlight, stats.InFlight, all)
		observe(bytes, int64(q.bounds.held().bytes), all)
		observe(bytesCapacity, c.maxQueueBytes, all)
		observe(tracked, stats.Tracked, all)
		observe(untracked, int64(stats.Untracked), all)
		o.ObserveFloat64(oldest, q.oldestAge().Seconds(), all)
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
