package mapping

import (
	"strings"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// spanType sets the span's type: what the application says, else what the GenAI
// conventions say, else OpenInference, else STANDALONE.
func (sc *scratch) spanType() {
	sc.operation, _ = sc.text(roleOperation)
	kind, _ := sc.text(roleKind)
	sc.kind = strings.ToUpper(kind)
	for _, role := range [...]role{roleSGPType, rolePythonType} {
		if !sc.has(role) {
			continue
		}
		name, _ := sc.text(role)
		if t, ok := sgpspan.ParseType(name); ok {
			sc.take(role)
			sc.span.Type = t
			return
		}
		sc.note(string(sc.attr(role).Key) + ": not a type of SGP, ignored")
	}
	if t := operationType(sc.operation); t != "" {
		sc.span.Type = t
		return
	}
	sc.span.Type = kindType(sc.kind)
}

// operationType returns the type for a gen_ai.operation.name, "" for one that
// the conventions do not have.
func operationType(operation string) sgpspan.Type {
	switch operation {
	case "chat", "text_completion", "generate_content":
		return sgpspan.TypeCompletion
	case "invoke_agent", "invoke_workflow":
		return sgpspan.TypeAgentWorkflow
	case "retrieval":
		return sgpspan.TypeKBRetrieval
	case "execute_tool", "embeddings", "create_agent", "plan", "fetch_response",
		"search_memory", "create_memory", "update_memory", "upsert_memory",
		"delete_memory", "create_memory_store", "delete_memory_store":
		return sgpspan.TypeCustom
	}
	return ""
}

// kindType returns the type for an openinference.span.kind in upper case.
func kindType(kind string) sgpspan.Type {
	switch kind {
	case "":
		return sgpspan.TypeStandalone
	case "LLM":
		return sgpspan.TypeCompletion
	case "RETRIEVER":
		return sgpspan.TypeKBRetrieval
	case "RERANKER":
		return sgpspan.TypeReranking
	case "AGENT":
		return sgpspan.TypeAgentWorkflow
	case "GUARDRAIL":
		return sgpspan.TypeGuardrail
	case "EVALUATOR":
		return sgpspan.TypeEvaluation
	case "PROMPT":
		return sgpspan.TypePromptEngineering
	}
	return sgpspan.TypeCustom
}

// modelCall reports whether the span is a single call of a model, whose usage is
// billed: by its operation, else by its kind. A type that the application gives
// instead says how the span is shown, not what it did, and counts only where neither
// is known.
func (sc *scratch) modelCall() bool {
	switch sc.operation {
	case "chat", "text_completion", "generate_content", "embeddings":
		return true
	}
	if operationType(sc.operation) != "" {
		return false
	}
	if sc.kind != "" {
		return sc.kind == "LLM" || sc.kind == "EMBEDDING"
	}
	return sc.span.Type == sgpspan.TypeCompletion
}
