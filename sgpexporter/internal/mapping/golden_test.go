package mapping

import (
	"bytes"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

var update = flag.Bool("update", false, "rewrite the golden files; read every line of the difference before it is kept")

// goldenSpan returns a span of an instrumentation, with a parent.
func goldenSpan(name string, kind trace.SpanKind, scope instrumentation.Scope, attrs ...attribute.KeyValue) tracetest.SpanStub {
	s := stub(attrs...)
	s.Name, s.SpanKind, s.InstrumentationScope = name, kind, scope
	s.Parent = spanContext(testTraceID, testParentID, false)
	s.Resource = resource.NewSchemaless(attribute.String("service.name", "assistant"), attribute.String("service.version", "1.4.0"))
	return s
}

// goldens are spans as instrumentations make them, by the file in testdata that
// holds what becomes of them. Those of otelhttp, otelgrpc and otelsql are in
// integration/testdata: there the instrumentations themselves make the spans.
var goldens = map[string]func() *Input{
	// The examples of the GenAI conventions:
	// github.com/open-telemetry/semantic-conventions-genai, docs/gen-ai/non-normative.
	"genai_chat": func() *Input {
		return end(genAIChat(
			attribute.String("gen_ai.input.messages", genAIInput),
			attribute.String("gen_ai.output.messages", genAIOutput)))
	},
	"genai_chat_start": func() *Input {
		return start(goldenSpan("chat gpt-4", trace.SpanKindClient, genAIScope,
			attribute.String("gen_ai.provider.name", "openai"),
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.String("gen_ai.request.model", "gpt-4"),
			attribute.String("server.address", "api.openai.com")))
	},
	"genai_chat_event": func() *Input {
		s := genAIChat()
		s.Events = []sdktrace.Event{{
			Name: "gen_ai.client.inference.operation.details", Time: testStart.Add(900 * time.Millisecond),
			Attributes: append(genAIChat().Attributes,
				attribute.Slice("gen_ai.input.messages",
					attribute.MapValue(attribute.String("role", "user"), attribute.Slice("parts",
						attribute.MapValue(attribute.String("type", "text"), attribute.String("content", "Tell me a joke about OpenTelemetry"))))),
				attribute.Slice("gen_ai.output.messages",
					attribute.MapValue(attribute.String("role", "assistant"), attribute.String("finish_reason", "stop"), attribute.Slice("parts",
						attribute.MapValue(attribute.String("type", "text"), attribute.String("content", "It always knows how to trace the fun!")))))),
		}}
		return end(s)
	},
	"genai_chat_message_events": func() *Input {
		s := goldenSpan("chat gpt-4o", trace.SpanKindClient, genAIScope,
			attribute.String("gen_ai.system", "openai"),
			attribute.String("gen_ai.operation.name", "chat"),
			attribute.Int("gen_ai.usage.prompt_tokens", 18),
			attribute.Int("gen_ai.usage.completion_tokens", 5))
		s.Events = []sdktrace.Event{
			{Name: "gen_ai.user.message", Time: testStart, Attributes: []attribute.KeyValue{
				attribute.String("gen_ai.system", "openai"),
				attribute.String("gen_ai.event.content", `{"role":"user","content":"What's the weather in Paris?"}`)}},
			{Name: "gen_ai.choice", Time: testStart.Add(time.Second), Attributes: []attribute.KeyValue{
				attribute.String("gen_ai.system", "openai"),
				attribute.String("gen_ai.event.content", `{"index":0,"finish_reason":"tool_calls","message":{"tool_calls":[{"id":"call_1","type":"function","function":{"name":"get_weather","arguments":"{\"location\":\"Paris\"}"}}]}}`)}},
		}
		return end(s)
	},
	"genai_execute_tool": func() *Input {
		return end(goldenSpan("execute_tool get_weather", trace.SpanKindInternal, genAIScope,
			attribute.String("gen_ai.operation.name", "execute_tool"),
			attribute.String("gen_ai.tool.name", "get_weather"),
			attribute.String("gen_ai.tool.type", "function"),
			attribute.String("gen_ai.tool.call.id", "call_VSPygqKTWdrhaFErNvMV18Yl"),
			attribute.Map("gen_ai.tool.call.arguments", attribute.String("location", "Paris"), attribute.String("date", "2025-10-01")),
			attribute.String("gen_ai.tool.call.result", `{"temperature_range": {"high": 75, "low": 60}, "conditions": "sunny"}`)))
	},
	"genai_invoke_agent": func() *Input {
		return end(goldenSpan("invoke_agent Math Tutor", trace.SpanKindInternal, genAIScope,
			attribute.String("gen_ai.operation.name", "invoke_agent"),
			attribute.String("gen_ai.provider.name", "openai"),
			attribute.String("gen_ai.agent.name", "Math Tutor"),
			attribute.String("gen_ai.agent.id", "asst_5j66UpCpwteGg4YSxUnt7lPY"),
			attribute.String("gen_ai.conversation.id", "conv_5j66UpCpwteGg4YSxUnt7lPY"),
			attribute.String("gen_ai.system_instructions", `[{"type":"text","content":"You help with math."}]`),
			attribute.String("gen_ai.tool.definitions", `[{"type":"function","name":"multiply"}]`),
			attribute.String("gen_ai.input.messages", `[{"role":"user","parts":[{"type":"text","content":"2*3?"}]}]`),
			attribute.String("gen_ai.output.messages", `[{"role":"assistant","parts":[{"type":"text","content":"6"}],"finish_reason":"stop"}]`),
			attribute.Int("gen_ai.usage.input_tokens", 310),
			attribute.Int("gen_ai.usage.output_tokens", 41)))
	},
	"genai_embeddings_failed": func() *Input {
		s := goldenSpan("embeddings text-embedding-3-small", trace.SpanKindClient, genAIScope,
			attribute.String("gen_ai.operation.name", "embeddings"),
			attribute.String("gen_ai.request.model", "text-embedding-3-small"),
			attribute.StringSlice("gen_ai.request.encoding_formats", []string{"float"}),
			attribute.Int("gen_ai.embeddings.dimension.count", 512),
			attribute.Int("gen_ai.usage.input_tokens", 9),
			attribute.String("error.type", "429"))
		s.Status = sdktrace.Status{Code: codes.Error, Description: "rate limit reached"}
		s.Events = []sdktrace.Event{{Name: "exception", Time: testStart.Add(time.Second), Attributes: []attribute.KeyValue{
			attribute.String("exception.type", "*openai.Error"), attribute.String("exception.message", "POST \"/v1/embeddings\": 429 rate limit reached")}}}
		return end(s)
	},
	"genai_retrieval": func() *Input {
		return end(goldenSpan("retrieval H7STPQYOND", trace.SpanKindClient, genAIScope,
			attribute.String("gen_ai.operation.name", "retrieval"),
			attribute.String("gen_ai.data_source.id", "H7STPQYOND"),
			attribute.String("gen_ai.retrieval.query.text", "What is the capital of France?"),
			attribute.String("gen_ai.retrieval.documents", `[{"id":"doc_123","score":0.95},{"id":"doc_456","score":0.87}]`)))
	},

	// The examples of github.com/Arize-ai/openinference, spec/llm_spans.md and
	// others beside it, flattened as its attributes are.
	"openinference_llm": func() *Input {
		return end(goldenSpan("llm", trace.SpanKindInternal, openInferenceScope,
			attribute.String("openinference.span.kind", "LLM"),
			attribute.String("llm.input_messages.0.message.role", "system"),
			attribute.String("llm.input_messages.0.message.content", "You are a Shakespearean writing assistant."),
			attribute.String("llm.input_messages.1.message.role", "user"),
			attribute.String("llm.input_messages.1.message.content", "what is 23 times 87"),
			attribute.String("llm.model_name", "gpt-3.5-turbo-0613"),
			attribute.String("llm.invocation_parameters", `{"model": "gpt-3.5-turbo-0613", "temperature": 0.1, "max_tokens": null}`),
			attribute.String("output.value", `{"tool_calls": [{"id": "call_Re47Qyh8AggDGEEzlhb4fu7h", "function": {"arguments": "{\n  \"a\": 23,\n  \"b\": 87\n}", "name": "multiply"}, "type": "function"}]}`),
			attribute.String("output.mime_type", "application/json"),
			attribute.String("llm.output_messages.0.message.role", "assistant"),
			attribute.String("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "multiply"),
			attribute.String("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", "{\n  \"a\": 23,\n  \"b\": 87\n}"),
			attribute.Int("llm.token_count.prompt", 229),
			attribute.Int("llm.token_count.completion", 21),
			attribute.Int("llm.token_count.total", 250)))
	},
	"openinference_retriever": func() *Input {
		return end(goldenSpan("query", trace.SpanKindInternal, openInferenceScope,
			attribute.String("openinference.span.kind", "RETRIEVER"),
			attribute.String("input.value", "tell me about postal service"),
			attribute.String("session.id", "26bcd3d2-cad2-443d-a23c-625e47f3324a"),
			attribute.String("retrieval.documents.0.document.id", "6d4e27be-1d6d-4084-a619-351a44834f38"),
			attribute.Float64("retrieval.documents.0.document.score", 0.7711453293100421),
			attribute.String("retrieval.documents.0.document.content", "<document-chunk-1>"),
			attribute.String("retrieval.documents.0.document.metadata", `{"page_label": "7", "file_name": "/data/101.pdf"}`),
			attribute.String("retrieval.documents.1.document.id", "869d9f6d-db9a-43c4-842f-74bd8d505147"),
			attribute.Float64("retrieval.documents.1.document.score", 0.7672439175862021)))
	},
	"openinference_tool": func() *Input {
		return end(goldenSpan("multiply", trace.SpanKindInternal, openInferenceScope,
			attribute.String("openinference.span.kind", "TOOL"),
			attribute.String("input.value", `{"a": 23, "b": 87}`),
			attribute.String("input.mime_type", "application/json"),
			attribute.String("output.value", "2001"),
			attribute.String("tool.name", "multiply"),
			attribute.String("tool.description", "multiply(a: int, b: int) -> int\nMultiple two integers and returns the result integer"),
			attribute.String("tool.parameters", `{"a": "int", "b": "int"}`)))
	},
}

var (
	genAIScope         = instrumentation.Scope{Name: "github.com/example/genai", Version: "v0.3.0", SchemaURL: "https://opentelemetry.io/schemas/1.41.0"}
	openInferenceScope = instrumentation.Scope{Name: "openinference.instrumentation.example"}
)

const (
	genAIInput = `[{"role":"system","parts":[{"type":"text","content":"You are a helpful bot"}]},` +
		`{"role":"user","parts":[{"type":"text","content":"Tell me a joke about OpenTelemetry"}]}]`
	genAIOutput = `[{"role":"assistant","parts":[{"type":"text","content":" Why did the developer bring OpenTelemetry to the party? Because it always knows how to trace the fun!"}]}]`
)

func genAIChat(more ...attribute.KeyValue) tracetest.SpanStub {
	return goldenSpan("chat gpt-4", trace.SpanKindClient, genAIScope, append([]attribute.KeyValue{
		attribute.String("gen_ai.provider.name", "openai"),
		attribute.String("gen_ai.operation.name", "chat"),
		attribute.String("gen_ai.request.model", "gpt-4"),
		attribute.Int("gen_ai.request.max_tokens", 200),
		attribute.Float64("gen_ai.request.top_p", 1.0),
		attribute.String("gen_ai.response.id", "chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l"),
		attribute.String("gen_ai.response.model", "gpt-4-0613"),
		attribute.Int("gen_ai.usage.input_tokens", 52),
		attribute.Int("gen_ai.usage.output_tokens", 47),
		attribute.Int("gen_ai.usage.cache_read.input_tokens", 20),
		attribute.StringSlice("gen_ai.response.finish_reasons", []string{"stop"}),
	}, more...)...)
}

func TestGolden(t *testing.T) {
	for name, snapshot := range goldens {
		t.Run(name, func(t *testing.T) {
			out, _, err := New(Config{AgentName: "joker"}).Append(nil, snapshot())
			require.NoError(t, err)
			accepted(t, string(out))
			var indented bytes.Buffer
			require.NoError(t, json.Indent(&indented, out, "", "  "))
			indented.WriteByte('\n')
			file := filepath.Join("testdata", name+".json")
			if *update {
				require.NoError(t, os.WriteFile(file, indented.Bytes(), 0o644))
			}
			want, err := os.ReadFile(file)
			require.NoError(t, err)
			assert.Equal(t, string(want), indented.String())

			// A hook that changes nothing changes nothing.
			hooked, _, err := New(Config{AgentName: "joker", Hooks: []Hook{func(*sgpspan.Span) bool { return true }}}).Append(nil, snapshot())
			require.NoError(t, err)
			assert.Equal(t, string(out), string(hooked))
		})
	}
}

func TestEveryGoldenFileHasItsSpan(t *testing.T) {
	files, err := filepath.Glob("testdata/*.json")
	require.NoError(t, err)
	require.Len(t, files, len(goldens))
}
