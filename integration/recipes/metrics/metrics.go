// Package metrics is the recipe of docs/recipes.md for metrics that Prometheus reads.
package metrics

import (
	"net/http"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	otelprometheus "go.opentelemetry.io/otel/exporters/prometheus"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// Setup traces to SGP and serves what the processor and the exporter count at
// GET /metrics. Shut the TracerProvider down first, so that the last counts are there.
func Setup(mux *http.ServeMux) (*sdktrace.TracerProvider, *sdkmetric.MeterProvider, error) {
	registry := prometheus.NewRegistry()
	reader, err := otelprometheus.New(otelprometheus.WithRegisterer(registry))
	if err != nil {
		return nil, nil, err
	}
	meters := sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))

	exp, err := sgpexporter.New(sgpexporter.WithMeterProvider(meters))
	if err != nil {
		return nil, nil, err
	}
	opts := append(sgpexporter.ProcessorOptionsFromEnv(), asyncprocessor.WithMeterProvider(meters))
	proc := asyncprocessor.New(exp, opts...)
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)), meters, nil
}
