package sgpspan

import "strings"

// Type says what kind of step a span is. The values are those of the SGP span
// API; the API refuses a request that holds any other.
type Type string

// The types of the SGP span API.
const (
	TypeTextInput         Type = "TEXT_INPUT"
	TypeTextOutput        Type = "TEXT_OUTPUT"
	TypeCompletionInput   Type = "COMPLETION_INPUT"
	TypeCompletion        Type = "COMPLETION"
	TypeKBRetrieval       Type = "KB_RETRIEVAL"
	TypeKBInput           Type = "KB_INPUT"
	TypeReranking         Type = "RERANKING"
	TypeExternalEndpoint  Type = "EXTERNAL_ENDPOINT"
	TypePromptEngineering Type = "PROMPT_ENGINEERING"
	TypeDocumentInput     Type = "DOCUMENT_INPUT"
	TypeMapReduce         Type = "MAP_REDUCE"
	TypeDocumentSearch    Type = "DOCUMENT_SEARCH"
	TypeDocumentPrompt    Type = "DOCUMENT_PROMPT"
	TypeCustom            Type = "CUSTOM"
	TypeCodeExecution     Type = "CODE_EXECUTION"
	TypeDataManipulation  Type = "DATA_MANIPULATION"
	TypeEvaluation        Type = "EVALUATION"
	TypeFileRetrieval     Type = "FILE_RETRIEVAL"
	TypeKBAddChunk        Type = "KB_ADD_CHUNK"
	TypeKBManagement      Type = "KB_MANAGEMENT"
	TypeGuardrail         Type = "GUARDRAIL"
	TypeTracer            Type = "TRACER"
	TypeAgentTracer       Type = "AGENT_TRACER"
	TypeAgentWorkflow     Type = "AGENT_WORKFLOW"
	TypeStandalone        Type = "STANDALONE"
)

// Valid reports whether t is one of the constants of this package.
func (t Type) Valid() bool {
	switch t {
	case TypeTextInput, TypeTextOutput, TypeCompletionInput, TypeCompletion,
		TypeKBRetrieval, TypeKBInput, TypeReranking, TypeExternalEndpoint,
		TypePromptEngineering, TypeDocumentInput, TypeMapReduce,
		TypeDocumentSearch, TypeDocumentPrompt, TypeCustom, TypeCodeExecution,
		TypeDataManipulation, TypeEvaluation, TypeFileRetrieval,
		TypeKBAddChunk, TypeKBManagement, TypeGuardrail, TypeTracer,
		TypeAgentTracer, TypeAgentWorkflow, TypeStandalone:
		return true
	}
	return false
}

// ParseType returns the type that name spells, in upper or lower case, with
// spaces around it or not. ok is false when there is none.
func ParseType(name string) (t Type, ok bool) {
	if t = Type(name); t.Valid() {
		return t, true
	}
	if t = Type(strings.ToUpper(strings.TrimSpace(name))); t.Valid() {
		return t, true
	}
	return "", false
}

// Status says how a span ended. A span in progress has none.
type Status string

// The statuses of the SGP span API.
const (
	StatusSuccess  Status = "SUCCESS"
	StatusError    Status = "ERROR"
	StatusCanceled Status = "CANCELED"
)

// Valid reports whether s is one of the constants of this package.
func (s Status) Valid() bool {
	return s == StatusSuccess || s == StatusError || s == StatusCanceled
}
