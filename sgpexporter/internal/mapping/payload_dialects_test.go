package mapping

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func TestPayloadOfGenkit(t *testing.T) {
	str := attribute.String
	for _, r := range []row{
		{
			name: "the request is the input", attrs: []attribute.KeyValue{str("genkit:input", `{"messages":[1]}`), str("genkit:output", `{"request":{"messages":[1]},"message":2}`)},
			input: `{"messages":[1]}`, output: `{"message":2}`, notes: `["genkit:output.request: left out, says the same as input"]`,
		},
		{
			name: "another request", attrs: []attribute.KeyValue{str("genkit:input", `{"messages":[1]}`), str("genkit:output", `{"request":{"messages":[1,2]},"message":2}`)},
			input: `{"messages":[1]}`, output: `{"request":{"messages":[1,2]},"message":2}`,
		},
		{
			name: "another input", attrs: []attribute.KeyValue{str("sgp.input", `{"a":1}`), str("genkit:input", `{"messages":[1]}`), str("genkit:output", `{"request":{"messages":[1]},"message":2}`)},
			input: `{"a":1}`, output: `{"request":{"messages":[1]},"message":2}`, left: `{"genkit:input":"{\"messages\":[1]}"}`,
		},
		{
			name: "the request alone", attrs: []attribute.KeyValue{str("genkit:output", `{"request":{"messages":[1]},"message":2}`)},
			output: `{"request":{"messages":[1]},"message":2}`,
		},
		{
			name: "text, numbers and nothing", attrs: []attribute.KeyValue{str("genkit:input", `"ask"`), str("genkit:output", `7`)},
			input: `{"value":"ask"}`, output: `{"value":7}`,
		},
		{name: "null", attrs: []attribute.KeyValue{str("genkit:input", `null`)}, left: `{"genkit:input":"null"}`},
		{
			name: "no JSON", attrs: []attribute.KeyValue{str("genkit:input", `{"a`)},
			input: `{"value":"{\"a"}`, notes: `["genkit:input: not valid JSON, kept as text"]`,
		},
	} {
		r.run(t)
	}
}

func TestPayloadOfEino(t *testing.T) {
	str := attribute.String
	kind := str("gen_ai.span.kind", "chatmodel")
	for _, r := range []row{
		{
			name: "messages in contents", attrs: []attribute.KeyValue{
				kind, str("gen_ai.prompt.0.role", "user"), str("gen_ai.prompt.0.content", "hi"), str("gen_ai.prompt.1.role", "user"),
				str("gen_ai.prompt.1.content", `[[{"role":"assistant","tool_calls":[1]}],{"role":"tool"}]`), str("gen_ai.prompt.2.role", "user"), str("gen_ai.prompt.2.content", "bye"),
				str("gen_ai.input", "again"),
			},
			input: `{"messages":[{"content":"hi","role":"user"},{"role":"assistant","tool_calls":[1]},{"role":"tool"},{"content":"bye","role":"user"}]}`,
			left:  `{"gen_ai.span.kind":"chatmodel"}`, notes: `["gen_ai.input: left out, says the same as input.messages"]`,
		},
		{
			name: "what is no message", attrs: []attribute.KeyValue{
				kind, str("gen_ai.prompt.0.content", `{"Messages":[{"role":"user"}]}`), str("gen_ai.prompt.1.content", `"{\"city\":\"Oslo\"}"`), str("gen_ai.prompt.2.content", `"quoted"`),
				str("gen_ai.prompt.3.content", `[1,2]`), str("gen_ai.prompt.4.content", `[{"role":"user"},3]`),
			},
			input: `{"messages":[{"content":{"Messages":[{"role":"user"}]}},{"content":{"city":"Oslo"}},{"content":"quoted"},{"content":"[1,2]"},{"content":[{"role":"user"},3]}]}`,
			left:  `{"gen_ai.span.kind":"chatmodel"}`,
		},
		{
			name: "a tool", attrs: []attribute.KeyValue{
				str("gen_ai.span.kind", "tool"), str("gen_ai.prompt.0.role", "user"), str("gen_ai.prompt.0.content", `"{\"city\":\"Oslo\"}"`), str("gen_ai.completion.0.content", `"7 degrees"`),
			},
			input: `{"arguments":{"city":"Oslo"}}`, output: `{"result":"7 degrees"}`, left: `{"gen_ai.span.kind":"tool"}`,
		},
		{
			name: "JSON with roles that are none of a conversation", attrs: []attribute.KeyValue{
				kind, str("gen_ai.prompt.0.role", "user"), str("gen_ai.prompt.0.content", `[{"role":"admin"},{"role":"viewer"}]`),
			},
			input: `{"messages":[{"content":[{"role":"admin"},{"role":"viewer"}],"role":"user"}]}`, left: `{"gen_ai.span.kind":"chatmodel"}`,
		},
		{
			name: "a tool with two results", attrs: []attribute.KeyValue{str("gen_ai.span.kind", "tool"), str("gen_ai.completion.0.content", "a"), str("gen_ai.completion.1.content", "b")},
			output: `{"messages":[{"content":"a"},{"content":"b"}]}`, left: `{"gen_ai.span.kind":"tool"}`,
		},
		{
			name: "a message that is missing", attrs: []attribute.KeyValue{kind, str("gen_ai.prompt.0.content", "a"), str("gen_ai.prompt.2.content", "c")},
			input: `{"messages":[{"content":"a"},{"content":"c"}]}`, left: `{"gen_ai.span.kind":"chatmodel"}`,
			notes: `["gen_ai.prompt.1: missing, those after it have moved up"]`,
		},
		{
			name: "a quotation that is not Eino's", attrs: []attribute.KeyValue{str("gen_ai.prompt.0.content", `"quoted"`)},
			input: `{"messages":[{"content":"\"quoted\""}]}`,
		},
	} {
		r.run(t)
	}
}

func TestPayloadsThatSayTheSame(t *testing.T) {
	str := attribute.String
	for _, r := range []row{
		{
			name: "tRPC", attrs: []attribute.KeyValue{
				str("gen_ai.input.messages", `[1]`), str("gen_ai.input.messages.otel", `[2]`), str("trpc.go.agent.llm_request", `{"messages":[3]}`), str("gen_ai.request.tool.definitions", `[{"name":"f"}]`),
			},
			input: `{"messages":[1],"tool_definitions":[{"name":"f"}]}`,
			notes: `["gen_ai.input.messages.otel: left out, says the same as input.messages","trpc.go.agent.llm_request: left out, says the same as input.messages"]`,
		},
		{
			name: "and alone", attrs: []attribute.KeyValue{str("trpc.go.agent.llm_request", `{"messages":[3]}`), str("gen_ai.output.messages.otel", `[2]`)},
			input: `{"messages":[3]}`, output: `{"messages":[2]}`,
		},
		{
			name: "two dialects of one call", attrs: []attribute.KeyValue{
				str("gen_ai.input.messages", `[1]`), str("llm.input_messages.0.message.role", "user"), str("llm.tools.0.tool.json_schema", `{"name":"f"}`),
			},
			input: `{"messages":[1],"tools":[{"json_schema":{"name":"f"}}]}`,
			notes: `["llm.input_messages.*: left out, says the same as input.messages"]`,
		},
		{
			name: "LangSmith", attrs: []attribute.KeyValue{
				str("gen_ai.prompt", `{"messages":[{"role":"user"}],"tools":[1]}`), str("gen_ai.completion", "yes"), str("response.content", "yes"),
			},
			input: `{"messages":[{"role":"user"}],"tools":[1]}`, output: `{"completion":"yes"}`,
			notes: `["response.content: left out, says the same as output.completion"]`,
		},
		{
			name: "text of somebody else", attrs: []attribute.KeyValue{str("gen_ai.completion", "yes"), str("response.content", "no")},
			output: `{"completion":"yes"}`, left: `{"response.content":"no"}`,
		},
		{
			name: "a tool of LangSmith", attrs: []attribute.KeyValue{str("gen_ai.operation.name", "execute_tool"), str("gen_ai.prompt", `{"city":"Oslo"}`), str("gen_ai.completion", "7 degrees")},
			input: `{"arguments":{"city":"Oslo"}}`, output: `{"result":"7 degrees"}`, left: `{"gen_ai.operation.name":"execute_tool"}`,
		},
		{
			name: "a tool that says both", attrs: []attribute.KeyValue{str("gen_ai.operation.name", "execute_tool"), str("gen_ai.tool.call.arguments", `[1]`), str("gen_ai.prompt", `{"city":"Oslo"}`)},
			input: `{"arguments":[1],"prompt":{"city":"Oslo"}}`, left: `{"gen_ai.operation.name":"execute_tool"}`,
		},
		{
			name: "Braintrust", attrs: []attribute.KeyValue{str("braintrust.input_json", `"2+2"`), str("braintrust.output_json", `[{"message":{"role":"assistant"}}]`)},
			input: `{"value":"2+2"}`, output: `{"messages":[{"message":{"role":"assistant"}}]}`,
		},
		{
			name: "ADK", attrs: []attribute.KeyValue{str("gcp.vertex.agent.tool_call_args", "N/A"), str("gcp.vertex.agent.tool_response", `{"a":1}`)},
			output: `{"result":{"a":1}}`, left: `{"gcp.vertex.agent.tool_call_args":"N/A"}`,
		},
		{
			name: "OpenLLMetry", attrs: []attribute.KeyValue{
				str("llm.prompts.0.role", "user"), str("llm.prompts.0.content", "hi"), str("llm.completions.0.content", "yes"), str("llm.request.functions.0.parameters", `{"type":"object"}`),
				str("traceloop.entity.input", "again"),
			},
			input: `{"messages":[{"content":"hi","role":"user"}],"tool_definitions":[{"parameters":{"type":"object"}}]}`, output: `{"messages":[{"content":"yes"}]}`,
			notes: `["traceloop.entity.input: left out, says the same as input.messages"]`,
		},
	} {
		r.run(t)
	}
}

// A request that Braintrust's SDK saw refused has no status: the notes say how it looks.
func TestBraintrustRecordsNoRefusal(t *testing.T) {
	str := attribute.String
	const note = `["status: SUCCESS, since no error was recorded; but the call has neither an answer nor usage, and Braintrust records no refusal"]`
	input, waited := str("braintrust.input_json", `"2+2"`), str("braintrust.metrics", `{"time_to_first_token":0.6}`)
	const left = `{"braintrust.metrics":"{\"time_to_first_token\":0.6}"}`
	for _, r := range []row{
		{name: "refused", attrs: []attribute.KeyValue{input, waited}, input: `{"value":"2+2"}`, wantStatus: "SUCCESS", left: left, notes: note},
		{name: "answered", attrs: []attribute.KeyValue{waited, str("braintrust.output_json", `"4"`)}, output: `{"value":"4"}`, wantStatus: "SUCCESS", left: left},
		{name: "failed", attrs: []attribute.KeyValue{waited}, status: sdktrace.Status{Code: codes.Error}, wantStatus: "ERROR", left: left},
		{name: "not a model's call", attrs: []attribute.KeyValue{input}, input: `{"value":"2+2"}`, wantStatus: "SUCCESS"},
	} {
		r.run(t)
	}
}
