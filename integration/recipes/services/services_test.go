package services

import (
	"net"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"
	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/health"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

// TestOneTrace: a request to the HTTP service is one trace in SGP, through both
// services, each with a provider of its own as in two processes.
func TestOneTrace(t *testing.T) {
	sgp := sgptest.NewServer()
	defer sgp.Close()
	process := func() *sdktrace.TracerProvider {
		exporter, err := sgpexporter.New(sgpexporter.WithBaseURL(sgp.URL), sgpexporter.WithAPIKey("key"))
		require.NoError(t, err)
		return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exporter)))
	}
	front, back := process(), process()

	server := NewServer(back)
	healthpb.RegisterHealthServer(server, health.NewServer())
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	connection, err := Dial(front, listener.Addr().String(), grpcInsecure)
	require.NoError(t, err)
	handler := NewHandler(front, healthpb.NewHealthClient(connection))

	for path, want := range map[string]int{"/ask": http.StatusOK, "/healthz": http.StatusNotFound} {
		answer := httptest.NewRecorder()
		handler.ServeHTTP(answer, httptest.NewRequest(http.MethodGet, path, nil))
		assert.Equal(t, want, answer.Code, path)
	}
	require.NoError(t, connection.Close())
	server.GracefulStop()
	require.NoError(t, <-served)
	require.NoError(t, back.Shutdown(t.Context()))
	require.NoError(t, front.Shutdown(t.Context()))

	spans := map[string]sgptest.Span{}
	for _, span := range sgp.Spans() {
		spans[span.Name+" "+span.Metadata["kind"].(string)] = span
	}
	require.Len(t, sgp.Spans(), 3)
	request, call, callee := spans["GET /ask server"], spans["grpc.health.v1.Health/Check client"], spans["grpc.health.v1.Health/Check server"]
	assert.Equal(t, "", request.ParentID)
	assert.Equal(t, request.ID, call.ParentID)
	assert.Equal(t, call.ID, callee.ParentID)
	assert.Equal(t, request.TraceID, callee.TraceID)
	// Between two processes there is no order: the parent may come after its child.
	assert.NoError(t, sgp.Check(sgptest.ChildBeforeParent, sgptest.ChildBeforeParentEnd))
}

var grpcInsecure = grpc.WithTransportCredentials(insecure.NewCredentials())
