package mapping

import (
	"strings"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// words are what the dialects call what a span did, in lower case, and its type in
// SGP.
var words = map[string]sgpspan.Type{
	// A call of a model.
	"chat": "COMPLETION", "text_completion": "COMPLETION", "generate_content": "COMPLETION", "completion": "COMPLETION",
	"responses": "COMPLETION", "llm": "COMPLETION", "model": "COMPLETION", "chatmodel": "COMPLETION", "chat_model": "COMPLETION",
	// A turn of an agent.
	"invoke_agent": "AGENT_WORKFLOW", "invoke_workflow": "AGENT_WORKFLOW", "agent": "AGENT_WORKFLOW", "agent_workflow": "AGENT_WORKFLOW",
	"workflow": "AGENT_WORKFLOW", "flow": "AGENT_WORKFLOW", "graph": "AGENT_WORKFLOW",
	// Knowledge.
	"retrieval": "KB_RETRIEVAL", "retriever": "KB_RETRIEVAL", "reranker": "RERANKING", "rerank": "RERANKING", "indexer": "KB_ADD_CHUNK",
	// Others that SGP has a type for.
	"guardrail": "GUARDRAIL", "evaluator": "EVALUATION", "evaluation": "EVALUATION", "eval": "EVALUATION", "score": "EVALUATION",
	"prompt": "PROMPT_ENGINEERING", "executable-prompt": "PROMPT_ENGINEERING", "prompttemplate": "PROMPT_ENGINEERING",
	// Steps that it has none for.
	"execute_tool": "CUSTOM", "tool": "CUSTOM", "tool.v2": "CUSTOM", "toolsnode": "CUSTOM", "function": "CUSTOM",
	"embeddings": "CUSTOM", "embedding": "CUSTOM", "embedder": "CUSTOM", "create_agent": "CUSTOM", "plan": "CUSTOM",
	"fetch_response": "CUSTOM", "invoke_node": "CUSTOM", "chain": "CUSTOM", "lambda": "CUSTOM", "task": "CUSTOM", "util": "CUSTOM",
	"action": "CUSTOM", "flowstep": "CUSTOM", "parser": "CUSTOM",
	"search_memory": "CUSTOM", "create_memory": "CUSTOM", "update_memory": "CUSTOM", "upsert_memory": "CUSTOM",
	"delete_memory": "CUSTOM", "create_memory_store": "CUSTOM", "delete_memory_store": "CUSTOM",
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
	if t, ok := words[word]; ok {
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
	t, ok := words[string(lower[:len(word)])]
	return t, ok
}
