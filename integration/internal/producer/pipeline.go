package producer

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/propagation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// pipeline is all that one target needs, and the spans that were made for it.
type pipeline struct {
	config    Config
	provider  *sdktrace.TracerProvider
	processor *asyncprocessor.Processor
	tracer    trace.Tracer
	client    *clientSpans

	mu    sync.Mutex
	spans []Span
}

func newPipeline(config Config, target Target, out *reporter) (*pipeline, error) {
	p := &pipeline{config: config, client: new(clientSpans)}
	p.provider = sdktrace.NewTracerProvider(
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", target.Service))),
		sdktrace.WithSpanProcessor(p.client))
	p.tracer = p.provider.Tracer("producer")

	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxIdleConnsPerHost = asyncprocessor.DefaultConcurrency
	var base http.RoundTripper = transport
	if config.Instrumented {
		base = otelhttp.NewTransport(base, otelhttp.WithTracerProvider(p.provider),
			otelhttp.WithPropagators(propagation.NewCompositeTextMapPropagator()))
	}
	exporter, err := sgpexporter.New(
		sgpexporter.WithBaseURL(target.BaseURL), sgpexporter.WithAPIKey(target.APIKey),
		sgpexporter.WithHTTPClient(&http.Client{Transport: &witness{base: base, out: out}}),
		sgpexporter.WithRetry(sgpexporter.RetryConfig{Enabled: true, InitialInterval: config.RetryInitial, MaxInterval: config.RetryMax}),
		sgpexporter.WithSpanHook(func(s *sgpspan.Span) bool {
			if config.NoTraceID != "" && s.Name == config.NoTraceID {
				s.TraceID = ""
			}
			return true
		}))
	if err != nil {
		return nil, err
	}
	p.processor = asyncprocessor.New(exporter, options(config)...)
	p.provider.RegisterSpanProcessor(p.processor)

	if config.OTLP != "" {
		otlp, err := otlptracehttp.New(context.Background(), otlptracehttp.WithEndpointURL(config.OTLP))
		if err != nil {
			return nil, err
		}
		p.provider.RegisterSpanProcessor(sdktrace.NewBatchSpanProcessor(otlp))
	}
	return p, nil
}

// options leaves out what is zero: it would be out of range.
func options(config Config) []asyncprocessor.Option {
	var out []asyncprocessor.Option
	if config.QueueSize > 0 {
		out = append(out, asyncprocessor.WithMaxQueueSize(config.QueueSize))
	}
	if config.BatchSize > 0 {
		out = append(out, asyncprocessor.WithMaxExportBatchSize(config.BatchSize))
	}
	if config.BatchTimeout > 0 {
		out = append(out, asyncprocessor.WithBatchTimeout(config.BatchTimeout))
	}
	if config.Blocking {
		out = append(out, asyncprocessor.WithBlocking())
	}
	return out
}

// shutdown shuts the provider down, within drain.
func (p *pipeline) shutdown(drain time.Duration) Result {
	ctx, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	err := p.provider.Shutdown(ctx)
	result := Result{Stats: p.processor.Stats(), ClientSpans: int(p.client.count.Load())}
	if err != nil {
		result.Shutdown = err.Error()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	result.Spans = p.spans
	return result
}

// trace makes a whole trace.
func (p *pipeline) trace(name string, steps int) { p.begin(name, steps)() }

// begin starts a trace's root, and returns what does the rest of it.
func (p *pipeline) begin(name string, steps int) (finish func()) {
	ctx, root := p.start(context.Background(), name)
	return func() {
		defer root.End()
		for i := range steps {
			ctx, step := p.start(ctx, fmt.Sprintf("%s, step %d", name, i))
			_, part := p.start(ctx, fmt.Sprintf("%s, step %d, part", name, i))
			part.End()
			step.End()
		}
	}
}

func (p *pipeline) start(ctx context.Context, name string) (context.Context, trace.Span) {
	parent := trace.SpanContextFromContext(ctx)
	size := p.config.Payload
	if name == p.config.Bloated {
		size += p.config.BloatedBytes
	}
	ctx, span := p.tracer.Start(ctx, name, trace.WithAttributes(attribute.String("payload", strings.Repeat("x", size))))
	sc := span.SpanContext()
	made := Span{TraceID: sc.TraceID().String(), ID: sc.SpanID().String(), Name: name}
	if parent.IsValid() {
		made.ParentID = parent.SpanID().String()
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	p.spans = append(p.spans, made)
	return ctx, span
}

// clientSpans counts the spans that otelhttp makes.
type clientSpans struct{ count atomic.Int64 }

func (c *clientSpans) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	if s.InstrumentationScope().Name == otelhttp.ScopeName {
		c.count.Add(1)
	}
}
func (c *clientSpans) OnEnd(sdktrace.ReadOnlySpan)      {}
func (c *clientSpans) Shutdown(context.Context) error   { return nil }
func (c *clientSpans) ForceFlush(context.Context) error { return nil }
