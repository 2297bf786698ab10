package otlp

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	collectorpb "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"go.uber.org/goleak"
	"google.golang.org/protobuf/proto"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

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

// newSGP is where spans go. At the end of the test it has nothing to object to.
func newSGP(t *testing.T) *sgptest.Server {
	sgp := sgptest.NewServer()
	t.Cleanup(sgp.Close)
	t.Cleanup(func() { assert.NoError(t, sgp.Check()) })
	t.Setenv("SGP_API_KEY", "key")
	t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)
	return sgp
}

func work(t *testing.T, tp *sdktrace.TracerProvider) {
	ctx, parent := tp.Tracer("test").Start(t.Context(), "parent")
	_, child := tp.Tracer("test").Start(ctx, "child")
	child.End()
	parent.End()
}

func TestSideBySide(t *testing.T) {
	collector := newCollector(t, http.StatusOK)
	sgp := newSGP(t)

	tp, processor, err := SideBySide(t.Context())
	require.NoError(t, err)
	work(t, tp)
	require.NoError(t, Shutdown(tp, processor, time.Minute))
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
	sgp := newSGP(t)
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))

	tp, processor, err := SideBySide(t.Context())
	require.NoError(t, err)
	work(t, tp)
	_ = Shutdown(tp, processor, time.Minute)
	assert.Len(t, sgp.Spans(), 2)
}

func TestSideBySideNeedsKey(t *testing.T) {
	t.Setenv("SGP_API_KEY", "")
	_, _, err := SideBySide(t.Context())
	assert.ErrorContains(t, err, "SGP_API_KEY")
}

// down is an SGP that does not answer.
type down struct{}

func (down) ExportSnapshots(ctx context.Context, _ []asyncprocessor.Snapshot) error {
	<-ctx.Done()
	return ctx.Err()
}

func (down) Shutdown(context.Context) error { return nil }

// slow takes a second for an export.
type slow struct{ exported int }

func (s *slow) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	select {
	case <-time.After(time.Second):
		s.exported += len(spans)
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (*slow) Shutdown(context.Context) error { return nil }

// TestShutdown: with SGP down both get their time, and the error tells what SGP did
// not get. With one context for both neither is so.
func TestShutdown(t *testing.T) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	run := func(t *testing.T, shutdown func(*sdktrace.TracerProvider, *asyncprocessor.Processor) error) (exported int, took time.Duration, err error) {
		synctest.Test(t, func(t *testing.T) {
			processor, otlp := asyncprocessor.New(down{}), &slow{}
			batcher := sdktrace.NewBatchSpanProcessor(otlp)
			defer batcher.Shutdown(t.Context()) // the provider may not have come to it
			tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(processor), sdktrace.WithSpanProcessor(batcher))
			work(t, tp)
			since := time.Now()
			err = shutdown(tp, processor)
			exported, took = otlp.exported, time.Since(since)
		})
		return exported, took, err
	}
	var undelivered *asyncprocessor.ShutdownError

	exported, took, err := run(t, func(tp *sdktrace.TracerProvider, processor *asyncprocessor.Processor) error {
		return Shutdown(tp, processor, 3*time.Second)
	})
	require.ErrorAs(t, err, &undelivered)
	assert.Equal(t, uint64(2), undelivered.Undelivered)
	assert.Equal(t, 2, exported)
	assert.Equal(t, 4*time.Second, took, "3 s for SGP, 1 s of the other's 3 s")

	exported, _, err = run(t, func(tp *sdktrace.TracerProvider, _ *asyncprocessor.Processor) error {
		return within(4*time.Second, tp.Shutdown) // before the other sends of itself, after 5 s
	})
	assert.Equal(t, context.DeadlineExceeded, err)
	assert.Zero(t, exported)
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
