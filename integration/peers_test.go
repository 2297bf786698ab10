package integration

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/XSAM/otelsql"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
	"google.golang.org/grpc/status"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// peers is a provider with our processor, and instrumented things to use it.
type peers struct {
	t        *testing.T
	srv      *sgptest.Server
	provider *sdktrace.TracerProvider
}

func newPeers(t *testing.T) *peers {
	t.Helper()
	srv := sgptest.NewServer()
	t.Cleanup(srv.Close)
	exporter, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(apiKey))
	require.NoError(t, err)
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(
		asyncprocessor.New(exporter, asyncprocessor.WithBatchTimeout(time.Millisecond))))
	t.Cleanup(func() { assert.NoError(t, provider.Shutdown(context.Background())) })
	return &peers{t: t, srv: srv, provider: provider}
}

// inSpan calls call within a root span of that name, by which delivered tells what it did.
func (p *peers) inSpan(name string, call func(context.Context)) {
	ctx, root := p.provider.Tracer("test").Start(p.t.Context(), name)
	defer root.End()
	call(ctx)
}

// delivered returns all spans, once all are delivered, by the name of their root and
// the kinds from there to them: "good client server" is the span of the server that the
// client called within "good". There must be one of each.
func (p *peers) delivered() map[string]sgptest.Span {
	p.t.Helper()
	require.NoError(p.t, p.provider.ForceFlush(waiting(p.t)))
	require.NoError(p.t, p.srv.CheckOrder())
	assert.Empty(p.t, p.srv.Violations())
	byID := map[string]sgptest.Span{}
	for _, span := range p.srv.Spans() {
		byID[span.ID] = span
	}
	var path func(span sgptest.Span) string
	path = func(span sgptest.Span) string {
		if parent, ok := byID[span.ParentID]; ok {
			return fmt.Sprint(path(parent), " ", span.Metadata["kind"])
		}
		return span.Name
	}
	spans := map[string]sgptest.Span{}
	for _, span := range byID {
		assert.True(p.t, span.Completed(), span.Name)
		assert.NotContains(p.t, spans, path(span))
		spans[path(span)] = span
	}
	return spans
}

func statusesOf(spans map[string]sgptest.Span) map[string]string {
	statuses := map[string]string{}
	for name, span := range spans {
		statuses[name] = span.Status
	}
	return statuses
}

func TestOtelhttp(t *testing.T) {
	p := newPeers(t)
	propagator := otelhttp.WithPropagators(propagation.TraceContext{})
	mux := http.NewServeMux()
	handle := func(pattern string, handler http.HandlerFunc) {
		// Within the mux: around it otelhttp does not see the route.
		mux.Handle(pattern, otelhttp.NewHandler(handler, "server", otelhttp.WithTracerProvider(p.provider), propagator))
	}
	begun := make(chan struct{})
	handle("POST /v1/good", func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		_, _ = io.WriteString(w, "sunny")
	})
	handle("POST /v1/broken", func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusInternalServerError)
	})
	handle("POST /v1/slow", func(_ http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body) // before that the server does not see that the client is gone
		close(begun)
		<-r.Context().Done()
	})
	service := httptest.NewServer(mux)
	defer service.Close()
	transport := &http.Transport{DisableKeepAlives: true}
	client := http.Client{Transport: otelhttp.NewTransport(transport, otelhttp.WithTracerProvider(p.provider), propagator)}
	post := func(ctx context.Context, path string) error {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, service.URL+path, strings.NewReader("weather in Paris"))
		require.NoError(t, err)
		response, err := client.Do(request)
		if err != nil {
			return err
		}
		_, err = io.Copy(io.Discard, response.Body)
		require.NoError(t, err)
		return response.Body.Close()
	}
	p.inSpan("good", func(ctx context.Context) { require.NoError(t, post(ctx, "/v1/good?units=metric")) })
	p.inSpan("broken", func(ctx context.Context) { require.NoError(t, post(ctx, "/v1/broken")) })
	p.inSpan("cancelled", func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		go func() {
			<-begun
			cancel()
		}()
		require.ErrorIs(t, post(ctx, "/v1/slow"), context.Canceled)
	})
	service.Close() // the server's spans have ended

	spans := p.delivered()
	assert.Equal(t, map[string]string{
		"good": "SUCCESS", "good client": "SUCCESS", "good client server": "SUCCESS",
		"broken": "SUCCESS", "broken client": "ERROR", "broken client server": "ERROR",
		// otelhttp knows nothing of a client that is gone.
		"cancelled": "SUCCESS", "cancelled client": "CANCELED", "cancelled client server": "SUCCESS",
	}, statusesOf(spans))
	checkGoldens(t, "otelhttp", spans)
}

func TestOtelgrpc(t *testing.T) {
	p := newPeers(t)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	propagator := otelgrpc.WithPropagators(propagation.TraceContext{})
	server := grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler(otelgrpc.WithTracerProvider(p.provider), propagator)))
	healthpb.RegisterHealthServer(server, health.NewServer())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	connection, err := grpc.NewClient(listener.Addr().String(), grpc.WithTransportCredentials(insecure.NewCredentials()),
		grpc.WithStatsHandler(otelgrpc.NewClientHandler(otelgrpc.WithTracerProvider(p.provider), propagator)))
	require.NoError(t, err)

	client := healthpb.NewHealthClient(connection)
	p.inSpan("good", func(ctx context.Context) {
		_, err := client.Check(ctx, &healthpb.HealthCheckRequest{})
		assert.NoError(t, err)
	})
	p.inSpan("unknown", func(ctx context.Context) {
		_, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: "nobody"})
		assert.Equal(t, codes.NotFound, status.Code(err))
	})
	p.inSpan("cancelled", func(ctx context.Context) {
		ctx, cancel := context.WithCancel(ctx)
		stream, err := client.Watch(ctx, &healthpb.HealthCheckRequest{})
		require.NoError(t, err)
		_, err = stream.Recv()
		require.NoError(t, err)
		cancel()
		_, err = stream.Recv()
		assert.Equal(t, codes.Canceled, status.Code(err))
	})
	require.NoError(t, connection.Close())
	server.GracefulStop()
	require.NoError(t, <-served)

	spans := p.delivered()
	assert.Equal(t, map[string]string{
		"good": "SUCCESS", "good client": "SUCCESS", "good client server": "SUCCESS",
		// What the caller did wrong or gave up is no error of the server's, the conventions say.
		"unknown": "SUCCESS", "unknown client": "ERROR", "unknown client server": "SUCCESS",
		"cancelled": "SUCCESS", "cancelled client": "CANCELED", "cancelled client server": "SUCCESS",
	}, statusesOf(spans))
	checkGoldens(t, "otelgrpc", spans)
}

func TestOtelsql(t *testing.T) {
	p := newPeers(t)
	db, err := otelsql.Open("sqlite", filepath.Join(t.TempDir(), "test.db"), otelsql.WithTracerProvider(p.provider),
		otelsql.WithSpanOptions(otelsql.SpanOptions{OmitConnectorConnect: true, OmitConnResetSession: true, OmitConnPrepare: true, OmitRows: true}))
	require.NoError(t, err)
	defer func() { assert.NoError(t, db.Close()) }()
	p.inSpan("create", func(ctx context.Context) {
		_, err := db.ExecContext(ctx, "CREATE TABLE t (a INTEGER)")
		require.NoError(t, err)
	})
	var n int
	p.inSpan("good", func(ctx context.Context) {
		require.NoError(t, db.QueryRowContext(ctx, "SELECT 41 + ?", 1).Scan(&n))
		require.Equal(t, 42, n)
	})
	p.inSpan("no table", func(ctx context.Context) {
		require.Error(t, db.QueryRowContext(ctx, "SELECT x FROM nowhere").Scan(&n))
	})
	p.inSpan("no rows", func(ctx context.Context) {
		require.ErrorIs(t, db.QueryRowContext(ctx, "SELECT a FROM t").Scan(&n), sql.ErrNoRows)
	})

	spans := p.delivered()
	assert.Equal(t, map[string]string{
		"create": "SUCCESS", "create client": "SUCCESS",
		"good": "SUCCESS", "good client": "SUCCESS",
		"no table": "SUCCESS", "no table client": "ERROR",
		"no rows": "SUCCESS", "no rows client": "SUCCESS",
	}, statusesOf(spans))
	checkGoldens(t, "otelsql", spans)
}
