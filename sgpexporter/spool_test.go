package sgpexporter_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// patience ends a test that would wait for ever.
const patience = 20 * time.Second

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	require.Eventually(t, holds, patience, time.Millisecond, what)
}

// inTrace puts a span into a trace of its own.
func inTrace(n byte) func(*tracetest.SpanStub) {
	return func(s *tracetest.SpanStub) {
		s.SpanContext = s.SpanContext.WithTraceID(trace.TraceID{15: n})
	}
}

func running(s *tracetest.SpanStub) { s.EndTime = time.Time{} }

func snapshot(phase asyncprocessor.Phase, n int, change ...func(*tracetest.SpanStub)) asyncprocessor.Snapshot {
	if phase == asyncprocessor.PhaseStart || phase == asyncprocessor.PhaseUpdate {
		change = append(change, running)
	}
	return asyncprocessor.Snapshot{Phase: phase, Span: span(n, change...)}
}

const (
	start = asyncprocessor.PhaseStart
	end   = asyncprocessor.PhaseEnd
)

// spoolOf is what a killed process leaves: a copy of its directory.
func spoolOf(t *testing.T, dir string) string {
	t.Helper()
	left := filepath.Join(t.TempDir(), "left")
	require.NoError(t, os.CopyFS(left, os.DirFS(dir)))
	return left
}

// isDown makes the server refuse everything for now.
func isDown(srv *sgptest.Server) {
	srv.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(503) })
}

func TestSpoolKeepsAndDeliversInOrder(t *testing.T) {
	ctx := context.Background()
	srv, exp := newExporter(t, nil, sgpexporter.WithSpool(filepath.Join(t.TempDir(), "spool")))
	isDown(srv)
	require.NoError(t, exp.KeepSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(start, 1), snapshot(start, 2), snapshot(end, 2)}))
	require.NoError(t, exp.ExportSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(end, 1)}), "goes behind the spooled ones of its trace")
	assert.Equal(t, int64(4), exp.Stats().Spool.Items)

	srv.SetFault(nil)
	eventually(t, "the spool is empty", func() bool { return exp.Stats().Spool.Items == 0 })
	assert.Equal(t, []string{"span 1", "span 2", "span 2", "span 1"}, writtenNames(srv))
	stats := exp.Stats().Spool
	assert.Equal(t, uint64(4), stats.Stored)
	assert.Equal(t, uint64(4), stats.Delivered)
	assert.Empty(t, stats.Dropped)
}

func TestSpoolDoesNotHoldUpOtherTraces(t *testing.T) {
	ctx := context.Background()
	srv, exp := newExporter(t, nil, sgpexporter.WithSpool(t.TempDir()))
	srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
		for _, item := range r.Items {
			if item.Name == "span 1" {
				return sgptest.Status(503)
			}
		}
		return sgptest.Fault{}
	})
	require.NoError(t, exp.KeepSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(end, 1)}))
	require.NoError(t, exp.ExportSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(end, 2, inTrace(2))}))
	assert.Equal(t, []string{"span 2"}, writtenNames(srv))
	srv.SetFault(nil)
	eventually(t, "the other too", func() bool { return exp.Stats().Spool.Items == 0 })
}

func TestSpoolSetsApartWhatIsRefused(t *testing.T) {
	srv, exp := newExporter(t, nil, sgpexporter.WithSpool(t.TempDir()))
	reject(srv, 422, "span 2")
	require.NoError(t, exp.KeepSnapshots(context.Background(), ends(3)))
	eventually(t, "the spool is empty", func() bool { return exp.Stats().Spool.Items == 0 })
	assert.ElementsMatch(t, []string{"span 1", "span 3"}, writtenNames(srv))
	stats := exp.Stats().Spool
	assert.Equal(t, uint64(2), stats.Delivered)
	assert.Equal(t, map[string]uint64{"rejected": 1}, stats.Dropped)
}

func TestSpoolIsDeliveredByTheNextProcess(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	srv, exp := newExporter(t, nil, sgpexporter.WithSpool(dir))
	isDown(srv)
	require.NoError(t, exp.KeepSnapshots(ctx, ends(3)))
	left := spoolOf(t, dir)

	other, next := newExporter(t, nil, sgpexporter.WithSpool(left))
	eventually(t, "all is delivered", func() bool { return len(other.Spans()) == 3 })
	eventually(t, "and settled", func() bool { return next.Stats().Spool.Items == 0 })
	assert.Equal(t, uint64(3), next.Stats().Spool.Recovered)
	srv.SetFault(nil)
}

func TestSpoolAlwaysHasItemsOnDiskBeforeTheyAreSent(t *testing.T) {
	ctx := context.Background()
	dir := t.TempDir()
	srv, exp := newExporter(t, nil, sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(sgpexporter.SpoolAlways))
	var left string
	srv.SetFault(func(*sgptest.Request) sgptest.Fault {
		if left == "" {
			left = spoolOf(t, dir)
		}
		return sgptest.Fault{}
	})
	require.NoError(t, exp.ExportSnapshots(ctx, ends(3)))
	eventually(t, "it is delivered", func() bool { return len(srv.Spans()) == 3 && exp.Stats().Spool.Items == 0 })

	other, next := newExporter(t, nil, sgpexporter.WithSpool(left), sgpexporter.WithSpoolMode(sgpexporter.SpoolAlways))
	eventually(t, "all is delivered again", func() bool { return len(other.Spans()) == 3 })
	eventually(t, "and settled", func() bool { return next.Stats().Spool.Items == 0 })
	after := spoolOf(t, dir)
	third, last := newExporter(t, nil, sgpexporter.WithSpool(after))
	require.NoError(t, last.KeepSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(end, 9)}))
	eventually(t, "what was delivered is not sent again", func() bool { return len(third.Spans()) == 1 })
	assert.Equal(t, uint64(0), last.Stats().Spool.Recovered)
}

func TestSpoolEndsWhatAKilledProcessLeftRunning(t *testing.T) {
	for _, mode := range []sgpexporter.SpoolMode{sgpexporter.SpoolOnFailure, sgpexporter.SpoolAlways} {
		t.Run(mode.String(), func(t *testing.T) {
			ctx := context.Background()
			dir := t.TempDir()
			srv, exp := newExporter(t, nil, sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(mode))
			require.NoError(t, exp.ExportSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(start, 1), snapshot(start, 2), snapshot(start, 3)}))
			eventually(t, "it is delivered", func() bool { return len(srv.Spans()) == 3 && exp.Stats().Spool.Items == 0 })
			before := spoolOf(t, dir)
			require.NoError(t, exp.ExportSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(end, 2)}))
			eventually(t, "it is delivered", func() bool { return exp.Stats().Spool.Running == 2 && exp.Stats().Spool.Items == 0 })
			after := spoolOf(t, dir)
			require.NoError(t, exp.ExportSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(end, 3)})) // not in its directory: its answer was lost
			eventually(t, "it is delivered", func() bool { return exp.Stats().Spool.Running == 1 && exp.Stats().Spool.Items == 0 })

			next := another(t, srv, after, mode)
			eventually(t, "it is ended", func() bool { return next.Stats().Spool.Unfinished == 1 && next.Stats().Spool.Items == 0 })
			spans := srv.Spans()
			require.Len(t, spans, 3)
			for _, s := range spans {
				want := "SUCCESS"
				if s.Name == "span 1" {
					want = "CANCELED"
					assert.Equal(t, []any{"unfinished: the span ran when its process was killed; end_timestamp is the time of its last write"},
						s.Metadata["otel_sgp_notes"])
				}
				assert.Equal(t, want, s.Status, s.Name)
				assert.NotNil(t, s.EndTimestamp, s.Name)
			}
			assert.Equal(t, int64(0), next.Stats().Spool.Running)

			// A third one finds nothing to do.
			requestsBefore := requests(srv)
			last := another(t, srv, before, mode)
			eventually(t, "nothing runs", func() bool { return last.Stats().Spool.Running == 0 && last.Stats().Spool.Open })
			assert.Equal(t, uint64(0), last.Stats().Spool.Unfinished)
			assert.Equal(t, requestsBefore, requests(srv))
		})
	}
}

// another returns an Exporter with a spool in front of a server that there is.
func another(t *testing.T, srv *sgptest.Server, dir string, mode sgpexporter.SpoolMode) *sgpexporter.Exporter {
	t.Helper()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(srv.Client()),
		sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(mode))
	require.NoError(t, err)
	t.Cleanup(func() { assert.NoError(t, exp.Shutdown(context.Background())) })
	return exp
}

func TestSpoolWithoutADisk(t *testing.T) {
	for _, mode := range []sgpexporter.SpoolMode{sgpexporter.SpoolOnFailure, sgpexporter.SpoolAlways} {
		t.Run(mode.String(), func(t *testing.T) {
			reports := sgpexporter.Handled(t)
			ctx := context.Background()
			file := filepath.Join(t.TempDir(), "file")
			require.NoError(t, os.WriteFile(file, nil, 0o600))
			srv, exp := newExporter(t, nil, sgpexporter.WithSpool(filepath.Join(file, "spool")), sgpexporter.WithSpoolMode(mode))
			require.NoError(t, exp.ExportSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(start, 1), snapshot(end, 2)}))
			assert.Len(t, srv.Spans(), 2)
			failed := lost(t, exp.KeepSnapshots(ctx, ends(3)))
			assert.Equal(t, []int{0, 1, 2}, failed.Undelivered)
			assert.True(t, failed.Retryable)
			eventually(t, "it is reported", func() bool { return len(reports.All()) == 1 })
			assert.ErrorContains(t, reports.All()[0], "not a directory")
		})
	}
}

func TestSpoolGoesOnWhenItsDirectoryWasRemoved(t *testing.T) {
	reports := sgpexporter.Handled(t)
	ctx := context.Background()
	dir := filepath.Join(t.TempDir(), "spool")
	srv, exp := newExporter(t, nil, sgpexporter.WithSpool(dir))
	isDown(srv)
	require.NoError(t, exp.KeepSnapshots(ctx, ends(3)))
	require.NoError(t, os.RemoveAll(dir))
	eventually(t, "it goes on in a new directory", func() bool {
		return exp.KeepSnapshots(ctx, []asyncprocessor.Snapshot{snapshot(end, 9, inTrace(9))}) == nil
	})
	srv.SetFault(nil)
	eventually(t, "it is delivered", func() bool { return exp.Stats().Spool.Items == 0 })
	assert.Equal(t, map[string]uint64{"spool_lost": 3}, exp.Stats().Spool.Dropped)
	assert.Contains(t, writtenNames(srv), "span 9")
	assert.Len(t, reports.All(), 1)
}

func TestSpoolTakesWhatShutdownHasNoTimeFor(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sgpexporter.Handled(t)
		dir := t.TempDir()
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithSpool(dir))
		srv.SetLatency(time.Hour)
		proc := asyncprocessor.New(exp)
		tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
		for i := range 100 {
			_, s := tp.Tracer("test").Start(context.Background(), fmt.Sprintf("span %d", i))
			s.End()
		}
		ctx, cancel := context.WithTimeout(context.Background(), time.Second)
		defer cancel()
		require.NoError(t, tp.Shutdown(ctx))
		assert.Equal(t, uint64(200), proc.Stats().Exported+proc.Stats().Coalesced)
		srv.SetLatency(0)

		next := another(t, srv, dir, sgpexporter.SpoolOnFailure)
		for len(srv.Spans()) < 100 || next.Stats().Spool.Items > 0 {
			time.Sleep(10 * time.Millisecond)
		}
		assert.Len(t, srv.Spans(), 100)
		synctest.Wait()
	})
}

func TestSpoolOptionsOutOfRange(t *testing.T) {
	for _, opt := range []sgpexporter.Option{
		sgpexporter.WithSpoolMode(7), sgpexporter.WithSpoolMaxBytes(1000), sgpexporter.WithSpoolMaxAge(time.Millisecond),
	} {
		_, err := sgpexporter.New(sgpexporter.WithAPIKey(key), opt)
		require.ErrorIs(t, err, sgpexporter.ErrInvalidOption)
	}
}
