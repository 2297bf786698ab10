package integration

import (
	"context"
	"database/sql"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
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

// delivered returns the spans by name, once all that ended are delivered.
func (p *peers) delivered() map[string]sgptest.Span {
	p.t.Helper()
	require.NoError(p.t, p.provider.ForceFlush(waiting(p.t)))
	require.NoError(p.t, p.srv.CheckOrder())
	assert.Empty(p.t, p.srv.Violations())
	out := map[string]sgptest.Span{}
	for _, span := range p.srv.Spans() {
		assert.True(p.t, span.Completed(), span.Name)
		assert.NotContains(p.t, out, span.Name)
		out[span.Name] = span
	}
	return out
}

// attributesOf are a span's attributes that are nothing else in SGP.
func attributesOf(span sgptest.Span) map[string]any {
	attributes, _ := span.Metadata["attributes"].(map[string]any)
	return attributes
}

func scopeOf(span sgptest.Span) any {
	scope, _ := span.Metadata["scope"].(map[string]any)
	return scope["name"]
}

func TestOtelhttp(t *testing.T) {
	p := newPeers(t)
	name := otelhttp.WithSpanNameFormatter(func(operation string, r *http.Request) string {
		if operation == "" {
			operation = "client"
		}
		return operation + " " + r.URL.Path
	})
	propagator := otelhttp.WithPropagators(propagation.TraceContext{})
	service := httptest.NewServer(otelhttp.NewHandler(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/broken" {
			w.WriteHeader(http.StatusInternalServerError)
		}
	}), "server", otelhttp.WithTracerProvider(p.provider), propagator, name))
	defer service.Close()
	transport := &http.Transport{DisableKeepAlives: true}
	client := http.Client{Transport: otelhttp.NewTransport(transport, otelhttp.WithTracerProvider(p.provider), propagator, name)}
	for _, path := range []string{"/good", "/broken"} {
		response, err := client.Get(service.URL + path)
		require.NoError(t, err)
		require.NoError(t, response.Body.Close())
	}
	service.Close() // the server's spans have ended

	spans := p.delivered()
	require.Len(t, spans, 4)
	for name, want := range map[string]struct{ kind, status string }{
		"client /good":   {"client", "SUCCESS"},
		"server /good":   {"server", "SUCCESS"},
		"client /broken": {"client", "ERROR"},
		"server /broken": {"server", "ERROR"},
	} {
		span := spans[name]
		assert.Equal(t, want.status, span.Status, name)
		assert.Equal(t, want.kind, span.Metadata["kind"], name)
		assert.Equal(t, "STANDALONE", span.Type, name)
		assert.Equal(t, "go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp", scopeOf(span))
		assert.Equal(t, "GET", attributesOf(span)["http.request.method"], name)
	}
	assert.Equal(t, spans["client /good"].ID, spans["server /good"].ParentID)
	assert.Equal(t, true, spans["server /good"].Metadata["parent_is_remote"])
	assert.Equal(t, float64(200), attributesOf(spans["server /good"])["http.response.status_code"])
	assert.Equal(t, "500", spans["client /broken"].Metadata["error_type"])
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
	as := func(name string, call func(context.Context) error) codes.Code {
		ctx, span := p.provider.Tracer("test").Start(t.Context(), name)
		defer span.End()
		return status.Code(call(ctx))
	}
	check := func(service string) func(context.Context) error {
		return func(ctx context.Context) error {
			_, err := client.Check(ctx, &healthpb.HealthCheckRequest{Service: service})
			return err
		}
	}
	assert.Equal(t, codes.OK, as("good", check("")))
	assert.Equal(t, codes.NotFound, as("unknown", check("nobody")))
	assert.Equal(t, codes.Canceled, as("cancelled", func(ctx context.Context) error {
		ctx, cancel := context.WithCancel(ctx)
		stream, err := client.Watch(ctx, &healthpb.HealthCheckRequest{})
		require.NoError(t, err)
		_, err = stream.Recv()
		require.NoError(t, err)
		cancel()
		_, err = stream.Recv()
		return err
	}))
	require.NoError(t, connection.Close())
	server.GracefulStop()
	require.NoError(t, <-served)

	require.NoError(t, p.provider.ForceFlush(waiting(t)))
	require.NoError(t, p.srv.CheckOrder())
	assert.Empty(t, p.srv.Violations())
	names := map[string]string{}
	for _, span := range p.srv.Spans() {
		names[span.ID] = span.Name
	}
	got, servers := map[string]string{}, 0
	for _, span := range p.srv.Spans() {
		require.True(t, span.Completed())
		if kind := span.Metadata["kind"]; kind == "client" {
			assert.Equal(t, "go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc", scopeOf(span))
			got[names[span.ParentID]] = span.Status
		} else if kind == "server" {
			assert.Equal(t, span.Name, names[span.ParentID])
			servers++
			assert.Equal(t, true, span.Metadata["parent_is_remote"])
		}
	}
	assert.Equal(t, map[string]string{"good": "SUCCESS", "unknown": "ERROR", "cancelled": "CANCELED"}, got)
	assert.Equal(t, 3, servers)
}

func TestOtelsql(t *testing.T) {
	p := newPeers(t)
	db, err := otelsql.Open("sqlite", filepath.Join(t.TempDir(), "test.db"), otelsql.WithTracerProvider(p.provider),
		otelsql.WithSpanNameFormatter(func(_ context.Context, method otelsql.Method, query string) string {
			return string(method) + " " + query
		}),
		otelsql.WithSpanOptions(otelsql.SpanOptions{OmitConnectorConnect: true, OmitConnResetSession: true, OmitConnPrepare: true, OmitRows: true}))
	require.NoError(t, err)
	defer func() { assert.NoError(t, db.Close()) }()
	ctx, root := p.provider.Tracer("test").Start(t.Context(), "root")
	_, err = db.ExecContext(ctx, "CREATE TABLE t (a INTEGER)")
	require.NoError(t, err)
	var n int
	require.NoError(t, db.QueryRowContext(ctx, "SELECT 41 + 1").Scan(&n))
	require.Equal(t, 42, n)
	require.Error(t, db.QueryRowContext(ctx, "SELECT x FROM nowhere").Scan(&n))
	require.ErrorIs(t, db.QueryRowContext(ctx, "SELECT a FROM t").Scan(&n), sql.ErrNoRows)
	root.End()

	spans := p.delivered()
	got := map[string]string{}
	for name, span := range spans {
		got[name] = span.Status
		if name != "root" {
			assert.Equal(t, spans["root"].ID, span.ParentID, name)
			assert.Equal(t, "github.com/XSAM/otelsql", scopeOf(span))
			assert.Equal(t, "client", span.Metadata["kind"])
		}
	}
	assert.Equal(t, map[string]string{
		"root": "SUCCESS",
		"sql.conn.exec CREATE TABLE t (a INTEGER)": "SUCCESS",
		"sql.conn.query SELECT 41 + 1":             "SUCCESS",
		"sql.conn.query SELECT x FROM nowhere":     "ERROR",
		"sql.conn.query SELECT a FROM t":           "SUCCESS",
	}, got)
	failed := spans["sql.conn.query SELECT x FROM nowhere"]
	assert.Contains(t, failed.Metadata["error_message"], "no such table: nowhere")
	assert.Equal(t, "SELECT x FROM nowhere", attributesOf(failed)["db.query.text"])
}
