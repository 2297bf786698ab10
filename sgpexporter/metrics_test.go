package sgpexporter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// collect returns what a reader sees, by instrument.
func collect(t *testing.T, reader sdkmetric.Reader) map[string]metricdata.Aggregation {
	t.Helper()
	var data metricdata.ResourceMetrics
	require.NoError(t, reader.Collect(context.Background(), &data))
	got := map[string]metricdata.Aggregation{}
	for _, scope := range data.ScopeMetrics {
		assert.Equal(t, "github.com/otelsgp/otelsgp/sgpexporter", scope.Scope.Name)
		assert.Equal(t, "0.1.0", scope.Scope.Version)
		for _, m := range scope.Metrics {
			got[m.Name] = m.Data
		}
	}
	return got
}

// byAttr returns the sums of a counter by the value of one attribute, "" where
// it is absent.
func byAttr(t *testing.T, data metricdata.Aggregation, name attribute.Key) map[string]int64 {
	t.Helper()
	sum, ok := data.(metricdata.Sum[int64])
	require.True(t, ok, "%T", data)
	got := map[string]int64{}
	for _, point := range sum.DataPoints {
		value, _ := point.Attributes.Value(name)
		got[value.String()] += point.Value
	}
	return got
}

func TestMetrics(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	srv, exp := newExporter(t, nil,
		sgpexporter.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))),
		sgpexporter.WithSpanHook(func(s *sgpspan.Span) bool { return s.Name != "span 4" }))
	reject(srv, 422, "span 2", "span 7")
	batch := ends(6)
	batch[0] = asyncprocessor.Snapshot{Phase: asyncprocessor.PhaseStart, Span: span(7)}
	require.Error(t, exp.ExportSnapshots(t.Context(), batch))
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(1)))

	got := collect(t, reader)
	exported := got["otel.sdk.exporter.span.exported"]
	// Of the six one is a START, rejected, and one is rejected, one filtered.
	assert.Equal(t, map[string]int64{"": 4, "rejected": 1, "filtered": 1}, byAttr(t, exported, "error.type"))
	assert.Equal(t, map[string]int64{"": 0}, byAttr(t, got["otel.sdk.exporter.span.inflight"], "error.type"))
	assert.Equal(t, map[string]int64{"422": 2}, byAttr(t, got["sgpexporter.item.refused"], "http.response.status_code"))
	assert.Positive(t, byAttr(t, got["sgpexporter.request.splits"], "error.type")[""])
	assert.NotContains(t, got, "sgpexporter.request.retries")

	durations := got["otel.sdk.exporter.operation.duration"].(metricdata.Histogram[float64])
	require.Len(t, durations.DataPoints, 2)
	for _, point := range durations.DataPoints {
		assert.EqualValues(t, 1, point.Count)
		status, _ := point.Attributes.Value("http.response.status_code")
		assert.EqualValues(t, 200, status.AsInt64())
	}

	attrs := exported.(metricdata.Sum[int64]).DataPoints[0].Attributes
	component, _ := attrs.Value("otel.component.type")
	assert.Equal(t, "github.com/otelsgp/otelsgp/sgpexporter.Exporter", component.AsString())
	name, _ := attrs.Value("otel.component.name")
	assert.Regexp(t, `^github.com/otelsgp/otelsgp/sgpexporter.Exporter/\d+$`, name.AsString())
	address, _ := attrs.Value("server.address")
	assert.Equal(t, "127.0.0.1", address.AsString())
	port, _ := attrs.Value("server.port")
	assert.Positive(t, port.AsInt64())
}

func TestMetricsOfRetriesAndFailures(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdkmetric.NewManualReader()
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()},
			sgpexporter.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))),
			sgpexporter.WithRetry(sgpexporter.RetryConfig{Enabled: true, MaxAttempts: 3}))
		srv.Inject(sgptest.Status(503).Times(2))
		require.NoError(t, exp.ExportSnapshots(t.Context(), ends(5)))
		srv.Inject(sgptest.Status(500).Times(3), sgptest.Status(401).Times(3))
		require.Error(t, exp.ExportSnapshots(t.Context(), ends(6)))
		require.Error(t, exp.ExportSnapshots(t.Context(), ends(7)))

		got := collect(t, reader)
		assert.Equal(t, map[string]int64{"": 5, "500": 6, "401": 7}, byAttr(t, got["otel.sdk.exporter.span.exported"], "error.type"))
		assert.Equal(t, map[string]int64{"": 6}, byAttr(t, got["sgpexporter.request.retries"], "error.type"))
		// One observation for a call, backoff included.
		longest := 0.0
		var count uint64
		for _, point := range got["otel.sdk.exporter.operation.duration"].(metricdata.Histogram[float64]).DataPoints {
			count += point.Count
			most, _ := point.Max.Value()
			longest = max(longest, most)
		}
		assert.EqualValues(t, 3, count)
		assert.Greater(t, longest, (600 * time.Millisecond).Seconds())
	})
}

// A span that is to be tried again counts once, when it is delivered or lost.
func TestMetricsOfWhatIsTriedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdkmetric.NewManualReader()
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()},
			sgpexporter.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		srv.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(503) })
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.Error(t, exp.ExportSnapshots(ctx, ends(5)))
		srv.ClearFaults()
		require.NoError(t, exp.ExportSnapshots(t.Context(), ends(5)))
		got := collect(t, reader)
		assert.Equal(t, map[string]int64{"": 5}, byAttr(t, got["otel.sdk.exporter.span.exported"], "error.type"))
		assert.Equal(t, map[string]int64{"": 0}, byAttr(t, got["otel.sdk.exporter.span.inflight"], "error.type"))
	})
}

func TestInflightIsSeenDuringACall(t *testing.T) {
	reader := sdkmetric.NewManualReader()
	srv, exp := newExporter(t, nil,
		sgpexporter.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
	var during map[string]int64
	srv.SetFault(func(*sgptest.Request) sgptest.Fault {
		during = byAttr(t, collect(t, reader)["otel.sdk.exporter.span.inflight"], "error.type")
		return sgptest.Fault{}
	})
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(5)))
	assert.Equal(t, map[string]int64{"": 5}, during)
}
