package sgpexporter_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

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

func TestTooLargeTeachesTheExporter(t *testing.T) {
	srv, exp := newRefused(t, []sgptest.Option{sgptest.WithMaxBodyBytes(50_000)})
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(500)))
	first := len(srv.Requests())
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(500)))
	for _, r := range srv.Requests()[first:] {
		assert.Equal(t, 200, r.Status, "the second time it knows")
	}
}
