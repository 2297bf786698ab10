package mapping

// langsmithDialect is what LangSmith's Go SDK says beside the GenAI conventions:
// github.com/langchain-ai/langsmith-go. It copies the counts of each call to
// the span around it, too.
var langsmithDialect = dialect{
	name: "LangSmith",
	keys: []key{
		{name: "langsmith.span.kind", role: roleKind},
		{name: "langsmith.metadata.conversation_id", role: roleGroup},
		{name: "langsmith.metadata.thread_id", role: roleGroup},
		{name: "langsmith.metadata.session_id", role: roleGroup},
		{name: "gen_ai.usage.details.reasoning_tokens", role: roleReasoningTokens},
		{name: "langsmith.usage_metadata", role: roleUsageObject},
		{name: "response.content", role: rolePayload, side: sideOutput, field: "completion", repeats: "completion", equal: true},
	},
}
