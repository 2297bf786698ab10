package sgpexporter_test

import (
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// handler is an error handler that does something.
type handler func()

func (h handler) Handle(error) { h() }

// failingSpool has a disk that fails now and then, and SGP refuses what is in it, for some time.
func failingSpool(t *testing.T, handle handler) {
	t.Helper()
	sgpexporter.Handled(t)
	defer sgpexporter.Handled(t)
	srv := sgptest.NewServer(sgptest.WithInMemoryNetwork())
	defer srv.Close()
	disk := new(sgpexporter.Disk)
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(srv.Client()),
		sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithDisk(disk))
	require.NoError(t, err)
	otel.SetErrorHandler(handle)
	reject(srv, 422, "span 1")
	for n := byte(1); n < 50; n++ {
		_ = exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 1, inTrace(n))})
		time.Sleep(11 * time.Second)
		disk.Fail(syscall.ENOSPC)
		_ = exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 2, inTrace(n))})
		disk.Fail(nil)
	}
	require.NoError(t, exp.Shutdown(t.Context()))
	synctest.Wait()
}

// An error handler that hangs holds one goroutine for each kind of report, and not one more for each.
func TestSpoolAndAHandlerThatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var under, calls atomic.Int32
		release := make(chan struct{})
		failingSpool(t, func() {
			calls.Add(1)
			under.Add(1)
			<-release
			under.Add(-1)
		})
		assert.Equal(t, int32(2), under.Load())
		assert.Equal(t, int32(2), calls.Load())
		reports := sgpexporter.Handled(t)
		close(release)
		synctest.Wait()
		assert.Len(t, reports.All(), 2, "what came meanwhile is reported then")
	})
}

// An error handler that panics ends no process.
func TestSpoolAndAHandlerThatPanics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var calls atomic.Int32
		failingSpool(t, func() {
			calls.Add(1)
			panic("no log today")
		})
		assert.Greater(t, calls.Load(), int32(10))
	})
}
