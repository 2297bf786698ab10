package mapping

import (
	"encoding/binary"
	"encoding/json"
	"math"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// source makes spans of what a fuzzer gives it.
type source struct{ data []byte }

func (s *source) byte() byte {
	if len(s.data) == 0 {
		return 0
	}
	b := s.data[0]
	s.data = s.data[1:]
	return b
}

func (s *source) string() string {
	n := min(int(s.byte()), len(s.data))
	text := string(s.data[:n])
	s.data = s.data[n:]
	return text
}

func (s *source) int64() int64 {
	var b [8]byte
	n := copy(b[:], s.data)
	s.data = s.data[n:]
	return int64(binary.LittleEndian.Uint64(b[:]))
}

// keys are those that mean something, and some like them.
var keys = []string{
	"sgp.span.type", "__span_type__", "gen_ai.operation.name", "openinference.span.kind", "gen_ai.conversation.id", "session.id",
	"error.type", "error.message", "rpc.grpc.status_code", "exception.type", "exception.message", "sgp.input", "sgp.output",
	"gen_ai.input.messages", "gen_ai.output.messages", "gen_ai.system_instructions", "gen_ai.tool.call.arguments", "gen_ai.tool.call.result",
	"gen_ai.retrieval.documents", "gen_ai.memory.records", "gen_ai.prompt", "gen_ai.completion", "gen_ai.prompt.0.role", "gen_ai.event.content",
	"input.value", "input.mime_type", "output.value", "output.mime_type", "llm.input_messages.0.message.role",
	"llm.input_messages.1.message.contents.0.message_content.text", "llm.output_messages.0", "llm.output_messages.0.a", "llm.function_call",
	"embedding.embeddings.0.embedding.vector", "gen_ai.usage.input_tokens", "llm.token_count.prompt", "llm.cost.total", "other", "",
	"sgp.usage", "sgp.metadata.a", "sgp.metadata.usage", "sgp.expected", "gen_ai.span.kind", "gen_ai.prompt.0.content", "genkit:output", "genkit:input",
	"braintrust.metrics", "braintrust.input_json", "langsmith.usage_metadata", "gcp.vertex.agent.tool_response", "temporalWorkflowID", "gen_ai.evaluation.name",
	"http.response.status_code", "llm.prompts.0.content",
}

var texts = []string{
	"chat", "invoke_agent", "LLM", "AGENT", "COMPLETION", "application/json", `{"usage":{"input_tokens":1}}`, `[{"a":"\ud800"}]`,
	`{"a":1e999}`, `{"a":[[[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]]}`, `{"a":`, "context canceled", "\x00\xff",
	"turn", "call", "none", `{"usage":{"inputTokens":3},"request":{}}`, `[{"role":"user","content":"x"}]`, `"quoted"`, "<elided>", `{"tokens":7}`, "17",
}

func (s *source) value(depth int) attribute.Value {
	switch s.byte() % 13 {
	case 0:
		return attribute.Value{}
	case 1:
		return attribute.BoolValue(true)
	case 2:
		return attribute.Int64Value(s.int64())
	case 3:
		return attribute.Float64Value(math.Float64frombits(uint64(s.int64())))
	case 4, 5:
		return attribute.StringValue(texts[int(s.byte())%len(texts)])
	case 6:
		return attribute.ByteSliceValue([]byte(s.string()))
	case 7:
		return attribute.StringSliceValue([]string{s.string(), s.string()})
	case 8:
		return attribute.Float64SliceValue([]float64{math.NaN(), float64(s.int64())})
	case 9:
		if depth < 40 {
			return attribute.SliceValue(s.value(depth+1), s.value(depth+1))
		}
	case 10:
		if depth < 40 {
			return attribute.MapValue(attribute.KeyValue{Key: attribute.Key(s.string()), Value: s.value(depth + 1)})
		}
	}
	return attribute.StringValue(s.string())
}

func (s *source) attributes() []attribute.KeyValue {
	var attrs []attribute.KeyValue
	for range s.byte() % 12 {
		key := s.string()
		if i := int(s.byte()); i < 200 {
			key = keys[i%len(keys)]
		}
		attrs = append(attrs, attribute.KeyValue{Key: attribute.Key(key), Value: s.value(0)})
	}
	return attrs
}

func (s *source) span() stubType {
	span := stub(s.attributes()...)
	span.Name = s.string()
	span.SpanKind = trace.SpanKind(s.byte() % 8)
	span.StartTime = time.Unix(s.int64(), s.int64())
	span.EndTime = time.Unix(s.int64(), 0)
	span.Status = sdktrace.Status{Code: codes.Code(s.byte() % 3), Description: s.string()}
	span.Parent = spanContext(testTraceID, trace.SpanID{s.byte()}, s.byte()%2 == 0)
	names := []string{"exception", "gen_ai.choice", "gen_ai.user.message", "gen_ai.client.inference.operation.details", "gen_ai.content.prompt", "x"}
	for range s.byte() % 4 {
		span.Events = append(span.Events, sdktrace.Event{Name: names[int(s.byte())%len(names)], Attributes: s.attributes(), Time: time.Unix(s.int64(), 0)})
	}
	if s.byte()%2 == 0 {
		span.Links = []sdktrace.Link{{SpanContext: spanContext(trace.TraceID{1}, trace.SpanID{1}, true), Attributes: s.attributes()}}
	}
	span.DroppedAttributes = int(s.byte())
	span.InstrumentationScope = instrumentation.Scope{Name: s.string()}
	span.Resource = resource.NewSchemaless(s.attributes()...)
	return span
}

// FuzzAppend holds that whatever a span holds, its item is valid JSON and an SGP
// server stores it, START and END, with any configuration.
func FuzzAppend(f *testing.F) {
	f.Add([]byte("\x05\x00\x0a\x04\x06\x00\x0b\x04\x07\x00\x22\x02\x01\x00\x00\x00\x00\x00\x00\x00\x04name"))
	f.Add([]byte("\x0b\x00\x1c\x04\x00\x00\x1d\x05\x01\x00\x1e\x09\x0a\x01a\x09\x00\x00\x00\x1f\x03\xff\xff\xff\xff\xff\xff\xff\x7f"))
	f.Add([]byte{0, 0, 0, 255, 255, 255, 255, 255, 255, 255, 127, 1, 1, 1, 1, 1, 1, 1, 1, 255, 255, 255, 255, 255, 255, 255, 128})
	f.Fuzz(func(t *testing.T, data []byte) {
		s := (&source{data}).span()
		for _, cfg := range []Config{
			{},
			{IDs: UUIDs, MaxDepth: 3, MaxStringBytes: 20},
			{Hooks: []Hook{sgpspan.RedactSecrets(), sgpspan.RedactEmails(), sgpspan.RedactKeys("gen_ai.*", "a"), sgpspan.RedactLong(10)}},
			{Hooks: []Hook{garbage}},
			{WithoutContent: true, MetadataAttributes: []string{"other", "sgp.usage", "session.id"}},
		} {
			m := New(cfg)
			if len(s.Events) > 0 {
				in := inputAt(PhaseUnfinished, s)
				in.Records = []Record{{EventName: s.Events[0].Name, Attributes: s.Events[0].Attributes, Body: attribute.MapValue(s.Attributes...)}}
				if out, _, err := m.Append(nil, in); err != nil || !json.Valid(out) {
					t.Fatalf("%v: %s", err, out)
				}
			}
			first, _, err := m.Append(nil, start(s))
			if err != nil {
				t.Fatal(err)
			}
			last, _, err := m.Append(first, end(s))
			if err != nil {
				t.Fatal(err)
			}
			last = last[len(first):]
			if !json.Valid(first) || !json.Valid(last) {
				t.Fatalf("not JSON: %s\n%s", first, last)
			}
			// Hooks, and repairs of keys, may make one name of two.
			stored(t, string(first))
			stored(t, string(last))
			got := decode(t, string(last))
			if at(got, "output", "usage") != nil && at(got, "metadata", "usage") != nil {
				t.Fatalf("usage in both places: %s", last)
			}
			for _, place := range []string{"output", "metadata"} {
				if _, ok := at(decode(t, string(first)), place, "usage").(map[string]any); ok && len(cfg.Hooks) == 0 {
					t.Fatalf("usage in a START: %s", first)
				}
			}
			if at(got, "start_timestamp") != at(decode(t, string(first)), "start_timestamp") {
				t.Fatal("START and END differ in start_timestamp")
			}
		}
	})
}

// garbage is a hook that makes a mess of a span.
func garbage(s *sgpspan.Span) bool {
	s.GroupID, s.Type, s.Status, s.ObsTraceID = "\x00"+s.Name, "NOT A TYPE", "WELL", "short"
	s.Input = append(s.Input, sgpspan.Field{Key: "\xff", Value: sgpspan.FloatValue(math.NaN())})
	s.Output = sgpspan.Object{{Value: sgpspan.ObjectValue(&s.Metadata)}}
	s.Metadata.Get("attributes").Object().Set("self", sgpspan.ObjectValue(&s.Metadata))
	return true
}
