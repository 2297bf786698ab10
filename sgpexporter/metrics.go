package sgpexporter

import (
	"context"
	"fmt"
	"net/url"
	"strconv"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"
	"go.opentelemetry.io/otel/semconv/v1.43.0/otelconv"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/version"
)

const (
	// scopeName is the instrumentation scope of the metrics.
	scopeName = "github.com/otelsgp/otelsgp/sgpexporter"
	// componentType is otel.component.type: for a component that the semantic
	// conventions do not list, the full name of its type.
	componentType = scopeName + ".Exporter"
)

// exporters numbers the Exporters of the process, for otel.component.name.
var exporters atomic.Int64

// metrics are the exporter's instruments: those of the OpenTelemetry SDK's
// semantic conventions, which speak of spans, so that only ENDs count, and three
// of our own for what the conventions do not cover. Without a MeterProvider they
// cost a check.
type metrics struct {
	meter    metric.Meter
	inflight otelconv.SDKExporterSpanInflight
	exported otelconv.SDKExporterSpanExported
	duration otelconv.SDKExporterOperationDuration

	splits  metric.Int64Counter
	retries metric.Int64Counter
	rejects metric.Int64Counter
	cuts    metric.Int64Counter

	// What Stats tells, whatever the MeterProvider.
	retriesMade, splitsMade, itemsRefused atomic.Uint64

	base []attribute.KeyValue
	set  attribute.Set      // of base
	add  []metric.AddOption // set, as an option
}

func newMetrics(provider metric.MeterProvider, target *url.URL) *metrics {
	if provider == nil {
		provider = otel.GetMeterProvider()
	}
	meter := provider.Meter(scopeName,
		metric.WithInstrumentationVersion(version.Version), metric.WithSchemaURL(semconv.SchemaURL))
	m := &metrics{meter: meter}
	// An instrument that cannot be made is one that does nothing.
	made := func(err error) {
		if err != nil {
			otel.Handle(fmt.Errorf("sgpexporter: metrics: %w", err))
		}
	}
	var err error
	m.inflight, err = otelconv.NewSDKExporterSpanInflight(meter)
	made(err)
	m.exported, err = otelconv.NewSDKExporterSpanExported(meter)
	made(err)
	m.duration, err = otelconv.NewSDKExporterOperationDuration(meter,
		// The SDK's default boundaries are made for milliseconds.
		metric.WithExplicitBucketBoundaries(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300))
	made(err)
	m.splits, err = meter.Int64Counter("sgpexporter.request.splits", metric.WithUnit("{split}"),
		metric.WithDescription("The number of requests that SGP refused whole and whose items were sent again in parts."))
	made(err)
	m.retries, err = meter.Int64Counter("sgpexporter.request.retries", metric.WithUnit("{retry}"),
		metric.WithDescription("The number of times that a request which failed for now was sent again."))
	made(err)
	m.rejects, err = meter.Int64Counter("sgpexporter.item.refused", metric.WithUnit("{item}"),
		metric.WithDescription("The number of items, STARTs and ENDs, that SGP refused alone and for good."))
	made(err)
	m.cuts, err = meter.Int64Counter("sgpexporter.span.cut", metric.WithUnit("{span}"),
		metric.WithDescription("The number of spans that ended with fewer attributes than were set: a limit of the SDK has cut them."))
	made(err)

	m.base = []attribute.KeyValue{
		semconv.OTelComponentName(componentType + "/" + strconv.FormatInt(exporters.Add(1)-1, 10)),
		semconv.OTelComponentTypeKey.String(componentType),
		semconv.ServerAddress(target.Hostname()),
		semconv.ServerPort(serverPort(target)),
	}
	m.set = attribute.NewSet(m.base...)
	m.add = []metric.AddOption{metric.WithAttributeSet(m.set)}
	return m
}

func serverPort(target *url.URL) int {
	if port, err := strconv.Atoi(target.Port()); err == nil {
		return port
	}
	if target.Scheme == "http" {
		return 80
	}
	return 443
}

// with returns the base attributes and more.
func (m *metrics) with(more ...attribute.KeyValue) attribute.Set {
	all := make([]attribute.KeyValue, 0, len(m.base)+len(more))
	return attribute.NewSet(append(append(all, m.base...), more...)...)
}

// operation is the observation of one call of ExportSnapshots.
type operation struct {
	m         *metrics
	snapshots []asyncprocessor.Snapshot
	spans     int64 // ENDs
	counted   bool
	timed     bool
	start     time.Time
}

func (m *metrics) begin(ctx context.Context, snapshots []asyncprocessor.Snapshot) operation {
	op := operation{
		m:         m,
		snapshots: snapshots,
		counted:   m.inflight.Enabled(ctx) || m.exported.Enabled(ctx),
		timed:     m.duration.Enabled(ctx),
	}
	if op.timed {
		op.start = time.Now()
	}
	if op.counted {
		for _, s := range snapshots {
			if s.Phase == asyncprocessor.PhaseEnd {
				op.spans++
			}
		}
		m.inflight.AddSet(ctx, op.spans, m.set)
	}
	return op
}

// end records how the call went. Each span counts once, as exported or under
// the reason why it was not; one that is to be tried again counts later.
func (op operation) end(ctx context.Context, lost *losses, lastStatus int) {
	if op.counted {
		op.m.inflight.AddSet(ctx, -op.spans, op.m.set)
		exported := op.spans
		for _, group := range lost.groups {
			var failed int64
			for _, i := range group.indexes {
				if op.snapshots[i].Phase == asyncprocessor.PhaseEnd {
					failed++
				}
			}
			exported -= failed
			if failed > 0 && !group.retryable {
				op.m.exported.AddSet(ctx, failed, op.m.with(semconv.ErrorTypeKey.String(group.errorType)))
			}
		}
		op.m.exported.AddSet(ctx, exported, op.m.set)
	}
	if op.timed {
		op.m.duration.RecordSet(ctx, time.Since(op.start).Seconds(), op.m.with(outcome(lost, lastStatus)...))
	}
}

// outcome returns the attributes of the duration: the last status code, and
// error.type unless all was accepted that was to be sent.
func outcome(lost *losses, lastStatus int) []attribute.KeyValue {
	var attrs []attribute.KeyValue
	if lastStatus != 0 {
		attrs = append(attrs, semconv.HTTPResponseStatusCode(lastStatus))
	}
	// What ended the call comes last.
	for g := len(lost.groups) - 1; g >= 0; g-- {
		if lost.groups[g].reason != ReasonFiltered {
			return append(attrs, semconv.ErrorTypeKey.String(lost.groups[g].errorType))
		}
	}
	return attrs
}

func (m *metrics) split(ctx context.Context) {
	m.splitsMade.Add(1)
	count(ctx, m.splits, m.add)
}

func (m *metrics) retried(ctx context.Context) {
	m.retriesMade.Add(1)
	count(ctx, m.retries, m.add)
}

func (m *metrics) refused(ctx context.Context, status int) {
	m.itemsRefused.Add(1)
	if m.rejects.Enabled(ctx) {
		m.rejects.Add(ctx, 1, metric.WithAttributeSet(m.with(semconv.HTTPResponseStatusCode(status))))
	}
}

func count(ctx context.Context, counter metric.Int64Counter, attrs []metric.AddOption) {
	if counter.Enabled(ctx) {
		counter.Add(ctx, 1, attrs...)
	}
}

func (m *metrics) cut(ctx context.Context, spans uint64) {
	if m.cuts.Enabled(ctx) {
		m.cuts.Add(ctx, int64(spans), m.add...)
	}
}
