package sgpexporter_test

import (
	"context"
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// sink takes requests and keeps nothing.
type sink struct{ bytes int64 }

func (s *sink) RoundTrip(req *http.Request) (*http.Response, error) {
	n, err := io.Copy(io.Discard, req.Body)
	s.bytes += n
	_ = req.Body.Close()
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: http.NoBody, Request: req,
	}, err
}

// The attributes of the spans of the benchmark of the whole way, in integration/bench.
var benchAttributes = map[string][]attribute.KeyValue{
	"http": {
		attribute.String("http.request.method", "GET"),
		attribute.String("url.path", "/v1/answer"),
		attribute.Int("http.response.status_code", 200),
		attribute.Bool("cache.hit", true),
		attribute.Float64("score", 0.75),
	},
	"genai": {
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.provider.name", "openai"),
		attribute.String("gen_ai.request.model", "gpt-4o"),
		attribute.Int("gen_ai.usage.input_tokens", 100),
		attribute.Int("gen_ai.usage.output_tokens", 20),
	},
}

// endedBatches returns batches of ENDs of root spans, each with attributes.
func endedBatches(b *testing.B, batches, size int, attributes []attribute.KeyValue) [][]asyncprocessor.Snapshot {
	var ended endedSpans
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(&ended), sdktrace.WithResource(resource.NewSchemaless(
		attribute.String("service.name", "bench"),
		attribute.String("service.version", "1.0.0"),
		attribute.String("deployment.environment.name", "test"),
	)))
	tracer := tp.Tracer("bench")
	all := make([][]asyncprocessor.Snapshot, batches)
	for i := range all {
		ended.spans = nil
		for range size {
			_, span := tracer.Start(b.Context(), "span", trace.WithAttributes(attributes...))
			span.End()
		}
		for _, span := range ended.spans {
			all[i] = append(all[i], asyncprocessor.Snapshot{Phase: asyncprocessor.PhaseEnd, Span: span})
		}
	}
	return all
}

// endedSpans is a processor that keeps what has ended.
type endedSpans struct {
	sdktrace.SpanProcessor
	spans []sdktrace.ReadOnlySpan
}

func (e *endedSpans) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (e *endedSpans) OnEnd(s sdktrace.ReadOnlySpan)                   { e.spans = append(e.spans, s) }

// Calls with 512 small spans, without a network: mapping, encoding and all of the
// exporter's own work. The spans are not in the processor's cache, as those are not that
// come from the queue. Repeat with:
//
//	go test ./sgpexporter -run '^$' -bench ExportSnapshots -benchmem
func BenchmarkExportSnapshots(b *testing.B) {
	const size = 512
	for name, attributes := range benchAttributes {
		for _, compression := range []sgpexporter.Compression{sgpexporter.NoCompression, sgpexporter.GzipCompression} {
			b.Run(name+"/"+compression.String(), func(b *testing.B) {
				target := new(sink)
				exp, err := sgpexporter.New(sgpexporter.WithAPIKey(key), sgpexporter.WithCompression(compression),
					sgpexporter.WithHTTPClient(&http.Client{Transport: target}))
				require.NoError(b, err)
				batches := endedBatches(b, 64, size, attributes)
				b.ReportAllocs()
				for i := 0; b.Loop(); i++ {
					if err := exp.ExportSnapshots(b.Context(), batches[i%len(batches)]); err != nil {
						b.Fatal(err)
					}
				}
				b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/size, "ns/span")
				b.ReportMetric(float64(target.bytes)/float64(b.N)/size, "B/span-sent")
			})
		}
	}
}
