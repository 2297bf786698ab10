package mapping

// openLLMetryDialect is what OpenLLMetry says beside the GenAI conventions, in its Go
// SDK above all: github.com/traceloop/go-openllmetry.
var openLLMetryDialect = dialect{
	name: "OpenLLMetry",
	keys: []key{
		{name: "traceloop.span.kind", role: roleKind},
		{name: "llm.request.type", role: roleKind},
		{name: "traceloop.association.properties.conversation_id", role: roleGroup},
		{name: "traceloop.association.properties.thread_id", role: roleGroup},
		{name: "traceloop.association.properties.session_id", role: roleGroup},
		{name: "traceloop.entity.input", role: rolePayload, side: sideInput, repeats: "messages"},
		{name: "traceloop.entity.output", role: rolePayload, side: sideOutput, repeats: "messages"},
		{name: "llm.usage.prompt_tokens", role: roleInputTokens},
		{name: "llm.usage.completion_tokens", role: roleOutputTokens},
		{name: "llm.usage.total_tokens", role: roleTotalTokens},
	},
	lists: []list{
		{prefix: "llm.prompts.", side: sideInput, field: "messages", again: true},
		{prefix: "llm.completions.", side: sideOutput, field: "messages", again: true},
		{prefix: "llm.request.functions.", side: sideInput, field: "tool_definitions"},
	},
}
