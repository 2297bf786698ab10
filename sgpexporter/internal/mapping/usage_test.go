package mapping

import (
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
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
	for _, operation := range []string{"chat", "text_completion", "generate_content", "embeddings"} {
		row{
			name: operation, attrs: with(str("gen_ai.operation.name", operation), genAI...),
			output: `{"usage":` + genAIUsage + `}`, left: `{"gen_ai.operation.name":"` + operation + `"}`,
		}.run(t)
	}
	for _, operation := range []string{"invoke_agent", "invoke_workflow", "execute_tool", "retrieval"} {
		row{
			name: operation, attrs: with(str("gen_ai.operation.name", operation), genAI...),
			usage: genAIUsage, left: `{"gen_ai.operation.name":"` + operation + `"}`,
		}.run(t)
	}
	for _, kind := range []string{"LLM", "EMBEDDING"} {
		row{
			name: kind, attrs: with(str("openinference.span.kind", kind), openInference...),
			output: `{"usage":` + openInferenceUsage + `}`, left: `{"openinference.span.kind":"` + kind + `"}`,
		}.run(t)
	}
	for _, kind := range []string{"AGENT", "CHAIN", "TOOL"} {
		row{
			name: kind, attrs: with(str("openinference.span.kind", kind), openInference...),
			usage: openInferenceUsage, left: `{"openinference.span.kind":"` + kind + `"}`,
		}.run(t)
	}
	for _, r := range []row{
		{name: "nothing known", attrs: genAI, usage: genAIUsage},
		{
			name: "overridden type, a model call", attrs: with(str("gen_ai.operation.name", "chat"), str("sgp.span.type", "AGENT_WORKFLOW"), num("gen_ai.usage.input_tokens", 1)),
			wantType: "AGENT_WORKFLOW", output: `{"usage":{"input_tokens":1}}`, left: `{"gen_ai.operation.name":"chat"}`,
		},
		{
			name: "overridden type, an agent", attrs: with(str("gen_ai.operation.name", "invoke_agent"), str("sgp.span.type", "COMPLETION"), num("gen_ai.usage.input_tokens", 1)),
			wantType: "COMPLETION", usage: `{"input_tokens":1}`, left: `{"gen_ai.operation.name":"invoke_agent"}`,
		},
		{
			name: "older names", attrs: with(str("gen_ai.operation.name", "chat"), num("gen_ai.usage.prompt_tokens", 1), num("gen_ai.usage.completion_tokens", 2), num("gen_ai.usage.cache_read_input_tokens", 3)),
			output: `{"usage":{"input_tokens":1,"output_tokens":2,"cached_input_tokens":3}}`, left: `{"gen_ai.operation.name":"chat"}`,
		},
		{
			name:   "one spelling of several",
			attrs:  with(str("gen_ai.operation.name", "chat"), num("llm.token_count.prompt", 3), num("gen_ai.usage.prompt_tokens", 2), num("gen_ai.usage.input_tokens", 1)),
			output: `{"usage":{"input_tokens":1}}`,
			left:   `{"gen_ai.operation.name":"chat","llm.token_count.prompt":3,"gen_ai.usage.prompt_tokens":2}`,
		},
		{
			name: "no numbers", attrs: with(str("gen_ai.operation.name", "chat"), str("gen_ai.usage.input_tokens", "10"), num("gen_ai.usage.output_tokens", -1), attribute.Float64("gen_ai.usage.cost", math.Inf(1))),
			left:  `{"gen_ai.operation.name":"chat","gen_ai.usage.input_tokens":"10","gen_ai.usage.output_tokens":-1,"gen_ai.usage.cost":"Infinity"}`,
			notes: `["metadata.attributes.gen_ai.usage.cost: number that JSON does not have, kept as a string"]`,
		},
		{
			name: "not billed", attrs: with(str("gen_ai.operation.name", "chat"), num("gen_ai.usage.cache_creation.input_tokens", 5)),
			left: `{"gen_ai.operation.name":"chat","gen_ai.usage.cache_creation.input_tokens":5}`,
		},
		{
			name: "a model call's payload has its own", attrs: with(str("openinference.span.kind", "LLM"), str("output.value", `{"id":"x","usage":{"prompt_tokens":1}}`), num("llm.token_count.prompt", 1)),
			output: `{"id":"x","reported_usage":{"prompt_tokens":1},"usage":{"input_tokens":1}}`, left: `{"openinference.span.kind":"LLM"}`,
		},
		{
			name: "a model call's payload alone has it", attrs: with(str("openinference.span.kind", "LLM"), str("output.value", `{"id":"x","usage":{"prompt_tokens":1}}`)),
			output: `{"id":"x","usage":{"prompt_tokens":1}}`, left: `{"openinference.span.kind":"LLM"}`,
		},
		{
			name: "an agent's payload has its own", attrs: with(str("openinference.span.kind", "AGENT"), str("output.value", `{"usage":{"prompt_tokens":1}}`), num("llm.token_count.prompt", 1)),
			output: `{"reported_usage":{"prompt_tokens":1}}`, usage: `{"input_tokens":1}`, left: `{"openinference.span.kind":"AGENT"}`,
		},
		{
			name: "an agent's payload alone has it", attrs: with(str("gen_ai.operation.name", "invoke_agent"), str("sgp.output", `{"usage":{"input_tokens":1},"answer":42}`)),
			output: `{"answer":42}`, usage: `{"input_tokens":1}`, left: `{"gen_ai.operation.name":"invoke_agent"}`,
		},
		{
			name: "an agent's payload is nothing else", attrs: with(str("openinference.span.kind", "CHAIN"), attribute.Map("output.value", attribute.Map("usage", num("input_tokens", 1)))),
			usage: `{"input_tokens":1}`, left: `{"openinference.span.kind":"CHAIN"}`,
		},
		{
			name: "an agent by its type alone", attrs: with(str("__span_type__", "AGENT_WORKFLOW"), str("sgp.output", `{"usage":{"input_tokens":1}}`)),
			wantType: "AGENT_WORKFLOW", usage: `{"input_tokens":1}`,
		},
		{
			name: "a model call by its type alone", attrs: with(str("__span_type__", "COMPLETION"), str("sgp.output", `{"usage":{"input_tokens":1}}`)),
			wantType: "COMPLETION", output: `{"usage":{"input_tokens":1}}`,
		},
		{
			name: "a model call by its type alone, in attributes", attrs: with(str("sgp.span.type", "COMPLETION"), str("gen_ai.operation.name", "dream"), num("gen_ai.usage.input_tokens", 1)),
			wantType: "COMPLETION", output: `{"usage":{"input_tokens":1}}`, left: `{"gen_ai.operation.name":"dream"}`,
		},
		{
			name: "overridden type, an agent's payload", attrs: with(str("openinference.span.kind", "AGENT"), str("sgp.span.type", "COMPLETION"), str("sgp.output", `{"usage":{"input_tokens":1}}`)),
			wantType: "COMPLETION", usage: `{"input_tokens":1}`, left: `{"openinference.span.kind":"AGENT"}`,
		},
		{
			name: "overridden type, a model call's payload", attrs: with(str("gen_ai.operation.name", "chat"), str("sgp.span.type", "AGENT_WORKFLOW"), str("sgp.output", `{"usage":{"input_tokens":1}}`)),
			wantType: "AGENT_WORKFLOW", output: `{"usage":{"input_tokens":1}}`, left: `{"gen_ai.operation.name":"chat"}`,
		},
		{
			name: "nothing known, a payload", attrs: with(str("sgp.output", `{"usage":{"input_tokens":1},"answer":42}`)),
			output: `{"answer":42}`, usage: `{"input_tokens":1}`,
		},
		{
			name: "nothing known, a payload and attributes", attrs: with(str("sgp.output", `{"usage":{"input_tokens":1}}`), num("gen_ai.usage.input_tokens", 2)),
			output: `{"reported_usage":{"input_tokens":1}}`, usage: `{"input_tokens":2}`,
		},
		{
			name: "a usage that nobody bills", attrs: with(str("openinference.span.kind", "TOOL"), str("output.value", `{"usage":"go vet [packages]"}`)),
			output: `{"usage":"go vet [packages]"}`, left: `{"openinference.span.kind":"TOOL"}`,
		},
		{
			name: "a payload with two", attrs: with(str("openinference.span.kind", "AGENT"), str("output.value", `{"usage":{"input_tokens":1},"usage":{"input_tokens":2}}`)),
			usage: `{"input_tokens":2}`, left: `{"openinference.span.kind":"AGENT"}`,
		},
		{
			name: "on the event with the details", attrs: with(str("gen_ai.operation.name", "chat"), num("gen_ai.usage.input_tokens", 1)),
			events: []sdktrace.Event{{Name: "gen_ai.client.inference.operation.details", Attributes: []attribute.KeyValue{
				num("gen_ai.usage.input_tokens", 1), num("gen_ai.usage.output_tokens", 2), str("gen_ai.request.model", "m"),
			}}},
			output: `{"usage":{"input_tokens":1,"output_tokens":2}}`, left: `{"gen_ai.operation.name":"chat"}`,
			leftEvents: `[{"name":"gen_ai.client.inference.operation.details","attributes":{"gen_ai.request.model":"m"}}]`,
		},
	} {
		r.run(t)
	}
}

func TestUsageIsNeverInBothPlaces(t *testing.T) {
	for _, operation := range []string{"", "chat", "invoke_agent", "execute_tool", "dream"} {
		for _, kind := range []string{"", "LLM", "AGENT", "TOOL"} {
			for _, output := range []string{"", `{"usage":{"input_tokens":1}}`, `[1]`} {
				for _, typ := range []string{"", "COMPLETION", "AGENT_WORKFLOW"} {
					for _, counted := range []string{"gen_ai.usage.input_tokens", "other"} {
						s := stub(attribute.String("gen_ai.operation.name", operation), attribute.String("openinference.span.kind", kind),
							attribute.String("sgp.output", output), attribute.String("sgp.span.type", typ), attribute.Int(counted, 2))
						got := item(t, Config{}, end(s))
						inOutput, inMetadata := at(got, "output", "usage"), at(got, "metadata", "usage")
						require.False(t, inOutput != nil && inMetadata != nil, "%s %s %s", operation, kind, output)
						known := counted != "other" || strings.Contains(output, "usage")
						require.Equal(t, known, inOutput != nil || inMetadata != nil, "%s %s %s", operation, kind, output)
					}
				}
			}
		}
	}
}
