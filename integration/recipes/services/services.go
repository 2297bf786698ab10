// Package services is a recipe: an HTTP service that calls a gRPC service, both
// instrumented by OpenTelemetry's own packages. Nothing in it knows of SGP; the
// provider that they are given does.
package services

import (
	"net/http"

	"go.opentelemetry.io/contrib/instrumentation/google.golang.org/grpc/otelgrpc"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/trace"
	"google.golang.org/grpc"
	healthpb "google.golang.org/grpc/health/grpc_health_v1"
)

// traceContext makes one trace of what two services do, by the traceparent header.
var traceContext = propagation.TraceContext{}

// NewServer returns a gRPC server that makes a span of each call.
func NewServer(tp trace.TracerProvider) *grpc.Server {
	return grpc.NewServer(grpc.StatsHandler(otelgrpc.NewServerHandler(
		otelgrpc.WithTracerProvider(tp), otelgrpc.WithPropagators(traceContext))))
}

// Dial returns a connection that makes a span of each call. options hold the
// credentials.
func Dial(tp trace.TracerProvider, target string, options ...grpc.DialOption) (*grpc.ClientConn, error) {
	return grpc.NewClient(target, append(options, grpc.WithStatsHandler(otelgrpc.NewClientHandler(
		otelgrpc.WithTracerProvider(tp), otelgrpc.WithPropagators(traceContext))))...)
}

// NewHandler returns the HTTP service: it asks the gRPC one. What it passes on is
// the request's context, which holds the span.
func NewHandler(tp trace.TracerProvider, backend healthpb.HealthClient) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /ask", func(w http.ResponseWriter, r *http.Request) {
		answer, err := backend.Check(r.Context(), &healthpb.HealthCheckRequest{})
		if err != nil {
			http.Error(w, "the backend does not answer", http.StatusBadGateway)
			return
		}
		_, _ = w.Write([]byte(answer.Status.String()))
	})
	return otelhttp.NewHandler(mux, "http",
		otelhttp.WithTracerProvider(tp), otelhttp.WithPropagators(traceContext),
		otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Method + " " + r.URL.Path }),
		// Probes would be most of what SGP shows.
		otelhttp.WithFilter(func(r *http.Request) bool { return r.URL.Path != "/healthz" }))
}
