package otlp

import (
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// collector takes OTLP.
type collector struct {
	*httptest.Server
	mu    sync.Mutex // guards names
	names []string
}

func newCollector(t *testing.T, status int) *collector {
	c := &collector{}
	c.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		assert.NoError(t, err)
		var request collectorpb.ExportTraceServiceRequest
		assert.NoError(t, proto.Unmarshal(body, &request))
		c.mu.Lock()
		defer c.mu.Unlock()
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					c.names = append(c.names, span.Name)
				}
			}
		}
		w.WriteHeader(status)
	}))
	t.Cleanup(c.Close)
	t.Setenv("OTEL_EXPORTER_OTLP_ENDPOINT", c.URL)
	return c
}

func work(t *testing.T, tp *sdktrace.TracerProvider) {
	ctx, parent := tp.Tracer("test").Start(t.Context(), "parent")
	_, child := tp.Tracer("test").Start(ctx, "child")
	child.End()
	parent.End()
}

func TestSideBySide(t *testing.T) {
	collector := newCollector(t, http.StatusOK)
	sgp := sgptest.NewServer()
	defer sgp.Close()
	t.Setenv("SGP_API_KEY", "key")
	t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)

	tp, err := SideBySide(t.Context())
	require.NoError(t, err)
	work(t, tp)
	require.NoError(t, tp.Shutdown(t.Context()))
	assert.ElementsMatch(t, []string{"parent", "child"}, collector.names)
	var names []string
	for _, span := range sgp.Spans() {
		names = append(names, span.Name)
		assert.True(t, span.Completed())
	}
	assert.Equal(t, []string{"parent", "child"}, names)
}

// TestSideBySideWithoutCollector: what OTLP's server refuses reaches SGP all the
// same.
func TestSideBySideWithoutCollector(t *testing.T) {
	newCollector(t, http.StatusBadRequest)
	sgp := sgptest.NewServer()
	defer sgp.Close()
	t.Setenv("SGP_API_KEY", "key")
	t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))

	tp, err := SideBySide(t.Context())
	require.NoError(t, err)
	work(t, tp)
	_ = tp.Shutdown(t.Context())
	assert.Len(t, sgp.Spans(), 2)
}

func TestSideBySideNeedsKey(t *testing.T) {
	t.Setenv("SGP_API_KEY", "")
	_, err := SideBySide(t.Context())
	assert.ErrorContains(t, err, "SGP_API_KEY")
}

func TestBehindTheQueue(t *testing.T) {
	collector := newCollector(t, http.StatusOK)
	tp, processor, err := BehindTheQueue(t.Context())
	require.NoError(t, err)
	work(t, tp)
	require.NoError(t, tp.Shutdown(t.Context()))
	assert.Equal(t, []string{"child", "parent"}, collector.names, "as they ended")
	assert.Equal(t, uint64(2), processor.Stats().Exported)
}

// TestBehindTheQueueRefused: what is lost is counted.
func TestBehindTheQueueRefused(t *testing.T) {
	newCollector(t, http.StatusBadRequest)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	tp, processor, err := BehindTheQueue(t.Context())
	require.NoError(t, err)
	work(t, tp)
	assert.ErrorContains(t, tp.Shutdown(t.Context()), "2 snapshots not delivered")
	assert.Equal(t, uint64(2), processor.Stats().DroppedBy["export_failed"])
}
