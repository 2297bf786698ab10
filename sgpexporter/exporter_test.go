package sgpexporter_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
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

func TestUnknownParentIsNoError(t *testing.T) {
	srv, exp := newExporter(t, nil)
	child := span(2, func(s *tracetest.SpanStub) { s.Parent = s.SpanContext.WithSpanID(id(99)) })
	require.NoError(t, exp.ExportSnapshots(t.Context(), []asyncprocessor.Snapshot{{Phase: asyncprocessor.PhaseEnd, Span: child}}))
	assert.Equal(t, "0000000000000063", srv.Spans()[0].ParentID)
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
