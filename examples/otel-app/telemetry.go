package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"os"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	semconv "go.opentelemetry.io/otel/semconv/v1.43.0"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/delivery"
	"github.com/otelsgp/otelsgp/examples/otel-app/internal/genai"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// The bounds of the embedded SGP server: it runs as long as the service does.
const (
	embeddedMaxSpans = 20_000
	embeddedMaxBytes = 64 << 20
)

// telemetry is the tracing of the service: one provider, one processor, one
// exporter, and the SGP server if there is no account.
type telemetry struct {
	provider  *sdktrace.TracerProvider
	processor *asyncprocessor.Processor
	exporter  *sgpexporter.Exporter
	metrics   *metrics
	// target says where spans go, for people.
	target string
	health delivery.Health

	embedded  *sgptest.Server // nil with SGP_API_KEY
	transport *http.Transport
}

// newTelemetry sets tracing up for a service that listens on addr. delivered is given
// the items of every request that SGP accepted.
func newTelemetry(ctx context.Context, addr net.Addr, delivered func(...json.RawMessage)) (*telemetry, error) {
	res, err := newResource(ctx)
	if err != nil {
		return nil, err
	}
	metrics, err := newMetrics(res)
	if err != nil {
		return nil, err
	}
	t := &telemetry{
		metrics: metrics,
		// Processors that add something to a span go first.
		provider:  sdktrace.NewTracerProvider(sdktrace.WithResource(res), sdktrace.WithSpanProcessor(genai.ConversationProcessor{})),
		transport: http.DefaultTransport.(*http.Transport).Clone(),
	}
	t.transport.MaxIdleConnsPerHost = asyncprocessor.DefaultConcurrency
	options := []sgpexporter.Option{
		sgpexporter.WithMeterProvider(metrics.provider),
		// The exporter's own requests are instrumented with the same provider.
		// That does no harm: the processor ignores the spans of its exporter.
		sgpexporter.WithHTTPClient(&http.Client{Transport: &delivery.Tap{
			Base: otelhttp.NewTransport(t.transport,
				otelhttp.WithTracerProvider(t.provider),
				otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator())),
			Delivered: delivered,
			Health:    &t.health,
		}}),
	}
	t.target = "SGP at " + baseURL()
	if why := whyEmbedded(addr); why != "" {
		t.embedded = sgptest.NewServer(sgptest.WithMaxSpans(embeddedMaxSpans), sgptest.WithMaxBytes(embeddedMaxBytes), sgptest.WithMaxRequests(0))
		t.target = "an embedded SGP server, as " + why
		options = append(options, sgpexporter.WithBaseURL(t.embedded.URL), sgpexporter.WithAPIKey("embedded"))
	}
	if t.exporter, err = sgpexporter.New(options...); err != nil {
		t.close()
		return nil, fmt.Errorf("set the exporter up: %w", err)
	}
	t.processor = asyncprocessor.New(t.exporter,
		append(sgpexporter.ProcessorOptionsFromEnv(), asyncprocessor.WithMeterProvider(metrics.provider))...)
	t.provider.RegisterSpanProcessor(t.processor)
	if t.exporter.Disabled() {
		t.target = "nowhere, as DISABLE_SCALE_TRACING is set"
	}
	return t, nil
}

// whyEmbedded says why the SGP server is an embedded one, or "" if it is not. The
// variables that this program prints for other services may be its own too.
func whyEmbedded(addr net.Addr) string {
	switch own, ok := addr.(*net.TCPAddr); {
	case os.Getenv("SGP_API_KEY") == "":
		return "SGP_API_KEY is not set"
	case ok && isOwn(baseURL(), own):
		return "SGP_CLIENT_BASE_URL is this program's own address"
	}
	return ""
}

// isOwn reports whether a base URL leads to a listener of this process.
func isOwn(base string, own *net.TCPAddr) bool {
	u, err := url.Parse(base)
	if err != nil || u.Port() != strconv.Itoa(own.Port) {
		return false
	}
	if u.Hostname() == "localhost" {
		return own.IP.IsLoopback() || own.IP.IsUnspecified()
	}
	ip := net.ParseIP(u.Hostname())
	return ip.Equal(own.IP) || ip.IsLoopback() && own.IP.IsUnspecified()
}

// baseURL is where SGP is.
func baseURL() string {
	if url := strings.TrimSpace(os.Getenv("SGP_CLIENT_BASE_URL")); url != "" {
		return url
	}
	return sgpexporter.DefaultBaseURL
}

// newResource describes the service. OTEL_SERVICE_NAME and
// OTEL_RESOURCE_ATTRIBUTES go before what is set here.
func newResource(ctx context.Context) (*resource.Resource, error) {
	version := "devel"
	if info, ok := debug.ReadBuildInfo(); ok && info.Main.Version != "" {
		version = info.Main.Version
	}
	res, err := resource.New(ctx,
		resource.WithSchemaURL(semconv.SchemaURL),
		resource.WithAttributes(
			semconv.ServiceName("otel-app"),
			semconv.ServiceVersion(version),
			semconv.ProcessRuntimeName("go"),
			semconv.ProcessRuntimeVersion(runtime.Version()),
		),
		resource.WithTelemetrySDK(),
		resource.WithFromEnv(),
	)
	if err != nil && !errors.Is(err, resource.ErrPartialResource) {
		return nil, fmt.Errorf("describe the service: %w", err)
	}
	return res, nil
}

// shutdown delivers what is left, as long as ctx allows, and ends tracing. The
// error tells of spans that were not delivered.
func (t *telemetry) shutdown(ctx context.Context) error {
	defer t.close()
	err := t.provider.Shutdown(ctx)
	if lost := (*asyncprocessor.ShutdownError)(nil); errors.As(err, &lost) {
		err = errNotDelivered // the processor has said how many and why
	}
	return errors.Join(err, t.metrics.shutdown(ctx))
}

func (t *telemetry) close() {
	t.transport.CloseIdleConnections()
	if t.embedded != nil {
		t.embedded.Close()
	}
}
