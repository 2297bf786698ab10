package mapping

// trpcDialect is what tRPC-Agent-Go says beside the GenAI conventions:
// github.com/trpc-group/trpc-agent-go. It gives the contents of a call up to three
// times.
var trpcDialect = dialect{
	name: "tRPC-Agent-Go",
	keys: []key{
		{name: "gen_ai.request.tool.definitions", role: rolePayload, side: sideInput, field: "tool_definitions", form: formJSON},
		{name: "gen_ai.workflow.type", role: roleWorkflow},
		{name: "gen_ai.workflow.request", role: rolePayload, side: sideInput},
		{name: "gen_ai.workflow.response", role: rolePayload, side: sideOutput},
		{name: "gen_ai.embeddings.request", role: rolePayload, side: sideInput},
		{name: "gen_ai.embeddings.response", role: rolePayload, side: sideOutput},
		{name: "gen_ai.input.messages.otel", role: rolePayload, side: sideInput, field: "messages", form: formJSON, repeats: "messages"},
		{name: "gen_ai.output.messages.otel", role: rolePayload, side: sideOutput, field: "messages", form: formJSON, repeats: "messages"},
		{name: "trpc.go.agent.llm_request", role: rolePayload, side: sideInput, repeats: "messages"},
		{name: "trpc.go.agent.llm_response", role: rolePayload, side: sideOutput, repeats: "messages"},
		{name: "trpc.go.agent.model_name", role: roleMark, typ: "CUSTOM"},
		{name: "gen_ai.usage.input_tokens.cached", role: roleCachedTokens},
		{name: "gen_ai.usage.input_tokens.cache_read", role: roleCachedTokens},
	},
}

// isStep reports whether the span is a node of a graph: it has the operation of the
// whole graph.
func (sc *scratch) isStep() bool {
	what, ok := sc.text(roleWorkflow)
	return ok && what != "" && what != "graph"
}
