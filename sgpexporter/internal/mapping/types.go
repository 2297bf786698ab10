package mapping

import (
	"strings"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// typeOf returns the type in SGP for a word of the dialects, in lower case, for what a
// span did, "" for any other.
func typeOf(word string) sgpspan.Type {
	switch word {
	// A call of a model.
	case "chat", "text_completion", "generate_content", "completion", "responses", "llm", "model", "chatmodel", "chat_model":
		return sgpspan.TypeCompletion
	// A turn of an agent.
	case "invoke_agent", "invoke_workflow", "agent", "agent_workflow", "workflow", "flow", "graph":
		return sgpspan.TypeAgentWorkflow
	// Knowledge.
	case "retrieval", "retriever":
		return sgpspan.TypeKBRetrieval
	case "reranker", "rerank":
		return sgpspan.TypeReranking
	case "indexer":
		return sgpspan.TypeKBAddChunk
	// Others that SGP has a type for.
	case "guardrail":
		return sgpspan.TypeGuardrail
	case "evaluator", "evaluation", "eval", "score":
		return sgpspan.TypeEvaluation
	case "prompt", "executable-prompt", "prompttemplate":
		return sgpspan.TypePromptEngineering
	// Steps that it has none for.
	case "execute_tool", "tool", "tool.v2", "toolsnode", "function",
		"embeddings", "embedding", "embedder", "create_agent", "plan",
		"fetch_response", "invoke_node", "chain", "lambda", "task", "util",
		"action", "flowstep", "parser",
		"search_memory", "create_memory", "update_memory", "upsert_memory",
		"delete_memory", "create_memory_store", "delete_memory_store":
		return sgpspan.TypeCustom
	}
	return ""
}

// startNames are what the name of a span begins with whose instrumentation sets all
// attributes after the start.
var startNames = [...]struct {
	prefix string
	typ    sgpspan.Type
}{
	{"chat ", "COMPLETION"},
	{"generate_content ", "COMPLETION"},
	{"invoke_agent ", "AGENT_WORKFLOW"},
	{"execute_tool ", "CUSTOM"},
}

// spanType sets the span's type: what the application says, else the operation, else
// the kind that a dialect gives, else what its keys alone tell, else STANDALONE.
func (sc *scratch) spanType(in *Input) {
	sc.operation, _ = sc.text(roleOperation)
	if name, ok := sc.text(roleType); ok {
		sc.take(sc.found[roleType])
		sc.span.Type, _ = sgpspan.ParseType(name)
		return
	}
	sc.span.Type = sc.typeOfDialects(in)
}

func (sc *scratch) typeOfDialects(in *Input) sgpspan.Type {
	if t, ok := wordType(sc.operation); ok {
		if t == sgpspan.TypeAgentWorkflow && sc.isStep() {
			return sgpspan.TypeCustom
		}
		return t
	}
	if kind, ok := sc.text(roleKind); ok && kind != "" {
		if t, ok := wordType(kind); ok {
			return t
		}
		return sgpspan.TypeCustom
	}
	if text, ok := sc.text(roleKindObject); ok {
		if o, ok := sgpspan.AppendJSONFields(nil, text); ok {
			if t, ok := wordType(o.Get("type").Text()); ok {
				return t
			}
		}
	}
	switch {
	case sc.has(roleWeakGroup) && strings.HasPrefix(in.Name, temporalTurn):
		return sgpspan.TypeAgentWorkflow
	case sc.markType != "":
		return sc.markType
	case len(in.Attributes) == 0 && !in.Phase.ended():
		for i := range startNames {
			if strings.HasPrefix(in.Name, startNames[i].prefix) {
				return startNames[i].typ
			}
		}
	}
	return sgpspan.TypeStandalone
}

// wordType returns the type for a word, in any case.
func wordType(word string) (sgpspan.Type, bool) {
	if word == "" {
		return "", false
	}
	if t := typeOf(word); t != "" {
		return t, true
	}
	var lower [24]byte // as long as any word
	if len(word) > len(lower) {
		return "", false
	}
	for i := range len(word) {
		lower[i] = word[i]
		if 'A' <= word[i] && word[i] <= 'Z' {
			lower[i] += 'a' - 'A'
		}
	}
	t := typeOf(string(lower[:len(word)]))
	return t, t != ""
}
