package mapping

// genAIDialect is the OpenTelemetry GenAI semantic conventions, as they are and as
// they were: github.com/open-telemetry/semantic-conventions-genai.
var genAIDialect = dialect{
	name: "OpenTelemetry GenAI",
	keys: []key{
		{name: "gen_ai.operation.name", role: roleOperation},
		{name: "gen_ai.conversation.id", role: roleGroup},
		{name: "gen_ai.session.id", role: roleGroup},
		{name: "session.id", role: roleGroup}, // OpenInference has it too

		{name: "gen_ai.system_instructions", role: rolePayload, side: sideInput, field: "system_instructions"},
		{name: "gen_ai.input.messages", role: rolePayload, side: sideInput, field: "messages", form: formJSON},
		{name: "gen_ai.tool.definitions", role: rolePayload, side: sideInput, field: "tool_definitions", form: formJSON},
		{name: "gen_ai.tool.call.arguments", role: rolePayload, side: sideInput, field: "arguments"},
		{name: "gen_ai.retrieval.query.text", role: rolePayload, side: sideInput, field: "query"},
		{name: "gen_ai.memory.query.text", role: rolePayload, side: sideInput, field: "query"},
		{name: "gen_ai.memory.records", role: rolePayload, side: sideOfMemory, field: "records", form: formJSON},
		{name: "gen_ai.prompt", role: rolePayload, side: sideInput, field: "prompt", form: formMessages, repeats: "messages"},

		{name: "gen_ai.output.messages", role: rolePayload, side: sideOutput, field: "messages", form: formJSON},
		{name: "gen_ai.tool.call.result", role: rolePayload, side: sideOutput, field: "result"},
		{name: "gen_ai.retrieval.documents", role: rolePayload, side: sideOutput, field: "documents", form: formJSON},
		{name: "gen_ai.completion", role: rolePayload, side: sideOutput, field: "completion", form: formMessages, repeats: "messages"},

		{name: "gen_ai.event.content", role: roleContent},
		{name: "gen_ai.evaluation.explanation", role: roleContent},

		{name: "gen_ai.usage.input_tokens", role: roleInputTokens},
		{name: "gen_ai.usage.prompt_tokens", role: roleInputTokens},
		{name: "gen_ai.usage.output_tokens", role: roleOutputTokens},
		{name: "gen_ai.usage.completion_tokens", role: roleOutputTokens},
		{name: "gen_ai.usage.cache_read.input_tokens", role: roleCachedTokens},
		{name: "gen_ai.usage.cache_read_input_tokens", role: roleCachedTokens},
		{name: "gen_ai.usage.cache_read_tokens", role: roleCachedTokens},
		{name: "gen_ai.usage.cached_input_tokens", role: roleCachedTokens},
		{name: "gen_ai.usage.cached_tokens", role: roleCachedTokens},
		{name: "gen_ai.usage.reasoning.output_tokens", role: roleReasoningTokens},
		{name: "gen_ai.usage.reasoning_tokens", role: roleReasoningTokens},
		{name: "gen_ai.usage.total_tokens", role: roleTotalTokens},
		{name: "gen_ai.usage.cost", role: roleCost},
	},
	lists: []list{
		{prefix: "gen_ai.prompt.", side: sideInput, field: "messages", again: true},
		{prefix: "gen_ai.completion.", side: sideOutput, field: "messages", again: true},
	},
}
