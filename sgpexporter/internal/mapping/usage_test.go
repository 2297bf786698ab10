package mapping

import (
	"math"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func TestUsage(t *testing.T) {
	str, num := attribute.String, attribute.Int
	genAI := []attribute.KeyValue{
		num("gen_ai.usage.input_tokens", 10), num("gen_ai.usage.output_tokens", 20), num("gen_ai.usage.cache_read.input_tokens", 3),
		num("gen_ai.usage.reasoning.output_tokens", 4), num("gen_ai.usage.total_tokens", 30), attribute.Float64("gen_ai.usage.cost", 0.5),
	}
	const genAIUsage = `{"input_tokens":10,"output_tokens":20,"cached_input_tokens":3,"reasoning_tokens":4,"total_tokens":30,"cost_usd":0.5}`
	openInference := []attribute.KeyValue{
		num("llm.token_count.prompt", 11), num("llm.token_count.completion", 21), num("llm.token_count.total", 32),
		num("llm.token_count.prompt_details.cache_read", 5), num("llm.token_count.completion_details.reasoning", 6), attribute.Float64("llm.cost.total", 0.0066),
	}
	const openInferenceUsage = `{"input_tokens":11,"output_tokens":21,"cached_input_tokens":5,"reasoning_tokens":6,"total_tokens":32,"cost_usd":0.0066}`
	with := func(kv attribute.KeyValue, more ...attribute.KeyValue) []attribute.KeyValue {
		return append([]attribute.KeyValue{kv}, more...)
	}
	for _, operation := range []string{"chat", "embeddings", "invoke_agent", "execute_tool", "retrieval"} {
		row{
			name: operation, attrs: with(str("gen_ai.operation.name", operation), genAI...),
			output: `{"usage":` + genAIUsage + `}`, left: `{"gen_ai.operation.name":"` + operation + `"}`,
		}.run(t)
	}
	for _, kind := range []string{"LLM", "EMBEDDING", "AGENT"} {
		row{
			name: kind, attrs: with(str("openinference.span.kind", kind), openInference...),
			output: `{"usage":` + openInferenceUsage + `}`, left: `{"openinference.span.kind":"` + kind + `"}`,
		}.run(t)
	}
	for _, r := range []row{
		{name: "nothing known", attrs: genAI, output: `{"usage":` + genAIUsage + `}`},
		{
			name: "older names", attrs: []attribute.KeyValue{num("gen_ai.usage.prompt_tokens", 1), num("gen_ai.usage.completion_tokens", 2), num("gen_ai.usage.cache_read_input_tokens", 3)},
			output: `{"usage":{"input_tokens":1,"output_tokens":2,"cached_input_tokens":3}}`,
		},
		{
			name:   "one spelling of several",
			attrs:  []attribute.KeyValue{num("llm.token_count.prompt", 3), num("gen_ai.usage.prompt_tokens", 2), num("gen_ai.usage.input_tokens", 1)},
			output: `{"usage":{"input_tokens":1}}`,
			left:   `{"llm.token_count.prompt":3,"gen_ai.usage.prompt_tokens":2}`,
		},
		{
			name: "OpenLLMetry", attrs: []attribute.KeyValue{num("llm.usage.prompt_tokens", 1), num("llm.usage.completion_tokens", 2), num("llm.usage.total_tokens", 3)},
			output: `{"usage":{"input_tokens":1,"output_tokens":2,"total_tokens":3}}`,
		},
		{
			name: "tRPC", attrs: []attribute.KeyValue{num("gen_ai.usage.input_tokens", 1), num("gen_ai.usage.input_tokens.cached", 2), num("gen_ai.usage.input_tokens.cache_read", 3)},
			output: `{"usage":{"input_tokens":1,"cached_input_tokens":2}}`, left: `{"gen_ai.usage.input_tokens.cache_read":3}`,
		},
		{
			name: "LangSmith", attrs: []attribute.KeyValue{
				num("gen_ai.usage.input_tokens", 120), str("langsmith.usage_metadata", `{"input_token_details":{"cache_read":64},"input_tokens":1,"output_token_details":{"reasoning":5},"output_tokens":18}`),
			},
			output: `{"usage":{"input_tokens":120,"output_tokens":18,"cached_input_tokens":64,"reasoning_tokens":5}}`,
			left:   `{"langsmith.usage_metadata":"{\"input_token_details\":{\"cache_read\":64},\"input_tokens\":1,\"output_token_details\":{\"reasoning\":5},\"output_tokens\":18}"}`,
		},
		{
			name: "LangSmith, by tier", attrs: []attribute.KeyValue{
				str("langsmith.usage_metadata", `{"input_tokens":300,"input_token_details":{"flex_long_context_cache_read":50,"flex_long_context":250},"output_tokens":10,"output_token_details":{"flex_long_context_reasoning":2,"flex_long_context":8}}`),
			},
			output: `{"usage":{"input_tokens":300,"output_tokens":10,"cached_input_tokens":50,"reasoning_tokens":2}}`,
			left:   `{"langsmith.usage_metadata":"{\"input_tokens\":300,\"input_token_details\":{\"flex_long_context_cache_read\":50,\"flex_long_context\":250},\"output_tokens\":10,\"output_token_details\":{\"flex_long_context_reasoning\":2,\"flex_long_context\":8}}"}`,
		},
		{
			name: "LangSmith, Gemini's tier", attrs: []attribute.KeyValue{
				str("langsmith.usage_metadata", `{"input_tokens":300000,"input_token_details":{"cache_read_over_200k":50,"over_200k":299950}}`), num("gen_ai.usage.details.reasoning_tokens", 2),
			},
			output: `{"usage":{"input_tokens":300000,"cached_input_tokens":50,"reasoning_tokens":2}}`,
			left:   `{"langsmith.usage_metadata":"{\"input_tokens\":300000,\"input_token_details\":{\"cache_read_over_200k\":50,\"over_200k\":299950}}"}`,
		},
		{
			name: "text that is a number", attrs: []attribute.KeyValue{str("gen_ai.usage.input_tokens", "10"), str("gen_ai.usage.cost", " 0.5 "), str("gen_ai.usage.output_tokens", "many")},
			output: `{"usage":{"input_tokens":10,"cost_usd":0.5}}`, left: `{"gen_ai.usage.output_tokens":"many"}`,
			notes: `["gen_ai.usage.input_tokens: text, counted as the number that it spells","gen_ai.usage.cost: text, counted as the number that it spells"]`,
		},
		{
			name: "no counts", attrs: []attribute.KeyValue{num("gen_ai.usage.output_tokens", -1), attribute.Float64("gen_ai.usage.cost", math.Inf(1)), str("llm.cost.total", "NaN")},
			left:  `{"gen_ai.usage.output_tokens":-1,"gen_ai.usage.cost":"Infinity","llm.cost.total":"NaN"}`,
			notes: `["metadata.attributes.gen_ai.usage.cost: number that JSON does not have, kept as a string"]`,
		},
		{
			name: "zero is no usage", attrs: []attribute.KeyValue{num("gen_ai.usage.input_tokens", 0), num("gen_ai.usage.output_tokens", 0)},
			left: `{"gen_ai.usage.input_tokens":0,"gen_ai.usage.output_tokens":0}`,
		},
		{
			name: "zero beside another count", attrs: []attribute.KeyValue{num("gen_ai.usage.input_tokens", 1), num("gen_ai.usage.output_tokens", 0)},
			output: `{"usage":{"input_tokens":1,"output_tokens":0}}`,
		},
		{name: "not billed", attrs: []attribute.KeyValue{num("gen_ai.usage.cache_creation.input_tokens", 5)}, left: `{"gen_ai.usage.cache_creation.input_tokens":5}`},
		{
			name: "a payload has its own", attrs: []attribute.KeyValue{str("output.value", `{"id":"x","usage":{"prompt_tokens":1}}`), num("llm.token_count.prompt", 1)},
			output: `{"id":"x","reported_usage":{"prompt_tokens":1},"usage":{"input_tokens":1}}`,
		},
		{
			name: "a payload alone has it", attrs: []attribute.KeyValue{str("output.value", `{"id":"x","usage":{"prompt_tokens":1}}`)},
			output: `{"id":"x","usage":{"input_tokens":1}}`,
		},
		{
			name: "a payload says more of it", attrs: []attribute.KeyValue{str("sgp.output", `{"usage":{"prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":2},"tier":"x"}}`)},
			output: `{"reported_usage":{"tier":"x"},"usage":{"input_tokens":3,"cached_input_tokens":2}}`,
		},
		{
			name: "details say more of it", attrs: []attribute.KeyValue{str("sgp.output", `{"usage":{"prompt_tokens":3,"prompt_tokens_details":{"cached_tokens":2,"audio_tokens":1}}}`)},
			output: `{"reported_usage":{"prompt_tokens_details":{"cached_tokens":2,"audio_tokens":1}},"usage":{"input_tokens":3,"cached_input_tokens":2}}`,
		},
		{
			name: "a payload is nothing else", attrs: []attribute.KeyValue{attribute.Map("output.value", attribute.Map("usage", num("input_tokens", 1)))},
			output: `{"usage":{"input_tokens":1}}`,
		},
		{
			name: "a payload with zeros", attrs: []attribute.KeyValue{str("sgp.output", `{"usage":{"input_tokens":0}}`)},
			output: `{"reported_usage":{"input_tokens":0}}`,
		},
		{
			name:   "zero hides no count of another spelling",
			attrs:  []attribute.KeyValue{num("gen_ai.usage.input_tokens", 0), num("llm.usage.prompt_tokens", 10), num("llm.usage.completion_tokens", 5), num("gen_ai.usage.output_tokens", 0)},
			output: `{"usage":{"input_tokens":10,"output_tokens":5}}`,
			left:   `{"gen_ai.usage.input_tokens":0,"gen_ai.usage.output_tokens":0}`,
		},
		{
			name: "zero hides no count of a record", attrs: []attribute.KeyValue{num("gen_ai.usage.input_tokens", 0)},
			events: []sdktrace.Event{{Name: "gen_ai.client.inference.operation.details", Attributes: []attribute.KeyValue{num("gen_ai.usage.input_tokens", 10)}}},
			output: `{"usage":{"input_tokens":10}}`, left: `{"gen_ai.usage.input_tokens":0}`,
			leftEvents: `[{"name":"gen_ai.client.inference.operation.details"}]`,
		},
		{
			name: "zero hides no count of a payload", attrs: []attribute.KeyValue{num("gen_ai.usage.input_tokens", 1), num("gen_ai.usage.output_tokens", 0), str("sgp.output", `{"usage":{"output_tokens":2}}`)},
			output: `{"reported_usage":{"output_tokens":2},"usage":{"input_tokens":1,"output_tokens":2}}`,
		},
		{
			name: "a payload completes what attributes say", attrs: []attribute.KeyValue{
				num("llm.token_count.prompt", 120), num("llm.token_count.completion", 18), str("output.value", `{"id":"x","usage":{"prompt_tokens":120,"prompt_tokens_details":{"cached_tokens":64}}}`),
			},
			output: `{"id":"x","reported_usage":{"prompt_tokens":120,"prompt_tokens_details":{"cached_tokens":64}},"usage":{"input_tokens":120,"output_tokens":18,"cached_input_tokens":64}}`,
		},
		{
			name: "a payload that was left out has it", attrs: []attribute.KeyValue{
				str("llm.output_messages.0.message.role", "assistant"), str("output.value", `{"choices":[1],"usage":{"prompt_tokens":120,"completion_tokens":18}}`),
			},
			output: `{"messages":[{"role":"assistant"}],"usage":{"input_tokens":120,"output_tokens":18}}`,
			notes:  `["output.value: left out, says the same as output.messages"]`,
		},
		{
			name: "a payload that was left out completes it", attrs: []attribute.KeyValue{
				num("gen_ai.usage.input_tokens", 120), num("gen_ai.usage.output_tokens", 18), str("gen_ai.output.messages", `[{"role":"assistant"}]`),
				str("trpc.go.agent.llm_response", `{"usage":{"prompt_tokens":120,"completion_tokens":18,"completion_tokens_details":{"reasoning_tokens":5}}}`),
			},
			output: `{"messages":[{"role":"assistant"}],"usage":{"input_tokens":120,"output_tokens":18,"reasoning_tokens":5}}`,
			notes:  `["trpc.go.agent.llm_response: left out, says the same as output.messages"]`,
		},
		{
			name: "one of two that were left out has it", attrs: []attribute.KeyValue{
				str("gen_ai.output.messages", `[{"role":"assistant"}]`), str("trpc.go.agent.llm_response", `{"usage":{"prompt_tokens":1}}`), str("output.value", "yes"),
			},
			output: `{"messages":[{"role":"assistant"}],"usage":{"input_tokens":1}}`,
			notes:  `["trpc.go.agent.llm_response: left out, says the same as output.messages","output.value: left out, says the same as output.messages"]`,
		},
		{
			name: "names in use", attrs: []attribute.KeyValue{num("gen_ai.usage.input_tokens", 9), num("gen_ai.usage.cached_tokens", 2), num("gen_ai.usage.reasoning_tokens", 3)},
			output: `{"usage":{"input_tokens":9,"cached_input_tokens":2,"reasoning_tokens":3}}`,
		},
		{
			name: "a usage of something else", attrs: []attribute.KeyValue{str("openinference.span.kind", "TOOL"), str("output.value", `{"usage":{"cost":12.5,"tokens":3,"kWh":40}}`)},
			output: `{"reported_usage":{"cost":12.5,"tokens":3,"kWh":40}}`, left: `{"openinference.span.kind":"TOOL"}`,
		},
		{
			name: "a usage that is something else", attrs: []attribute.KeyValue{str("sgp.output", `{"usage":"heavy"}`), num("gen_ai.usage.input_tokens", 3)},
			output: `{"reported_usage":"heavy","usage":{"input_tokens":3}}`,
		},
		{
			name: "a usage that nobody bills", attrs: []attribute.KeyValue{str("output.value", `{"usage":"go vet [packages]"}`)},
			output: `{"usage":"go vet [packages]"}`,
		},
		{
			name: "a payload with two", attrs: []attribute.KeyValue{str("output.value", `{"usage":{"input_tokens":1},"usage":{"input_tokens":2}}`)},
			output: `{"usage":{"input_tokens":2}}`,
		},
		{
			name: "of none", attrs: []attribute.KeyValue{str("sgp.usage", "none"), num("gen_ai.usage.input_tokens", 1)},
			reported: `{"input_tokens":1}`,
		},
		{
			name: "a rule that is none", attrs: []attribute.KeyValue{str("sgp.usage", "most"), num("gen_ai.usage.input_tokens", 1)},
			output: `{"usage":{"input_tokens":1}}`, left: `{"sgp.usage":"most"}`, notes: `["sgp.usage: not turn, call or none, ignored"]`,
		},
		{
			name: "on the event with the details", attrs: []attribute.KeyValue{num("gen_ai.usage.input_tokens", 1)},
			events: []sdktrace.Event{{Name: "gen_ai.client.inference.operation.details", Attributes: []attribute.KeyValue{
				num("gen_ai.usage.input_tokens", 1), num("gen_ai.usage.output_tokens", 2), str("gen_ai.request.model", "m"),
			}}},
			output:     `{"usage":{"input_tokens":1,"output_tokens":2}}`,
			leftEvents: `[{"name":"gen_ai.client.inference.operation.details","attributes":{"gen_ai.request.model":"m"}}]`,
		},
	} {
		r.run(t)
	}
}

func TestUsageOfATurn(t *testing.T) {
	got := item(t, Config{}, end(stub(attribute.String("sgp.usage", "turn"), attribute.Int("gen_ai.usage.input_tokens", 7), attribute.Float64("gen_ai.usage.cost", 0.25))))
	requireJSON(t, `{"input_tokens":7}`, at(got, "metadata", "usage"))
	requireJSON(t, `0.25`, at(got, "metadata", "cost_usd"))
	assert.Nil(t, got["output"])
	assert.Nil(t, at(got, "metadata", "attributes"))
}

// Only an END says what was used.
func TestUsageIsTheEnds(t *testing.T) {
	s := stub(attribute.Int("gen_ai.usage.input_tokens", 7), attribute.String("sgp.output", `{"a":1,"usage":{"input_tokens":7}}`), attribute.String("sgp.usage", "turn"))
	for _, phase := range []Phase{PhaseStart, PhaseUpdate, PhaseUnfinished} {
		got := item(t, Config{}, inputAt(phase, s))
		requireJSON(t, `{"a":1,"reported_usage":{"input_tokens":7}}`, got["output"])
		assert.Nil(t, at(got, "metadata", "usage"))
		requireJSON(t, `{"gen_ai.usage.input_tokens":7,"sgp.usage":"turn"}`, at(got, "metadata", "attributes"))
	}
}
