package sgpexporter_test

import (
	"context"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestShutdown(t *testing.T) {
	srv, exp := newExporter(t, nil)
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(1)))
	require.NoError(t, exp.Shutdown(t.Context()))
	err := exp.ExportSnapshots(t.Context(), ends(2))
	require.ErrorIs(t, err, sgpexporter.ErrShutdown)
	assert.Equal(t, []int{0, 1}, lost(t, err).Undelivered)
	assert.Equal(t, asyncprocessor.ReasonAlreadyShutdown, lost(t, err).Reason)
	require.NoError(t, exp.Shutdown(t.Context()))
	assert.Equal(t, 1, requests(srv))
}

// Whoever has no server sees why nothing arrives, though Shutdown does not wait for
// the calls that it cancels.
func TestShutdownSaysWhyNothingWasDelivered(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		errs := sgpexporter.Handled(t)
		exp, err := sgpexporter.New(sgpexporter.WithAPIKey(key),
			sgpexporter.WithHTTPClient(&http.Client{Transport: refused{}}))
		require.NoError(t, err)
		proc := asyncprocessor.New(exp)
		proc.OnEnd(span(1))
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		err = proc.Shutdown(ctx)
		require.ErrorIs(t, err, context.DeadlineExceeded)
		require.ErrorIs(t, err, syscall.ECONNREFUSED)
		assert.EqualError(t, err, "asyncprocessor: shutdown with 1 snapshot not delivered: the time of Shutdown was over: context deadline exceeded\n"+
			"sgpexporter: requests were failing: no answer from https://api.egp.scale.com: connection refused")
		assert.Contains(t, errs.All(), err, "as the retries' jitter has it, a report of theirs comes before")
		require.NoError(t, exp.Shutdown(t.Context()), "it is told once")
	})
}

// A span that always gets a 500 costs itself, and nothing else of its trace, nor the time
// of Shutdown.
func TestShutdownDeliversWhatIsBehindASpanThatFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, exp := newExporterBut(t, nil, []sgptest.Option{sgptest.WithInMemoryNetwork()})
		errs := sgpexporter.Handled(t)
		srv.SetFault(sgptest.RefuseItems(500, func(item *sgptest.Span) bool { return item.Name == "poison" }))
		proc := asyncprocessor.New(exp)
		tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
		tracer := tp.Tracer("test")
		const traces, bad = 400, 8
		for n := range traces { // for 40 s
			ctx, root := tracer.Start(context.Background(), "root")
			name := "good"
			if n%(traces/bad) == 25 {
				name = "poison"
			}
			_, first := tracer.Start(ctx, name)
			time.Sleep(100 * time.Millisecond)
			first.End()
			_, second := tracer.Start(ctx, "good")
			second.End()
			root.End()
		}
		begin := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		var lost *asyncprocessor.ShutdownError
		require.ErrorAs(t, proc.Shutdown(ctx), &lost)
		assert.Equal(t, uint64(bad), lost.Undelivered)
		assert.Equal(t, map[asyncprocessor.DropReason]uint64{asyncprocessor.ReasonExportFailed: bad}, proc.Stats().DroppedBy)
		assert.Len(t, srv.Spans(), 3*traces-bad)
		assert.Less(t, time.Since(begin), 5*time.Second)
		require.NoError(t, srv.CheckOrder())
		assert.Contains(t, errs.All()[len(errs.All())-1].Error(), "SGP answered 500")
		synctest.Wait()
	})
}

// refused is a network in which nobody listens.
type refused struct{}

func (refused) RoundTrip(*http.Request) (*http.Response, error) { return nil, syscall.ECONNREFUSED }

// goleak, in TestMain, sees connections of our own client that Shutdown leaves.
func TestShutdownClosesOwnConnections(t *testing.T) {
	srv := sgptest.NewServer()
	defer func() { assert.NoError(t, srv.Check()) }()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key))
	require.NoError(t, err)
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(1)))
	require.NoError(t, exp.Shutdown(t.Context()))
	goleak.VerifyNone(t, goleak.IgnoreAnyFunction("github.com/otelsgp/otelsgp/sgpexporter/sgptest.(*Server).Start.func1"),
		goleak.IgnoreAnyFunction("net/http.(*conn).serve"))
	srv.Close()
}
