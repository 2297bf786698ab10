package asyncprocessor_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// collect returns every sum and gauge by name, or name/error.type, and the count of
// histograms by name.
func collect(t *testing.T, reader *sdkmetric.ManualReader) map[string]int64 {
	t.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(context.Background(), &data))
	values := map[string]int64{}
	for _, scope := range data.ScopeMetrics {
		assert.Equal(t, "github.com/otelsgp/otelsgp/asyncprocessor", scope.Scope.Name)
		assert.NotEmpty(t, scope.Scope.Version)
		for _, m := range scope.Metrics {
			switch d := m.Data.(type) {
			case metricdata.Sum[int64]:
				for _, point := range d.DataPoints {
					assertComponent(t, point.Attributes)
					name := m.Name
					if reason, ok := point.Attributes.Value("error.type"); ok {
						name += "/" + reason.AsString()
					}
					values[name] = point.Value
				}
			case metricdata.Gauge[float64]:
				for _, point := range d.DataPoints {
					assertComponent(t, point.Attributes)
					values[m.Name] = int64(point.Value)
				}
			case metricdata.Histogram[float64]:
				for _, point := range d.DataPoints {
					assertComponent(t, point.Attributes)
					values[m.Name] = int64(point.Count)
				}
			default:
				t.Errorf("%s is a %T", m.Name, d)
			}
		}
	}
	return values
}

func assertComponent(t *testing.T, attrs attribute.Set) {
	t.Helper()
	kind, _ := attrs.Value("otel.component.type")
	assert.Equal(t, "github.com/otelsgp/otelsgp/asyncprocessor.Processor", kind.AsString())
	name, _ := attrs.Value("otel.component.name")
	assert.Regexp(t, `^github\.com/otelsgp/otelsgp/asyncprocessor\.Processor/\d+$`, name.AsString())
}

// The metrics of the semantic conventions count spans, that is ENDs; our own count
// snapshots.
func TestMetrics(t *testing.T) {
	collectReports(t)
	reader := sdkmetric.NewManualReader()
	held := newGate()
	exp := new(recorder)
	exp.export = held.export
	p := newProcessor(t, exp, asyncprocessor.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))),
		asyncprocessor.WithMaxQueueSize(8), asyncprocessor.WithMaxExportBatchSize(8), asyncprocessor.WithMaxQueueBytes(1<<20),
		asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))
	ctx, root := start(t.Context(), p, "root")
	_, child := start(ctx, p, "child")
	end(p, child)
	end(p, root)
	offerEnds(p, 2)
	_, refused := start(ctx, p, "refused") // 6 of 8
	end(p, refused)
	offerEnds(p, 3) // one fits

	got := collect(t, reader)
	assert.Equal(t, int64(6), got["otel.sdk.processor.span.queue.size"]+got["otel.sdk.processor.span.processed"], "ENDs")
	assert.Equal(t, int64(8), got["otel.sdk.processor.span.queue.capacity"])
	assert.Equal(t, int64(2), got["otel.sdk.processor.span.processed/queue_full"])
	assert.NotContains(t, got, "otel.sdk.processor.span.processed/start_refused", "no span was lost by that")
	assert.Equal(t, int64(8), got["asyncprocessor.snapshot.queued"]+got["asyncprocessor.snapshot.inflight"])
	assert.Equal(t, int64(1), got["asyncprocessor.snapshot.dropped/start_refused"])
	assert.Equal(t, int64(2), got["asyncprocessor.snapshot.dropped/queue_full"])
	assert.Equal(t, int64(0), got["asyncprocessor.snapshot.dropped/rejected"])
	assert.Equal(t, int64(1<<20), got["asyncprocessor.queue.bytes.capacity"])
	assert.Positive(t, got["asyncprocessor.queue.bytes"])
	assert.NotContains(t, got, "asyncprocessor.delivery.lag")

	held.open()
	require.NoError(t, p.Shutdown(context.Background()))
	got = collect(t, reader)
	assert.Equal(t, int64(6), got["otel.sdk.processor.span.processed"])
	assert.Equal(t, int64(0), got["otel.sdk.processor.span.queue.size"])
	assert.Equal(t, int64(8), got["asyncprocessor.snapshot.exported"])
	assert.Equal(t, int64(0), got["asyncprocessor.queue.bytes"])
	assert.Equal(t, int64(6), got["asyncprocessor.delivery.lag"])
}

// A lag is recorded for what was delivered alone.
func TestMetricsLagOfPartialDelivery(t *testing.T) {
	collectReports(t)
	reader := sdkmetric.NewManualReader()
	exp := new(recorder)
	exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
		return &asyncprocessor.ExportError{Undelivered: []int{1}, Reason: "rejected", Err: errors.New("no")}
	}
	p := newProcessor(t, exp, parked(asyncprocessor.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))...)
	offerEnds(p, 3)
	require.Error(t, p.Shutdown(context.Background()))
	got := collect(t, reader)
	assert.Equal(t, int64(3), got["otel.sdk.processor.span.processed"])
	assert.Equal(t, int64(2), got["asyncprocessor.delivery.lag"])
	assert.Equal(t, int64(1), got["asyncprocessor.snapshot.dropped/rejected"])
}

func TestMarshalLogShowsTheConfiguration(t *testing.T) {
	p := newProcessor(t, new(recorder), asyncprocessor.WithMaxQueueSize(7), asyncprocessor.WithBlocking())
	shown, err := json.Marshal(p.MarshalLog())
	require.NoError(t, err)
	assert.JSONEq(t, `{
		"Type": "github.com/otelsgp/otelsgp/asyncprocessor.Processor",
		"Exporter": "*asyncprocessor_test.recorder",
		"MaxQueueSize": 7,
		"MaxQueueBytes": 67108864,
		"MaxExportBatchSize": 7,
		"MaxExportBatchBytes": 1048576,
		"BatchTimeout": 500000000,
		"ExportTimeout": 300000000000,
		"ShutdownTimeout": 30000000000,
		"Concurrency": 8,
		"Blocking": true,
		"StartPolicy": "StartCoalesced",
		"MaxTrackedSpans": 10000,
		"UpdateInterval": 0,
		"UpdateBudget": 1048576,
		"UnfinishedSpans": false,
		"LeakAge": 3600000000000,
		"SpanFilters": 0
	}`, string(shown))
}
