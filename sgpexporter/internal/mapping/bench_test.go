package mapping

import (
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

func benchSpan() sdktrace.ReadOnlySpan {
	start := time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC)
	return tracetest.SpanStub{
		Name: "chat gpt-4",
		SpanContext: trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{0x4b, 0xf9, 1}, SpanID: trace.SpanID{1, 2, 3}, TraceFlags: 1,
		}),
		Parent: trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: trace.TraceID{0x4b, 0xf9, 1}, SpanID: trace.SpanID{4, 5, 6}, TraceFlags: 1,
		}),
		SpanKind: trace.SpanKindClient, StartTime: start, EndTime: start.Add(time.Second),
		Attributes: []attribute.KeyValue{
			attribute.String("gen_ai.provider.name", "openai"),
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.String("gen_ai.request.model", "gpt-4"),
			attribute.Int("gen_ai.request.max_tokens", 200),
			attribute.Float64("gen_ai.request.top_p", 1.0),
			attribute.String("gen_ai.response.id", "chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l"),
			attribute.String("gen_ai.response.model", "gpt-4-0613"),
			attribute.Int("gen_ai.usage.input_tokens", 52),
			attribute.Int("gen_ai.usage.output_tokens", 47),
			attribute.StringSlice("gen_ai.response.finish_reasons", []string{"stop"}),
			attribute.String("gen_ai.input.messages", `[{"role":"user","parts":[{"type":"text","content":"Tell me a joke about OpenTelemetry"}]}]`),
			attribute.String("gen_ai.output.messages", `[{"role":"assistant","parts":[{"type":"text","content":"Why did the developer bring OpenTelemetry to the party?"}],"finish_reason":"stop"}]`),
		},
		Resource:             resource.NewSchemaless(attribute.String("service.name", "bench"), attribute.String("host.name", "h")),
		InstrumentationScope: instrumentation.Scope{Name: "github.com/example/genai", Version: "1.0.0"},
	}.Snapshot()
}

func BenchmarkAppend(b *testing.B) {
	m, s := New(Config{}), benchSpan()
	w := m.Writer()
	defer w.Close()
	var in Input
	dst := make([]byte, 0, 1<<16)
	b.ReportAllocs()
	for b.Loop() {
		in.Reset()
		if err := m.FromSpan(&in, PhaseEnd, s); err != nil {
			b.Fatal(err)
		}
		out, _, err := w.Append(dst, &in)
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(out)))
	}
}
