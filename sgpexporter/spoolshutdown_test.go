package sgpexporter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// backlog keeps n spans on disk, each with its START, of a trace of its own.
func backlog(t *testing.T, exp *sgpexporter.Exporter, n int) {
	t.Helper()
	var starts, over []asyncprocessor.Snapshot
	for i := range n {
		own := func(s *tracetest.SpanStub) {
			s.SpanContext = s.SpanContext.WithTraceID(trace.TraceID{0: 1, 14: byte(i >> 8), 15: byte(i)})
		}
		starts, over = append(starts, snapshot(start, i+1, own)), append(over, snapshot(end, i+1, own))
	}
	require.NoError(t, exp.KeepSnapshots(t.Context(), starts))
	require.NoError(t, exp.KeepSnapshots(t.Context(), over))
}

// Shutdown does not abandon requests that SGP is about to answer: the next process would repeat them, and show a
// span as running that has ended.
func TestShutdownOfTheSpoolAwaitsAnswers(t *testing.T) {
	for _, mode := range spoolModes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				dir := t.TempDir()
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork(), sgptest.WithLatency(1500 * time.Millisecond)},
					sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(mode))
				isDown(srv)
				backlog(t, exp, 2000)
				srv.SetFault(nil)
				for len(srv.Spans()) == 0 {
					time.Sleep(10 * time.Millisecond)
				}
				begin := time.Now()
				require.NoError(t, exp.Shutdown(t.Context()))
				assert.LessOrEqual(t, time.Since(begin), 4*time.Second)
				left := exp.Stats().Spool.Items
				require.NotZero(t, left)
				srv.SetLatency(0)

				next := another(t, srv, dir, mode)
				for next.Stats().Spool.Recovered == 0 || next.Stats().Spool.Items > 0 {
					time.Sleep(10 * time.Millisecond)
				}
				assert.Equal(t, uint64(left), next.Stats().Spool.Recovered)
				times := map[string]int{}
				for _, s := range srv.Spans() {
					times[s.Status] += len(s.Writes)
				}
				assert.Equal(t, map[string]int{"SUCCESS": 4000}, times, "nothing is written twice")
				require.NoError(t, srv.CheckOrder())
				synctest.Wait()
			})
		})
	}
}

// It does not wait for a server that answers nothing for longer than its time allows.
func TestShutdownOfTheSpoolDoesNotAwaitForLong(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sgpexporter.Handled(t)
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithSpool(t.TempDir()))
		srv.SetLatency(time.Hour)
		backlog(t, exp, 200)
		time.Sleep(time.Second)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		begin := time.Now()
		require.NoError(t, exp.Shutdown(ctx))
		assert.Equal(t, 437500*time.Microsecond, time.Since(begin), "a quarter, and a quarter of the rest")
		assert.Equal(t, int64(400), exp.Stats().Spool.Items)
		srv.SetLatency(0)
		synctest.Wait()
	})
}

// A span that always gets a 500 is left to the next process, and Shutdown does not wait for it.
func TestShutdownLeavesWhatFailsAloneInTheSpool(t *testing.T) {
	for _, mode := range spoolModes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				dir := t.TempDir()
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithSpool(dir), sgpexporter.WithSpoolMode(mode))
				srv.SetFault(sgptest.RefuseItems(500, func(item *sgptest.Span) bool { return item.Name == "poison" }))
				proc := asyncprocessor.New(exp)
				for n := range 400 { // for 40 s
					name := "good"
					if n%50 == 25 {
						name = "poison"
					}
					proc.OnEnd(ofTrace(n, name))
					time.Sleep(100 * time.Millisecond)
				}
				begin := time.Now()
				ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
				defer cancel()
				require.NoError(t, proc.Shutdown(ctx))
				assert.Less(t, time.Since(begin), 12*time.Second, "it has 30")
				assert.Len(t, srv.Spans(), 392)
				assert.Equal(t, int64(8), exp.Stats().Spool.Items)
				srv.SetFault(nil)
				next := another(t, srv, dir, mode)
				for next.Stats().Spool.Recovered == 0 || next.Stats().Spool.Items > 0 {
					time.Sleep(10 * time.Millisecond)
				}
				assert.Len(t, srv.Spans(), 400)
				synctest.Wait()
			})
		})
	}
}

// A span that always gets a 500 keeps nothing else in the spool when Shutdown begins and SGP takes it.
func TestShutdownDeliversWhatDoesNotFailAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sgpexporter.Handled(t)
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithSpool(t.TempDir()))
		poison := sgptest.RefuseItems(500, func(item *sgptest.Span) bool { return item.Name == "poison" })
		srv.SetFault(poison)
		require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{
			snapshot(end, 1, inTrace(201), withName("poison")), snapshot(end, 1, inTrace(202)),
		}))
		time.Sleep(15 * time.Second)
		require.Equal(t, int64(1), exp.Stats().Spool.Items)
		isDown(srv)
		backlog(t, exp, 20)
		srv.SetFault(poison)
		require.NoError(t, exp.Shutdown(t.Context()))
		assert.Equal(t, int64(1), exp.Stats().Spool.Items)
		assert.Len(t, srv.Spans(), 21)
		synctest.Wait()
	})
}

// A server that is back when Shutdown begins gets what is in the spool, though the last tries have failed.
func TestShutdownTriesTheSpoolOnceMore(t *testing.T) {
	for _, mode := range spoolModes {
		t.Run(mode.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(mode))
				isDown(srv)
				backlog(t, exp, 20)
				time.Sleep(time.Minute)
				srv.SetFault(nil)
				require.NoError(t, exp.Shutdown(t.Context()))
				assert.Zero(t, exp.Stats().Spool.Items)
				assert.Len(t, srv.Spans(), 20)
				synctest.Wait()
			})
		})
	}
}

// One that is away still gets one try more, which Shutdown does not wait for twice.
func TestShutdownTriesTheSpoolOnlyOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sgpexporter.Handled(t)
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithSpool(t.TempDir()))
		isDown(srv)
		backlog(t, exp, 20)
		time.Sleep(time.Minute)
		begin := time.Now()
		require.NoError(t, exp.Shutdown(t.Context()))
		assert.LessOrEqual(t, time.Since(begin), 2*time.Second)
		assert.Equal(t, int64(40), exp.Stats().Spool.Items)
		srv.SetFault(nil)
		synctest.Wait()
	})
}
