package sgpexporter_test

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestExportIsOneRequest(t *testing.T) {
	srv, exp := newExporter(t, []sgptest.Option{sgptest.WithAPIKey(key), sgptest.WithAccountID("acct")},
		sgpexporter.WithAccountID("acct"), sgpexporter.WithHeaders(map[string]string{"X-Team": "red"}))
	start := asyncprocessor.Snapshot{Phase: asyncprocessor.PhaseStart, Span: span(1, func(s *tracetest.SpanStub) { s.EndTime = time.Time{} })}
	require.NoError(t, exp.ExportSnapshots(t.Context(), append([]asyncprocessor.Snapshot{start}, ends(3)...)))
	require.Equal(t, 1, requests(srv))
	assert.Equal(t, "red", srv.Requests()[0].Header.Get("X-Team"))
	assert.Equal(t, "otelsgp-go/0.1.0", srv.Requests()[0].Header.Get("User-Agent"))
	assert.Equal(t, []string{"span 1", "span 1", "span 2", "span 3"}, writtenNames(srv))
	require.NoError(t, exp.ExportSnapshots(t.Context(), nil))
	assert.Equal(t, 1, requests(srv))
}

// oddSpan is not the SDK's own.
type oddSpan struct{ sdktrace.ReadOnlySpan }

func (oddSpan) Links() []sdktrace.Link { panic("secret prompt") }

func TestSpanThatPanicsCostsItself(t *testing.T) {
	srv, exp := newExporter(t, nil)
	batch := ends(5)
	batch[1].Span = oddSpan{batch[1].Span}
	batch[3] = asyncprocessor.Snapshot{Phase: asyncprocessor.PhaseStart}
	err := exp.ExportSnapshots(t.Context(), batch)
	one := lost(t, err)
	assert.Equal(t, []int{1, 3}, one.Undelivered)
	assert.Equal(t, sgpexporter.ReasonUnencodable, one.Reason)
	assert.ErrorContains(t, err, "mapping the END of a span (id 0000000000000002, trace 00000000000000000000000000000001) panicked with a string; "+
		"sgpexporter: mapping the START of a span (id unknown, trace unknown) panicked: runtime error: invalid memory address or nil pointer dereference")
	assert.Equal(t, []string{"span 1", "span 3", "span 5"}, writtenNames(srv))
	assert.Equal(t, 1, requests(srv))
}

func TestUnknownPhaseIsNoDelivery(t *testing.T) {
	srv, exp := newExporter(t, nil)
	batch := ends(3)
	batch[1].Phase = 9
	err := exp.ExportSnapshots(t.Context(), batch)
	require.ErrorIs(t, err, sgpexporter.ErrUnknownPhase)
	assert.ErrorContains(t, err, "Phase(9)")
	assert.Equal(t, []int{1}, lost(t, err).Undelivered)
	assert.Equal(t, sgpexporter.ReasonUnknownPhase, lost(t, err).Reason)
	assert.Equal(t, []string{"span 1", "span 3"}, writtenNames(srv))
}

func TestSplitByItems(t *testing.T) {
	srv, exp := newExporter(t, nil)
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(2500)))
	var sizes []int
	for _, r := range srv.Requests() {
		sizes = append(sizes, len(r.Items))
	}
	assert.Equal(t, []int{1000, 1000, 500}, sizes)
	names := writtenNames(srv)
	require.Len(t, names, 2500)
	for i, name := range names {
		require.Equal(t, fmt.Sprintf("span %d", i+1), name)
	}
}

func TestSplitByBytes(t *testing.T) {
	srv, exp := newExporter(t, nil, sgpexporter.WithMaxRequestBytes(4000))
	batch := ends(20)
	batch[7].Span = span(8, func(s *tracetest.SpanStub) {
		s.Attributes = []attribute.KeyValue{attribute.String("prompt", string(make([]byte, 5000)))}
	})
	require.NoError(t, exp.ExportSnapshots(t.Context(), batch))
	assert.Greater(t, requests(srv), 3)
	for _, r := range srv.Requests() {
		if r.WireBytes > 4000 {
			require.Len(t, r.Items, 1, "what is too large goes alone")
			assert.Equal(t, "span 8", r.Items[0].Name)
		}
	}
	assert.Len(t, writtenNames(srv), 20)
	assert.Equal(t, "span 9", writtenNames(srv)[8])
}

func TestRejectedSpanCostsItselfOnly(t *testing.T) {
	for _, code := range []int{400, 409, 413, 422} {
		t.Run(http.StatusText(code), func(t *testing.T) {
			srv, exp := newExporter(t, nil)
			told := sgpexporter.Listen(exp)
			reject(srv, code, "span 301")
			err := exp.ExportSnapshots(t.Context(), ends(512))

			one := lost(t, err)
			assert.Equal(t, []int{300}, one.Undelivered)
			assert.Equal(t, asyncprocessor.ReasonRejected, one.Reason)
			assert.False(t, one.Retryable)
			var rejected *sgpexporter.RejectedError
			require.ErrorAs(t, err, &rejected)
			assert.Equal(t, sgpexporter.RejectedError{
				TraceID: "00000000000000000000000000000001", SpanID: "000000000000012d", Name: "span 301",
				Phase: asyncprocessor.PhaseEnd, StatusCode: code, Reason: "no good",
			}, *rejected)
			assert.EqualError(t, rejected, fmt.Sprintf("sgpexporter: SGP rejected the END of span %q "+
				"(id 000000000000012d, trace 00000000000000000000000000000001): SGP answered %d %s: no good",
				"span 301", code, http.StatusText(code)))

			names := writtenNames(srv)
			assert.Len(t, names, 511)
			assert.Equal(t, "span 302", names[300], "in their order")
			if code != 413 { // of a size, halves tell
				assert.LessOrEqual(t, requests(srv), 12, "2 + log2(512) + 1")
			}

			// What is through is told at once.
			var delivered []int
			for _, part := range told.Delivered() {
				delivered = append(delivered, part...)
			}
			assert.Len(t, delivered, 511)
			assert.NotContains(t, delivered, 300)
			require.Len(t, told.Lost(), 1)
			assert.Equal(t, []int{300}, told.Lost()[0].Undelivered)
			assert.Equal(t, asyncprocessor.ReasonRejected, told.Lost()[0].Reason)
			require.ErrorAs(t, told.Lost()[0], &rejected)
		})
	}
}

// A real refusal, by the contract, whose answer names the item. The mapping leaves
// nothing to refuse; a hook can.
func TestRejectedByTheContract(t *testing.T) {
	srv, exp := newRefused(t, nil, sgpexporter.WithSpanHook(func(s *sgpspan.Span) bool {
		if s.Name == "span 3" {
			s.TraceID = ""
		}
		return true
	}))
	err := exp.ExportSnapshots(t.Context(), ends(8))
	assert.Equal(t, []int{2}, lost(t, err).Undelivered)
	assert.ErrorContains(t, err, `the END of span "span 3" (id 0000000000000003, trace )`)
	assert.ErrorContains(t, err, "trace_id")
	assert.Len(t, writtenNames(srv), 7)
	assert.Equal(t, 2, requests(srv), "it has no payload to leave out")
}

func TestManyRejectedSpansAreNamedInOneLine(t *testing.T) {
	srv, exp := newExporter(t, nil)
	var names []string
	for n := 1; n <= 100; n++ {
		names = append(names, fmt.Sprintf("span %d", n))
	}
	reject(srv, 422, names...)
	err := exp.ExportSnapshots(t.Context(), ends(101))
	one := lost(t, err)
	assert.Len(t, one.Undelivered, 100)
	assert.True(t, slices.IsSorted(one.Undelivered))
	assert.NotContains(t, err.Error(), "\n")
	assert.ErrorContains(t, err, "; and 92 more")
	assert.Equal(t, []string{"span 101"}, writtenNames(srv))
}

// A prompt that SGP does not take costs the prompt.
func TestEndOutlivesItsPayload(t *testing.T) {
	srv, exp := newRefused(t, []sgptest.Option{sgptest.WithMaxBodyBytes(50_000)})
	batch := ends(3)
	batch[1].Span = span(2, func(s *tracetest.SpanStub) {
		s.Attributes = []attribute.KeyValue{attribute.String("prompt", strings.Repeat("p", 60_000))}
	})
	require.NoError(t, exp.ExportSnapshots(t.Context(), batch))
	stored, ok := srv.Span("00000000000000000000000000000001", "0000000000000002")
	require.True(t, ok)
	assert.True(t, stored.Completed())
	assert.Equal(t, "span 2", stored.Name)
	assert.Equal(t, []any{"attributes: left out, the server refused the span with 413 Request Entity Too Large"}, stored.Metadata["otel_sgp_notes"])
	assert.Len(t, srv.Spans(), 3)
}

func TestParentInAnotherTraceIsDetached(t *testing.T) {
	srv, exp := newRefused(t, []sgptest.Option{sgptest.WithOlderStore()})
	other := span(7, func(s *tracetest.SpanStub) {
		s.SpanContext = s.SpanContext.WithTraceID(trace.TraceID{15: 2})
	})
	require.NoError(t, exp.ExportSnapshots(t.Context(), []asyncprocessor.Snapshot{{Phase: asyncprocessor.PhaseEnd, Span: other}}))
	batch := ends(4)
	batch[2].Span = span(3, func(s *tracetest.SpanStub) { s.Parent = s.SpanContext.WithSpanID(id(7)) })
	require.NoError(t, exp.ExportSnapshots(t.Context(), batch))
	stored, ok := srv.Span("00000000000000000000000000000001", "0000000000000003")
	require.True(t, ok)
	assert.Empty(t, stored.ParentID)
	assert.Contains(t, string(stored.Raw), "the server refused 0000000000000007")
	assert.Equal(t, 5, len(srv.Spans()))
	assert.Equal(t, 3, requests(srv), "one, two refused and the same again")
}

// Without a parent there is nothing to leave out, and the same bytes would be refused
// again.
func TestRefusedSpanWithoutParentIsSentOnce(t *testing.T) {
	srv, exp := newExporter(t, nil)
	srv.Inject(sgptest.Status(409))
	err := exp.ExportSnapshots(t.Context(), ends(1))
	assert.Equal(t, asyncprocessor.ReasonRejected, lost(t, err).Reason)
	assert.Equal(t, 1, requests(srv))
}

func TestUnknownParentIsNoError(t *testing.T) {
	srv, exp := newExporter(t, nil)
	child := span(2, func(s *tracetest.SpanStub) { s.Parent = s.SpanContext.WithSpanID(id(99)) })
	require.NoError(t, exp.ExportSnapshots(t.Context(), []asyncprocessor.Snapshot{{Phase: asyncprocessor.PhaseEnd, Span: child}}))
	assert.Equal(t, "0000000000000063", srv.Spans()[0].ParentID)
}

func TestTooLargeTeachesTheExporter(t *testing.T) {
	srv, exp := newRefused(t, []sgptest.Option{sgptest.WithMaxBodyBytes(50_000)})
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(500)))
	first := len(srv.Requests())
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(500)))
	for _, r := range srv.Requests()[first:] {
		assert.Equal(t, 200, r.Status, "the second time it knows")
	}
}

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

// An answer that is not SGP's says nothing of the spans. It is told what came, from
// where, and what to check.
func TestNotSGP(t *testing.T) {
	for name, c := range map[string]struct {
		fault sgptest.Fault
		is    error
		says  string
	}{
		"login page": {sgptest.HTML(), sgpexporter.ErrNotSGP, "200 OK and a page (text/html; charset=utf-8)"},
		"redirect": {sgptest.Redirect(302, "https://login.test/?next=secret"), sgpexporter.ErrRedirected,
			"302 Found: a redirect to https://login.test that is not followed"},
		"not found": {sgptest.Status(404), nil, "404 Not Found: injected"},
		"not implemented": {sgptest.Status(501).Body("text/html", "<html>"), sgpexporter.ErrNotSGP,
			"501 Not Implemented and a page (text/html)"},
		"forbidden by a proxy": {sgptest.Status(403).Body("text/html", "<html>"), sgpexporter.ErrNotSGP,
			"403 Forbidden and a page (text/html)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()})
				told := sgpexporter.Listen(exp)
				srv.SetFault(func(*sgptest.Request) sgptest.Fault { return c.fault })
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				err := exp.ExportSnapshots(ctx, ends(3))
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
				}
				assert.Equal(t, []int{0, 1, 2}, lost(t, err).Undelivered)
				assert.Equal(t, asyncprocessor.ReasonExportFailed, lost(t, err).Reason)
				assert.True(t, lost(t, err).Retryable)
				require.Len(t, told.Warnings(), 1, "within seconds")
				for _, text := range []string{err.Error(), told.Warnings()[0]} {
					assert.Contains(t, text, "http://sgptest.invalid/v5/spans/batch answered PUT with "+c.says+
						"; SGP would not: check the base URL (WithBaseURL or SGP_CLIENT_BASE_URL) and what stands between it and this process")
					assert.NotContains(t, text, "secret")
				}
				srv.ClearFaults()
				require.NoError(t, exp.ExportSnapshots(t.Context(), ends(3)))
				assert.Len(t, srv.Spans(), 3)
			})
		})
	}
}

func TestTruncatedAnswerIsASuccess(t *testing.T) {
	srv, exp := newExporter(t, nil)
	srv.Inject(sgptest.Truncate(5))
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(3)))
	assert.Equal(t, 1, requests(srv))
}

func TestGzip(t *testing.T) {
	srv, exp := newExporter(t, nil, sgpexporter.WithCompression(sgpexporter.GzipCompression))
	reject(srv, 422, "span 3")
	require.Error(t, exp.ExportSnapshots(t.Context(), ends(100)))
	assert.Equal(t, 99, len(srv.Spans()))
	for _, r := range srv.Requests() {
		assert.Equal(t, "gzip", r.Header.Get("Content-Encoding"))
	}
	assert.Less(t, srv.Requests()[0].WireBytes, int64(len(srv.Requests()[0].Body))/4)
}

// A base URL that has the path already is told of with what to do.
func TestBaseURLWithPath(t *testing.T) {
	srv := sgptest.NewServer()
	defer srv.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL+"/v5/spans"), sgpexporter.WithAPIKey(key),
		sgpexporter.WithRetry(sgpexporter.RetryConfig{}))
	require.NoError(t, err)
	err = exp.ExportSnapshots(t.Context(), ends(1))
	assert.ErrorContains(t, err, srv.URL+"/v5/spans/v5/spans/batch answered PUT with 404 Not Found: no such path; SGP would not: "+
		"check the base URL (WithBaseURL or SGP_CLIENT_BASE_URL), which must not contain /v5, and what stands between it and this process")
	require.NoError(t, exp.Shutdown(t.Context()))
}

// Being switched off is reported if it was hardly meant.
func TestDisabledByFalse(t *testing.T) {
	for _, value := range []string{"1", "true", "yes"} {
		errs := sgpexporter.Handled(t)
		t.Setenv("DISABLE_SCALE_TRACING", value)
		exp, err := sgpexporter.New()
		require.NoError(t, err)
		assert.True(t, exp.Disabled())
		assert.Empty(t, errs.All(), value)
	}
	for _, value := range []string{"0", "false", "False", "NO", "off"} {
		errs := sgpexporter.Handled(t)
		t.Setenv("DISABLE_SCALE_TRACING", value)
		exp, err := sgpexporter.New()
		require.NoError(t, err)
		assert.True(t, exp.Disabled())
		require.Len(t, errs.All(), 1, value)
		assert.EqualError(t, errs.All()[0], `sgpexporter: nothing is exported: DISABLE_SCALE_TRACING="`+value+
			`" disables, as any value does, also in the Python SDK; unset it to export`)
	}
}

func TestDisabled(t *testing.T) {
	t.Setenv("SGP_API_KEY", "")
	t.Setenv("DISABLE_SCALE_TRACING", "1")
	exp, err := sgpexporter.New()
	require.NoError(t, err)
	var none *sgpexporter.Exporter
	for _, exp := range []*sgpexporter.Exporter{exp, none} {
		assert.True(t, exp.Disabled())
		require.NoError(t, exp.ExportSnapshots(t.Context(), nil))
		err := exp.ExportSnapshots(t.Context(), ends(2))
		require.ErrorIs(t, err, sgpexporter.ErrDisabled)
		assert.Equal(t, []int{0, 1}, lost(t, err).Undelivered)
		assert.Equal(t, sgpexporter.ReasonDisabled, lost(t, err).Reason)
		require.NoError(t, exp.Shutdown(t.Context()))
		require.NoError(t, exp.Shutdown(t.Context()))
		assert.Contains(t, exp.String(), "Disabled:true")
		assert.NotPanics(t, func() { exp.MarshalLog() })

		proc := asyncprocessor.New(exp)
		proc.OnEnd(span(1))
		require.NoError(t, proc.Shutdown(t.Context()))
		assert.Zero(t, proc.Stats().Offered)
	}
}

func TestConcurrentSafe(t *testing.T) {
	srv, exp := newExporter(t, nil)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5 {
				assert.NoError(t, exp.ExportSnapshots(t.Context(), ends(20)))
				_ = exp.String()
			}
		})
	}
	all.Wait()
	assert.Equal(t, 20, len(srv.Spans()))
	assert.Equal(t, 40, requests(srv))
}
