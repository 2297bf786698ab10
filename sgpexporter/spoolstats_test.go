package sgpexporter_test

import (
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	"go.opentelemetry.io/otel/sdk/metric/metricdata"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// What is in the spool, and what became of what was, is in Stats and in metrics.
func TestMetricsOfTheSpool(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sgpexporter.Handled(t)
		reader, disk := sdkmetric.NewManualReader(), new(sgpexporter.Disk)
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithDisk(disk),
			sgpexporter.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		isDown(srv)
		require.NoError(t, exp.KeepSnapshots(t.Context(), ends(3)))
		disk.Fail(syscall.ENOSPC)
		require.Error(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 4)}))
		disk.Fail(nil)
		time.Sleep(time.Minute)

		got := collect(t, reader)
		number := func(name string) int64 { return byAttr(t, got[name], "error.type")[""] }
		assert.Equal(t, int64(3), number("sgpexporter.spool.items"))
		assert.Greater(t, number("sgpexporter.spool.size"), int64(3*100))
		assert.Equal(t, int64(0), number("sgpexporter.spool.delivered"))
		assert.Equal(t, int64(1), number("sgpexporter.spool.failures"))
		age := got["sgpexporter.spool.age"].(metricdata.Gauge[float64]).DataPoints
		require.Len(t, age, 1)
		assert.InDelta(t, 60, age[0].Value, 2)
		stats := exp.Stats().Spool
		assert.Equal(t, time.Minute, time.Since(stats.Oldest).Truncate(time.Minute))

		reject(srv, 422, "span 2")
		time.Sleep(time.Minute)
		got = collect(t, reader)
		assert.Equal(t, int64(0), number("sgpexporter.spool.items"))
		assert.Equal(t, int64(2), number("sgpexporter.spool.delivered"))
		assert.Equal(t, map[string]int64{"rejected": 1}, byAttr(t, got["sgpexporter.spool.dropped"], "error.type"))
		assert.Zero(t, got["sgpexporter.spool.age"].(metricdata.Gauge[float64]).DataPoints[0].Value)

		stats = exp.Stats().Spool
		stats.Bytes, stats.Oldest = 0, time.Time{}
		assert.Equal(t, sgpexporter.SpoolStats{
			Open: true, Stored: 3, Delivered: 2, Dropped: map[string]uint64{"rejected": 1}, Failures: 1,
		}, stats)
		synctest.Wait()
	})
}

// A disk that hangs from the beginning holds up neither the start of the application nor its spans.
func TestSpoolDoesNotHoldUpTheStart(t *testing.T) {
	for _, mode := range spoolModes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				disk := new(sgpexporter.Disk)
				release := disk.Hang()
				begin := time.Now()
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()},
					sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(mode), sgpexporter.WithDisk(disk))
				assert.Zero(t, time.Since(begin))
				require.NoError(t, exp.ExportSnapshots(t.Context(), ends(3)))
				assert.LessOrEqual(t, time.Since(begin), 2*time.Second)
				assert.Len(t, srv.Spans(), 3)
				assert.False(t, exp.Stats().Spool.Open)
				release()
				time.Sleep(10 * time.Second)
				assert.True(t, exp.Stats().Spool.Open)
				synctest.Wait()
			})
		})
	}
}
