package sgpspan

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// The spans of the benchmarks: a chat with a short prompt, with long prose, and
// with long text full of what has to be escaped.
//
//	go test -run '^$' -bench . ./sgpexporter/sgpspan
//
// Next to other encoders they are in integration/bench.
var benchPrompts = []struct{ name, prompt string }{
	{"short", "Tell me a joke about OpenTelemetry\n"},
	{"50KB", strings.Repeat("The quick brown fox jumps over the lazy dog, then back again, and rests.\n", 700)},
	{"50KB_escaped", strings.Repeat("The quick brown fox jumps over the lazy dog, and \"back\" again.\n", 820)},
}

const benchResource = `{"attributes":{"host.name":"web-1","service.name":"checkout","telemetry.sdk.language":"go"}}`

func benchSpan(prompt string) *Span {
	start := time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC)
	resource, _ := JSONValue(benchResource)
	message := Object{{Key: "role", Value: StringValue("user")}, {Key: "content", Value: StringValue(prompt)}}
	attrs := Object{
		{Key: "gen_ai.provider.name", Value: StringValue("openai")},
		{Key: "gen_ai.operation.name", Value: StringValue("chat")},
		{Key: "gen_ai.request.model", Value: StringValue("gpt-4")},
		{Key: "gen_ai.request.max_tokens", Value: IntValue(200)},
		{Key: "gen_ai.request.top_p", Value: FloatValue(0.95)},
		{Key: "gen_ai.request.stream", Value: BoolValue(true)},
		{Key: "gen_ai.response.id", Value: StringValue("chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l")},
		{Key: "gen_ai.response.finish_reasons", Value: AttributeValue(attribute.StringSliceValue([]string{"stop"}))},
	}
	usage := Object{{Key: "input_tokens", Value: IntValue(52)}, {Key: "output_tokens", Value: IntValue(47)}}
	return &Span{
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", ID: "00f067aa0ba902b7", ParentID: "53995c3f42cd8ad8",
		Name: "chat gpt-4", Start: start, End: start.Add(time.Second), Type: TypeCompletion, Status: StatusSuccess,
		ObsTraceID: "4bf92f3577b34da6a3ce929d0e0e4736", ObsSpanID: "00f067aa0ba902b7",
		Input:  Object{{Key: "messages", Value: ArrayValue(&Array{ObjectValue(&message)})}},
		Output: Object{{Key: "usage", Value: ObjectValue(&usage)}},
		Metadata: Object{
			{Key: "__source__", Value: StringValue("otel-go")}, {Key: "attributes", Value: ObjectValue(&attrs)},
			{Key: "kind", Value: StringValue("client")}, {Key: "resource", Value: resource},
		},
	}
}

type benchMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

func BenchmarkAppend(b *testing.B) {
	for _, p := range benchPrompts {
		b.Run(p.name, func(b *testing.B) {
			s := benchSpan(p.prompt)
			dst := s.AppendJSON(nil)
			b.SetBytes(int64(len(dst)))
			b.ReportAllocs()
			for b.Loop() {
				dst = s.AppendJSON(dst[:0])
			}
		})
	}
}

func BenchmarkScanJSON(b *testing.B) {
	for _, p := range benchPrompts {
		b.Run(p.name, func(b *testing.B) {
			text, _ := json.Marshal([]benchMessage{{"user", p.prompt}})
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, ok := scanJSON(string(text)); !ok {
					b.Fatal("not JSON")
				}
			}
		})
	}
}

func BenchmarkRedact(b *testing.B) {
	for name, redact := range map[string]func(*Span) bool{
		"secrets": RedactSecrets(), "emails": RedactEmails(), "keys": RedactKeys("user.*", "password"), "long": RedactLong(1 << 20),
	} {
		for _, p := range benchPrompts {
			b.Run(name+"/"+p.name, func(b *testing.B) {
				s := benchSpan(p.prompt)
				b.ReportAllocs()
				for b.Loop() {
					redact(s)
				}
			})
		}
	}
}
