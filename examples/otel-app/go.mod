module github.com/otelsgp/otelsgp/examples/otel-app

go 1.26.0

require github.com/otelsgp/otelsgp v0.0.0

replace github.com/otelsgp/otelsgp => ../..
