// Package metrics is the recipe of docs/recipes.md for metrics that Prometheus reads.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// Telemetry is a service that is traced to SGP and tells Prometheus how that goes.
type Telemetry struct {
	// Handler serves the service, traced, and what the processor and the exporter count at
	// GET /metrics, untraced: scrapes make no spans.
	Handler http.Handler
	// Traces is to be shut down before Meters, so that the last counts are there.
	Traces *sdktrace.TracerProvider
	Meters *sdkmetric.MeterProvider
}

// Setup traces service to SGP.
func Setup(service http.Handler) (*Telemetry, error) {
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return nil, err
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))

	exp, err := sgpexporter.New(sgpexporter.WithMeterProvider(meters))
	if err != nil {
		return nil, err
	}
	opts := append(sgpexporter.ProcessorOptionsFromEnv(), asyncprocessor.WithMeterProvider(meters))
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp, opts...)))

	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.Handle("/", otelhttp.NewHandler(service, "http", otelhttp.WithTracerProvider(tp)))
	return &Telemetry{Handler: mux, Traces: tp, Meters: meters}, nil
}
