package sgpexporter_test

import (
	"context"
	"sync"
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

func TestOutageLosesNothing(t *testing.T) {
	for name, fault := range map[string]sgptest.Fault{
		"503":                 sgptest.Status(503),
		"429":                 sgptest.Status(429).Header("Retry-After", "5"),
		"reset":               sgptest.ResetConnection(),
		"500 that was stored": sgptest.Status(500).Stored(),
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()})
				srv.SetFault(func(*sgptest.Request) sgptest.Fault { return fault })
				time.AfterFunc(time.Minute, srv.ClearFaults)
				begin := time.Now()
				require.NoError(t, persist(t.Context(), exp, ends(10)))
				assert.Equal(t, 10, len(srv.Spans()))
				assert.Less(t, time.Since(begin), 85*time.Second)
				assert.Greater(t, requests(srv), 5)
				for _, r := range srv.Requests() {
					if len(r.Items) > 1 { // one alone finds out whether a 500 is about an item
						assert.Equal(t, srv.Requests()[0].Body, r.Body)
					}
				}
			})
		})
	}
}

func TestOutageIsToldOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()})
		told := sgpexporter.Listen(exp)
		srv.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(503) })
		time.AfterFunc(50*time.Second, srv.ClearFaults)
		var all sync.WaitGroup
		for range 4 {
			all.Go(func() { assert.NoError(t, persist(t.Context(), exp, ends(1))) })
		}
		all.Wait()
		require.Len(t, told.Warnings(), 1)
		assert.Regexp(t, `^sgpexporter: a request has failed \d times in .*s and is tried again; spans wait in the queue meanwhile: `+
			`SGP answered 503 Service Unavailable: injected$`, told.Warnings()[0])
	})
}

// What failed for now is to be tried again, and what was refused is not.
func TestEndOfTheCallIsCounted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithMaxRequestItems(2))
		srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
			for _, item := range r.Items {
				switch item.Name {
				case "span 1":
					return sgptest.Status(422)
				case "span 5":
					return sgptest.Status(503)
				}
			}
			return sgptest.Fault{}
		})
		err := exp.ExportSnapshots(t.Context(), ends(9))
		all := exportErrors(err)
		require.Len(t, all, 2)
		assert.Equal(t, []int{0}, all[0].Undelivered)
		assert.Equal(t, asyncprocessor.ReasonRejected, all[0].Reason)
		assert.False(t, all[0].Retryable)
		assert.Equal(t, []int{4, 5, 6, 7, 8}, all[1].Undelivered)
		assert.Equal(t, asyncprocessor.ReasonExportFailed, all[1].Reason)
		assert.True(t, all[1].Retryable)
		assert.ErrorContains(t, err, ", for now; the last failure: SGP answered 503 Service Unavailable: injected")
		assert.NotContains(t, err.Error(), "\n", "one line")
		assert.Equal(t, []string{"span 2", "span 3", "span 4"}, writtenNames(srv))
		srv.ClearFaults()
		require.NoError(t, exp.ExportSnapshots(t.Context(), ends(9)[4:]))
	})
}

// Who wants no retries gets none.
func TestGivingUpIsCounted(t *testing.T) {
	srv, exp := newExporter(t, nil, sgpexporter.WithRetry(sgpexporter.RetryConfig{}))
	srv.Inject(sgptest.Status(422), sgptest.Fault{}, sgptest.Status(404))
	err := exp.ExportSnapshots(t.Context(), ends(8))
	assert.Equal(t, []int{4, 5, 6, 7}, lost(t, err).Undelivered)
	assert.False(t, lost(t, err).Retryable)
	assert.Equal(t, []string{"span 1", "span 2", "span 3", "span 4"}, writtenNames(srv), "what was stored before is delivered")
}

// A span that SGP cannot take costs the others of its batch nothing, whatever it
// answers: it alone, and what is behind it in its trace, comes back to be tried again.
func TestSpanThatFailsAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()}, sgpexporter.WithMaxRequestItems(64))
		srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
			for _, item := range r.Items {
				if item.Name == "span 33" {
					return sgptest.Status(500)
				}
			}
			return sgptest.Fault{}
		})
		ctx, cancel := context.WithCancel(t.Context())
		var other sync.WaitGroup
		other.Go(func() {
			for ctx.Err() == nil { // others pass
				assert.NoError(t, exp.ExportSnapshots(t.Context(), ends(1)))
				time.Sleep(100 * time.Millisecond)
			}
		})
		batch := ends(100)
		for i := range batch { // each of a trace of its own, but for one
			trace := trace.TraceID{14: 1, 15: byte(i)}
			if i == 70 {
				trace[15] = 32
			}
			batch[i].Span = span(i+1, func(s *tracetest.SpanStub) { s.SpanContext = s.SpanContext.WithTraceID(trace) })
		}
		begin := time.Now()
		err := exp.ExportSnapshots(t.Context(), batch)
		assert.Less(t, time.Since(begin), 10*time.Second)
		assert.Equal(t, []int{32, 70}, lost(t, err).Undelivered)
		assert.True(t, lost(t, err).Retryable)
		assert.ErrorContains(t, err, "while SGP took other requests; the last failure: SGP answered 500 Internal Server Error: injected")
		cancel()
		other.Wait()
		assert.Len(t, srv.Spans(), 98+1)
	})
}
