package mapping

import (
	"strings"
	"testing"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func TestPayloadOfTheApplication(t *testing.T) {
	str := attribute.String
	for _, r := range []row{
		{
			name: "JSON objects", attrs: []attribute.KeyValue{str("sgp.input", ` {"a": [1, 2.50], "b": null} `), str("sgp.output", `{}`)},
			input: `{"a":[1,2.50],"b":null}`, output: `{}`,
		},
		{
			name: "maps", attrs: []attribute.KeyValue{attribute.Map("sgp.input", attribute.Int("a", 1)), attribute.Map("sgp.output", attribute.Slice("b"))},
			input: `{"a":1}`, output: `{"b":[]}`,
		},
		{
			name: "text and numbers", attrs: []attribute.KeyValue{str("sgp.input", "hello"), attribute.Int("sgp.output", 7)},
			input: `{"value":"hello"}`, output: `{"value":7}`,
		},
		{
			name: "arrays", attrs: []attribute.KeyValue{str("sgp.input", `[1]`), attribute.StringSlice("sgp.output", []string{"x"})},
			input: `{"value":[1]}`, output: `{"value":["x"]}`,
		},
		{
			name: "JSON that is not JSON", attrs: []attribute.KeyValue{str("sgp.input", `{"a":1`), str("sgp.output", `[1,]`)},
			input: `{"value":"{\"a\":1"}`, output: `{"value":"[1,]"}`,
			notes: `["sgp.input: not valid JSON, kept as text","sgp.output: not valid JSON, kept as text"]`,
		},
		{
			name: "before all else", attrs: []attribute.KeyValue{
				str("gen_ai.input.messages", "[]"), str("input.value", "x"), str("llm.input_messages.0.message.role", "user"), str("sgp.input", `{"mine":true}`),
			},
			input: `{"mine":true}`,
			left:  `{"gen_ai.input.messages":"[]","input.value":"x","llm.input_messages.0.message.role":"user"}`,
		},
		{
			name: "one side of it", attrs: []attribute.KeyValue{str("sgp.input", `{"mine":true}`), str("gen_ai.output.messages", `[]`)},
			input: `{"mine":true}`, output: `{"messages":[]}`,
		},
		{
			name: "NUL inside", attrs: []attribute.KeyValue{str("sgp.input", `{"a":"x\u0000","b":[1]}`)},
			input: `{"a":"x�","b":[1]}`, notes: `["input.a: had NUL or bytes that are not UTF-8, replaced by U+FFFD"]`,
		},
	} {
		r.run(t)
	}
}

func TestPayloadOfGenAI(t *testing.T) {
	str := attribute.String
	const messages = `[{"role":"user","parts":[{"type":"text","content":"Weather in Paris?"}]}]`
	structured := attribute.SliceValue(attribute.MapValue(
		str("role", "user"), attribute.Slice("parts", attribute.MapValue(str("type", "text"), str("content", "Weather in Paris?")))))
	for _, r := range []row{
		{
			name: "messages as text", attrs: []attribute.KeyValue{
				str("gen_ai.input.messages", messages), str("gen_ai.output.messages", messages),
				str("gen_ai.system_instructions", `[{"type":"text","content":"Be kind"}]`), str("gen_ai.tool.definitions", `[{"type":"function","name":"f"}]`),
			},
			input:  `{"system_instructions":[{"type":"text","content":"Be kind"}],"messages":` + messages + `,"tool_definitions":[{"type":"function","name":"f"}]}`,
			output: `{"messages":` + messages + `}`,
		},
		{
			name: "messages as values", attrs: []attribute.KeyValue{
				{Key: "gen_ai.input.messages", Value: structured}, {Key: "gen_ai.output.messages", Value: structured},
			},
			input: `{"messages":` + messages + `}`, output: `{"messages":` + messages + `}`,
		},
		{
			name: "messages that are no JSON", attrs: []attribute.KeyValue{str("gen_ai.input.messages", `[{"role":"user","par`), str("gen_ai.output.messages", `hello`)},
			input: `{"messages":"[{\"role\":\"user\",\"par"}`, output: `{"messages":"hello"}`,
			notes: `["gen_ai.input.messages: not valid JSON, kept as text","gen_ai.output.messages: not valid JSON, kept as text"]`,
		},
		{
			name: "system instructions that are no JSON", attrs: []attribute.KeyValue{str("gen_ai.system_instructions", "Be kind.")},
			input: `{"system_instructions":"Be kind."}`,
		},
		{
			name: "tool call", attrs: []attribute.KeyValue{str("gen_ai.tool.call.arguments", `{"location":"Paris"}`), str("gen_ai.tool.call.result", `rainy, 57°F`)},
			input: `{"arguments":{"location":"Paris"}}`, output: `{"result":"rainy, 57°F"}`,
		},
		{
			name: "tool call as values", attrs: []attribute.KeyValue{attribute.Map("gen_ai.tool.call.arguments", str("location", "Paris")), attribute.Float64("gen_ai.tool.call.result", 57)},
			input: `{"arguments":{"location":"Paris"}}`, output: `{"result":57}`,
		},
		{
			name: "retrieval", attrs: []attribute.KeyValue{str("gen_ai.retrieval.query.text", "capital of France"), str("gen_ai.retrieval.documents", `[{"id":"doc_123","score":0.95}]`)},
			input: `{"query":"capital of France"}`, output: `{"documents":[{"id":"doc_123","score":0.95}]}`,
		},
		{
			name: "memory searched", attrs: []attribute.KeyValue{str("gen_ai.operation.name", "search_memory"), str("gen_ai.memory.query.text", "likes"), str("gen_ai.memory.records", `[{"id":"m"}]`)},
			input: `{"query":"likes"}`, output: `{"records":[{"id":"m"}]}`, left: `{"gen_ai.operation.name":"search_memory"}`,
		},
		{
			name: "memory written", attrs: []attribute.KeyValue{str("gen_ai.operation.name", "upsert_memory"), str("gen_ai.memory.records", `[{"id":"m"}]`)},
			input: `{"records":[{"id":"m"}]}`, left: `{"gen_ai.operation.name":"upsert_memory"}`,
		},
		{
			name: "older prompt and completion, text", attrs: []attribute.KeyValue{str("gen_ai.prompt", "Say hi"), str("gen_ai.completion", "hi")},
			input: `{"prompt":"Say hi"}`, output: `{"completion":"hi"}`,
		},
		{
			name: "older prompt and completion, messages", attrs: []attribute.KeyValue{str("gen_ai.prompt", `[{"role":"user"}]`), str("gen_ai.completion", `[{"role":"assistant"}]`)},
			input: `{"messages":[{"role":"user"}]}`, output: `{"messages":[{"role":"assistant"}]}`,
		},
		{
			name: "older prompt says the same again", attrs: []attribute.KeyValue{str("gen_ai.prompt", "old"), str("gen_ai.input.messages", "[1]")},
			input: `{"messages":[1]}`, notes: `["gen_ai.prompt: left out, says the same as input.messages"]`,
		},
		{
			name: "flattened", attrs: []attribute.KeyValue{
				str("gen_ai.prompt.0.role", "user"), str("gen_ai.prompt.0.content", "hi"), str("gen_ai.completion.0.role", "assistant"), str("gen_ai.completion.0.finish_reason", "stop"),
			},
			input: `{"messages":[{"role":"user","content":"hi"}]}`, output: `{"messages":[{"role":"assistant","finish_reason":"stop"}]}`,
		},
		{
			name: "before OpenInference", attrs: []attribute.KeyValue{str("input.value", "x"), str("gen_ai.input.messages", "[1]")},
			input: `{"messages":[1]}`, notes: `["input.value: left out, says the same as input.messages"]`,
		},
		{
			name: "event with the operation's details",
			events: []sdktrace.Event{{Name: "gen_ai.client.inference.operation.details", Attributes: []attribute.KeyValue{
				{Key: "gen_ai.input.messages", Value: structured}, str("gen_ai.output.messages", messages), str("gen_ai.system_instructions", "[]"), str("gen_ai.request.model", "m"),
			}}},
			input: `{"system_instructions":[],"messages":` + messages + `}`, output: `{"messages":` + messages + `}`,
			leftEvents: `[{"name":"gen_ai.client.inference.operation.details","attributes":{"gen_ai.request.model":"m"}}]`,
		},
		{
			name: "span and event say the same", attrs: []attribute.KeyValue{str("gen_ai.input.messages", messages), str("gen_ai.output.messages", "[1]")},
			events: []sdktrace.Event{{Name: "gen_ai.client.inference.operation.details", Attributes: []attribute.KeyValue{
				str("gen_ai.input.messages", messages), str("gen_ai.output.messages", "[2]"),
			}}},
			input: `{"messages":` + messages + `}`, output: `{"messages":[1]}`,
			leftEvents: `[{"name":"gen_ai.client.inference.operation.details","attributes":{"gen_ai.output.messages":"[2]"}}]`,
		},
		{
			name: "events with prompt and completion",
			events: []sdktrace.Event{
				{Name: "gen_ai.content.prompt", Attributes: []attribute.KeyValue{str("gen_ai.prompt", `[{"role":"user","content":"hi"}]`)}},
				{Name: "gen_ai.content.completion", Attributes: []attribute.KeyValue{str("gen_ai.completion", "hello"), attribute.Int("n", 1)}},
			},
			input: `{"messages":[{"role":"user","content":"hi"}]}`, output: `{"completion":"hello"}`,
			leftEvents: `[{"name":"gen_ai.content.prompt"},{"name":"gen_ai.content.completion","attributes":{"n":1}}]`,
		},
		{
			name:       "an event of another kind",
			events:     []sdktrace.Event{{Name: "log", Attributes: []attribute.KeyValue{str("gen_ai.prompt", "x"), str("sgp.input", "y")}}},
			leftEvents: `[{"name":"log","attributes":{"gen_ai.prompt":"x","sgp.input":"y"}}]`,
		},
		{
			name: "events with messages",
			events: []sdktrace.Event{
				{Name: "gen_ai.system.message", Attributes: []attribute.KeyValue{str("gen_ai.system", "openai"), str("content", "Be kind")}},
				{Name: "gen_ai.user.message", Attributes: []attribute.KeyValue{str("gen_ai.event.content", `{"content":"hi","name":"Ann"}`)}},
				{Name: "gen_ai.assistant.message", Attributes: []attribute.KeyValue{str("tool_calls", `[{"id":"call_1"}]`)}},
				{Name: "gen_ai.tool.message", Attributes: []attribute.KeyValue{str("id", "call_1"), attribute.Map("content", attribute.Int("deg", 57))}},
				{Name: "gen_ai.user.message", Attributes: []attribute.KeyValue{str("role", "customer"), str("gen_ai.event.content", "plain")}},
				{Name: "gen_ai.choice", Attributes: []attribute.KeyValue{attribute.Int("index", 0), str("finish_reason", "stop"), str("message", `{"content":"57"}`)}},
			},
			input: `{"messages":[{"role":"system","content":"Be kind"},{"role":"user","content":"hi","name":"Ann"},
				{"role":"assistant","tool_calls":[{"id":"call_1"}]},{"role":"tool","id":"call_1","content":{"deg":57}},{"role":"customer","content":"plain"}]}`,
			output: `{"messages":[{"role":"assistant","index":0,"finish_reason":"stop","message":{"content":"57"}}]}`,
			leftEvents: `[{"name":"gen_ai.system.message","attributes":{"gen_ai.system":"openai"}},{"name":"gen_ai.user.message"},
				{"name":"gen_ai.assistant.message"},{"name":"gen_ai.tool.message"},{"name":"gen_ai.user.message"},{"name":"gen_ai.choice"}]`,
		},
		{
			name: "events with messages stand back", attrs: []attribute.KeyValue{str("gen_ai.input.messages", "[1]")},
			events: []sdktrace.Event{{Name: "gen_ai.user.message", Attributes: []attribute.KeyValue{str("content", "hi")}}},
			input:  `{"messages":[1]}`, leftEvents: `[{"name":"gen_ai.user.message","attributes":{"content":"hi"}}]`,
		},
		{
			name: "messages that are none hide no payload", attrs: []attribute.KeyValue{
				str("gen_ai.input.messages", "[]"), str("input.value", "x"), str("gen_ai.output.messages", ""), str("output.value", "y"),
			},
			input: `{"value":"x"}`, output: `{"value":"y"}`, left: `{"gen_ai.input.messages":"[]","gen_ai.output.messages":""}`,
		},
		{
			name: "messages that are none hide no list", attrs: []attribute.KeyValue{
				str("gen_ai.input.messages", " null "), str("llm.input_messages.0.message.content", "hi"), attribute.Slice("gen_ai.output.messages"), str("gen_ai.completion.0.content", "yes"),
			},
			input: `{"messages":[{"content":"hi"}]}`, output: `{"messages":[{"content":"yes"}]}`, left: `{"gen_ai.input.messages":" null ","gen_ai.output.messages":[]}`,
		},
		{
			name: "messages that are none hide no events", attrs: []attribute.KeyValue{str("gen_ai.input.messages", "[]")},
			events: []sdktrace.Event{{Name: "gen_ai.user.message", Attributes: []attribute.KeyValue{str("content", "hi")}}},
			input:  `{"messages":[{"role":"user","content":"hi"}]}`, left: `{"gen_ai.input.messages":"[]"}`, leftEvents: `[{"name":"gen_ai.user.message"}]`,
		},
		{
			name: "a user's message in JSON with roles", attrs: []attribute.KeyValue{
				str("gen_ai.prompt.0.role", "user"), str("gen_ai.prompt.0.content", `{"role":"user","email":"a@b"}`),
				str("gen_ai.prompt.1.role", "user"), str("gen_ai.prompt.1.content", `[{"role":"admin"},{"role":"viewer"}]`),
			},
			input: `{"messages":[{"role":"user","content":"{\"role\":\"user\",\"email\":\"a@b\"}"},{"role":"user","content":"[{\"role\":\"admin\"},{\"role\":\"viewer\"}]"}]}`,
		},
	} {
		r.run(t)
	}
}

func TestPayloadOfOpenInference(t *testing.T) {
	str := attribute.String
	for _, r := range []row{
		{
			name: "JSON object by its type", attrs: []attribute.KeyValue{
				str("input.value", `{"query":"x"}`), str("input.mime_type", "application/json"), str("output.value", `"just a string"`), str("output.mime_type", "Application/JSON; charset=utf-8"),
			},
			input: `{"query":"x"}`, output: `{"value":"just a string"}`,
		},
		{
			name: "no type", attrs: []attribute.KeyValue{str("input.value", `{"query":"x"}`), str("output.value", `"just a string"`)},
			input: `{"query":"x"}`, output: `{"value":"\"just a string\""}`,
		},
		{
			name: "plain text that looks like JSON", attrs: []attribute.KeyValue{str("input.value", `{"query":"x"}`), str("input.mime_type", "text/plain"), str("output.value", "fine")},
			input: `{"value":"{\"query\":\"x\"}"}`, output: `{"value":"fine"}`,
		},
		{
			name: "JSON that is not JSON", attrs: []attribute.KeyValue{str("input.value", `{'query': 'x'}`), str("output.value", "True"), str("output.mime_type", "application/json")},
			input: `{"value":"{'query': 'x'}"}`, output: `{"value":"True"}`,
			notes: `["input.value: not valid JSON, kept as text","output.value: not valid JSON, kept as text"]`,
		},
		{
			name: "another type", attrs: []attribute.KeyValue{str("input.value", `<a/>`), str("input.mime_type", "application/xml")},
			input: `{"value":"<a/>","mime_type":"application/xml"}`,
		},
		{
			name: "a map, and a type alone", attrs: []attribute.KeyValue{attribute.Map("input.value", attribute.Int("a", 1)), str("output.mime_type", "text/plain")},
			input: `{"a":1}`, left: `{"output.mime_type":"text/plain"}`,
		},
		{
			name: "flattened messages", attrs: []attribute.KeyValue{
				str("llm.input_messages.10.message.content", "eleventh"), str("llm.input_messages.2.message.content", "third"),
				str("llm.input_messages.0.message.role", "system"), str("llm.input_messages.0.message.content", "Be kind"),
				str("llm.input_messages.1.message.role", "user"),
				str("llm.input_messages.1.message.contents.0.message_content.type", "text"), str("llm.input_messages.1.message.contents.0.message_content.text", "What is this?"),
				str("llm.input_messages.1.message.contents.1.message_content.type", "image"), str("llm.input_messages.1.message.contents.1.message_content.image.image.url", "https://x/y.png"),
				str("llm.output_messages.0.message.role", "assistant"),
				str("llm.output_messages.0.message.tool_calls.0.tool_call.id", "call_1"), str("llm.output_messages.0.message.tool_calls.0.tool_call.function.name", "f"),
				str("llm.output_messages.0.message.tool_calls.0.tool_call.function.arguments", `{"a":1}`),
				str("llm.output_messages.0.message.tool_calls.1.tool_call.function.name", "g"),
			},
			input: `{"messages":[{"role":"system","content":"Be kind"},
				{"role":"user","contents":[{"type":"text","text":"What is this?"},{"type":"image","image":{"url":"https://x/y.png"}}]},
				{"content":"third"},{"content":"eleventh"}]}`,
			output: `{"messages":[{"role":"assistant","tool_calls":[{"id":"call_1","function":{"name":"f","arguments":"{\"a\":1}"}},{"function":{"name":"g"}}]}]}`,
			notes:  `["llm.input_messages.3: missing, those after it have moved up"]`,
		},
		{
			name: "messages and value", attrs: []attribute.KeyValue{str("llm.input_messages.0.message.role", "user"), str("input.value", `{"messages":[1]}`), str("input.mime_type", "application/json")},
			input: `{"messages":[{"role":"user"}]}`,
			notes: `["input.value: left out, says the same as input.messages"]`,
		},
		{
			name: "prompts, choices, tools", attrs: []attribute.KeyValue{
				str("llm.prompts.0.prompt.text", "def fib(n):"), str("llm.choices.0.completion.text", " return n"), str("llm.tools.0.tool.name", "f"), str("llm.function_call", `{"name":"f"}`),
			},
			input: `{"prompts":[{"text":"def fib(n):"}],"tools":[{"name":"f"}]}`, output: `{"choices":[{"text":" return n"}],"function_call":{"name":"f"}}`,
		},
		{
			name: "retrieved documents", attrs: []attribute.KeyValue{
				str("input.value", "why?"), str("retrieval.documents.0.document.id", "1"), attribute.Float64("retrieval.documents.0.document.score", 0.9),
				str("retrieval.documents.0.document.content", "because"), str("retrieval.documents.1.document.metadata", `{"author":"x"}`),
			},
			input: `{"value":"why?"}`, output: `{"documents":[{"id":"1","score":0.9,"content":"because"},{"metadata":"{\"author\":\"x\"}"}]}`,
		},
		{
			name: "reranked documents", attrs: []attribute.KeyValue{
				str("reranker.query", "why?"), str("reranker.input_documents.0.document.id", "1"), str("reranker.output_documents.0.document.id", "2"), attribute.Int("reranker.top_k", 3),
			},
			input: `{"documents":[{"id":"1"}],"query":"why?"}`, output: `{"documents":[{"id":"2"}]}`, left: `{"reranker.top_k":3}`,
		},
		{
			name: "embeddings", attrs: []attribute.KeyValue{
				str("embedding.embeddings.0.embedding.text", "hello"), attribute.Float64Slice("embedding.embeddings.0.embedding.vector", []float64{0.1, 0.2}), str("embedding.model_name", "m"),
			},
			input: `{"embeddings":[{"text":"hello"}]}`, output: `{"embeddings":[{"vector":[0.1,0.2]}]}`, left: `{"embedding.model_name":"m"}`,
		},
		{
			name: "images and documents", attrs: []attribute.KeyValue{
				str("input.images.0.image.url", "https://x/a.png"), str("input.documents.0.document.content", "in"),
				str("output.images.0.image.url", "https://x/b.png"), str("output.documents.0.document.content", "out"),
			},
			input: `{"images":[{"url":"https://x/a.png"}],"documents":[{"content":"in"}]}`, output: `{"images":[{"url":"https://x/b.png"}],"documents":[{"content":"out"}]}`,
		},
		{
			name: "two lists for one place", attrs: []attribute.KeyValue{str("retrieval.documents.0.document.id", "1"), str("output.documents.0.document.id", "2")},
			output: `{"documents":[{"id":"1"}]}`, left: `{"output.documents.0.document.id":"2"}`,
		},
		{
			name: "a key that is a value and a prefix", attrs: []attribute.KeyValue{
				str("llm.tools.0", "whole"), str("llm.tools.0.tool.text", "t"), str("llm.choices.0", "scalar"), str("llm.choices.01", "other"),
			},
			input: `{"tools":[{"text":"t","value":"whole"}]}`, output: `{"choices":["scalar","other"]}`,
		},
		{
			name: "a key that is a value and the prefix of a list, or of a value", attrs: []attribute.KeyValue{
				str("llm.tools.0", "whole"), str("llm.tools.0.0", "first"), str("llm.choices.0", "whole"), str("llm.choices.0.value", "part"),
			},
			input: `{"tools":[["first","whole"]]}`, output: `{"choices":[{"value":"part","llm.choices.0":"whole"}]}`,
		},
		{
			name: "not flattened", attrs: []attribute.KeyValue{str("llm.input_messages", "x"), str("llm.input_messages.", "y"), str("llm.input_messages.first", "z"), str("retrieval.documents.count", "2")},
			left: `{"llm.input_messages":"x","llm.input_messages.":"y","llm.input_messages.first":"z","retrieval.documents.count":"2"}`,
		},
		{
			name: "an index and words", attrs: []attribute.KeyValue{str("llm.input_messages.0.message.role", "user"), str("llm.input_messages.0x.role", "odd")},
			input: `{"messages":{"0":{"role":"user"},"0x":{"role":"odd"}}}`,
		},
	} {
		r.run(t)
	}
}

func TestLongPromptIsWhole(t *testing.T) {
	prompt := strings.Repeat("line with \"quotes\"\n", 5000)
	got := item(t, Config{}, end(stub(attribute.String("sgp.input", prompt))))
	if at(got, "input", "value") != prompt {
		t.Fatal("the prompt is not what it was")
	}
}
