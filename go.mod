module github.com/otelsgp/otelsgp

go 1.26.0

require (
	go.opentelemetry.io/otel v1.47.0
	go.opentelemetry.io/otel/sdk v1.47.0
	go.opentelemetry.io/otel/trace v1.47.0
	go.opentelemetry.io/otel/metric v1.47.0
	github.com/stretchr/testify v1.12.1
	go.uber.org/goleak v1.3.0
	github.com/cenkalti/backoff/v5 v5.0.3
	pgregory.net/rapid v1.3.0
)
