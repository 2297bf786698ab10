package mapping

// openInferenceDialect is OpenInference:
// github.com/Arize-ai/openinference, spec/semantic_conventions.md.
var openInferenceDialect = dialect{
	name: "OpenInference",
	keys: []key{
		{name: "openinference.span.kind", role: roleKind},
		{name: "reranker.query", role: rolePayload, side: sideInput, field: "query"},
		{name: "input.value", role: rolePayload, side: sideInput, form: formTyped, repeats: "messages"},
		{name: "input.mime_type", role: roleInputMIME},
		{name: "llm.function_call", role: rolePayload, side: sideOutput, field: "function_call", form: formJSON},
		{name: "output.value", role: rolePayload, side: sideOutput, form: formTyped, repeats: "messages"},
		{name: "output.mime_type", role: roleOutputMIME},
		{name: "llm.prompt_template.template", role: roleContent},
		{name: "llm.prompt_template.variables", role: roleContent},

		{name: "llm.token_count.prompt", role: roleInputTokens},
		{name: "llm.token_count.completion", role: roleOutputTokens},
		{name: "llm.token_count.prompt_details.cache_read", role: roleCachedTokens},
		{name: "llm.token_count.completion_details.reasoning", role: roleReasoningTokens},
		{name: "llm.token_count.total", role: roleTotalTokens},
		{name: "llm.cost.total", role: roleCost},
	},
	lists: []list{
		{prefix: "llm.input_messages.", side: sideInput, field: "messages", again: true},
		{prefix: "llm.output_messages.", side: sideOutput, field: "messages", again: true},
		{prefix: "llm.prompts.", item: "prompt", side: sideInput, field: "prompts"},
		{prefix: "llm.choices.", side: sideOutput, field: "choices"},
		{prefix: "llm.tools.", side: sideInput, field: "tools"},
		{prefix: "retrieval.documents.", side: sideOutput, field: "documents"},
		{prefix: "reranker.input_documents.", side: sideInput, field: "documents"},
		{prefix: "reranker.output_documents.", side: sideOutput, field: "documents"},
		{prefix: "embedding.embeddings.", suffix: ".vector", side: sideOutput, field: "embeddings"},
		{prefix: "embedding.embeddings.", side: sideInput, field: "embeddings"},
		{prefix: "input.images.", side: sideInput, field: "images"},
		{prefix: "input.documents.", side: sideInput, field: "documents"},
		{prefix: "output.images.", side: sideOutput, field: "images"},
		{prefix: "output.documents.", side: sideOutput, field: "documents"},
	},
}
