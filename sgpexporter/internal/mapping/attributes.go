package mapping

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// role is what an attribute means to the mapping.
type role uint8

const (
	roleNone role = iota

	roleSGPType    // sgp.span.type
	rolePythonType // __span_type__
	roleOperation  // gen_ai.operation.name
	roleKind       // openinference.span.kind

	roleConversation // gen_ai.conversation.id
	roleSession      // session.id

	roleErrorType     // error.type
	roleErrorMessage  // error.message
	roleGRPCStatus    // rpc.grpc.status_code
	roleRPCStatus     // rpc.response.status_code
	roleExceptionType // exception.type
	roleExceptionText // exception.message

	roleSGPInput  // sgp.input
	roleSGPOutput // sgp.output

	// The GenAI conventions' payloads, from here to lastGenAIPayload.
	roleInputMessages
	roleSystemInstructions
	roleToolDefinitions
	roleToolArguments
	roleRetrievalQuery
	roleMemoryQuery
	rolePrompt
	roleOutputMessages
	roleToolResult
	roleDocuments
	roleMemoryRecords
	roleCompletion

	// OpenInference's payloads.
	roleInputValue
	roleInputMIME
	roleRerankerQuery
	roleOutputValue
	roleOutputMIME
	roleFunctionCall

	// Usage, from firstUsage to lastUsage: for each billed key, the
	// attribute that is looked at first comes first.
	roleInputTokens
	rolePromptTokens
	roleLLMPromptTokens
	roleOutputTokens
	roleCompletionTokens
	roleLLMCompletionTokens
	roleCacheReadTokens
	roleOldCacheReadTokens
	roleLLMCacheReadTokens
	roleReasoningTokens
	roleLLMReasoningTokens
	roleTotalTokens
	roleLLMTotalTokens
	roleUsageCost
	roleLLMCost

	numRoles

	firstPayload      = roleSGPInput // all that makes input, output or usage
	firstGenAIPayload = roleInputMessages
	lastGenAIPayload  = roleCompletion
	firstUsage        = roleInputTokens
	lastUsage         = roleLLMCost
)

// roleOf returns what the attribute named key means. The names are those of the
// OpenTelemetry GenAI semantic conventions, up to date and as they were before,
// of OpenInference, and of SGP.
func roleOf(key string) role {
	switch key {
	case "sgp.span.type":
		return roleSGPType
	case "__span_type__":
		return rolePythonType
	case "gen_ai.operation.name":
		return roleOperation
	case "openinference.span.kind":
		return roleKind
	case "gen_ai.conversation.id":
		return roleConversation
	case "session.id":
		return roleSession
	case "error.type":
		return roleErrorType
	case "error.message":
		return roleErrorMessage
	case "rpc.grpc.status_code":
		return roleGRPCStatus
	case "rpc.response.status_code":
		return roleRPCStatus
	case "exception.type":
		return roleExceptionType
	case "exception.message":
		return roleExceptionText
	case "sgp.input":
		return roleSGPInput
	case "sgp.output":
		return roleSGPOutput
	case "gen_ai.input.messages":
		return roleInputMessages
	case "gen_ai.system_instructions":
		return roleSystemInstructions
	case "gen_ai.tool.definitions":
		return roleToolDefinitions
	case "gen_ai.tool.call.arguments":
		return roleToolArguments
	case "gen_ai.retrieval.query.text":
		return roleRetrievalQuery
	case "gen_ai.memory.query.text":
		return roleMemoryQuery
	case "gen_ai.prompt":
		return rolePrompt
	case "gen_ai.output.messages":
		return roleOutputMessages
	case "gen_ai.tool.call.result":
		return roleToolResult
	case "gen_ai.retrieval.documents":
		return roleDocuments
	case "gen_ai.memory.records":
		return roleMemoryRecords
	case "gen_ai.completion":
		return roleCompletion
	case "input.value":
		return roleInputValue
	case "input.mime_type":
		return roleInputMIME
	case "reranker.query":
		return roleRerankerQuery
	case "output.value":
		return roleOutputValue
	case "output.mime_type":
		return roleOutputMIME
	case "llm.function_call":
		return roleFunctionCall
	case "gen_ai.usage.input_tokens":
		return roleInputTokens
	case "gen_ai.usage.prompt_tokens":
		return rolePromptTokens
	case "llm.token_count.prompt":
		return roleLLMPromptTokens
	case "gen_ai.usage.output_tokens":
		return roleOutputTokens
	case "gen_ai.usage.completion_tokens":
		return roleCompletionTokens
	case "llm.token_count.completion":
		return roleLLMCompletionTokens
	case "gen_ai.usage.cache_read.input_tokens":
		return roleCacheReadTokens
	case "gen_ai.usage.cache_read_input_tokens":
		return roleOldCacheReadTokens
	case "llm.token_count.prompt_details.cache_read":
		return roleLLMCacheReadTokens
	case "gen_ai.usage.reasoning.output_tokens":
		return roleReasoningTokens
	case "llm.token_count.completion_details.reasoning":
		return roleLLMReasoningTokens
	case "gen_ai.usage.total_tokens":
		return roleTotalTokens
	case "llm.token_count.total":
		return roleLLMTotalTokens
	case "gen_ai.usage.cost":
		return roleUsageCost
	case "llm.cost.total":
		return roleLLMCost
	}
	return roleNone
}

// flatList is a list that is flattened into attributes, PREFIX.N.….
type flatList struct {
	prefix string
	field  string // of the input or the output
	output bool
	genAI  bool // of the GenAI instrumentations' own flattening
}

var flatLists = [...]flatList{
	{prefix: "llm.input_messages.", field: "messages"},
	{prefix: "llm.output_messages.", field: "messages", output: true},
	{prefix: "llm.prompts.", field: "prompts"},
	{prefix: "llm.choices.", field: "choices", output: true},
	{prefix: "llm.tools.", field: "tools"},
	{prefix: "retrieval.documents.", field: "documents", output: true},
	{prefix: "reranker.input_documents.", field: "documents"},
	{prefix: "reranker.output_documents.", field: "documents", output: true},
	{prefix: embeddingList, field: "embeddings"}, // the next one has its vectors
	{prefix: embeddingList, field: "embeddings", output: true},
	{prefix: "input.images.", field: "images"},
	{prefix: "input.documents.", field: "documents"},
	{prefix: "output.images.", field: "images", output: true},
	{prefix: "output.documents.", field: "documents", output: true},
	{prefix: "gen_ai.prompt.", field: "messages", genAI: true},
	{prefix: "gen_ai.completion.", field: "messages", output: true, genAI: true},
}

const embeddingList = "embedding.embeddings."

// flatListOf returns the index of the list that the attribute named key is a
// part of, or -1.
func flatListOf(key string) int {
	if key == "" || strings.IndexByte("lreiog", key[0]) < 0 {
		return -1
	}
	for i := range flatLists {
		prefix := flatLists[i].prefix
		if len(key) > len(prefix) && key[:len(prefix)] == prefix &&
			'0' <= key[len(prefix)] && key[len(prefix)] <= '9' {
			if prefix == embeddingList && strings.HasSuffix(key, ".vector") {
				return i + 1
			}
			return i
		}
	}
	return -1
}

// has reports whether the span has an attribute with role r.
func (sc *scratch) has(r role) bool { return sc.found[r] != 0 }

// attr returns the attribute with role r, which the span has.
func (sc *scratch) attr(r role) *attribute.KeyValue {
	i := int(sc.found[r]) - 1
	if i < len(sc.attrs) {
		return &sc.attrs[i]
	}
	i -= len(sc.attrs)
	for k := range sc.events {
		attrs := sc.events[k].Attributes
		if i < len(attrs) {
			return &attrs[i]
		}
		i -= len(attrs)
	}
	panic("mapping: a mark without its attribute")
}

// text returns the string that the attribute with role r has for its value.
func (sc *scratch) text(r role) (string, bool) {
	if !sc.has(r) {
		return "", false
	}
	kv := sc.attr(r)
	if kv.Value.Type() != attribute.STRING {
		return "", false
	}
	return kv.Value.AsString(), true
}

// take marks the attribute with role r as one that has found its place, so that
// metadata does not repeat it.
func (sc *scratch) take(r role) { sc.takeMark(int(sc.found[r]) - 1) }

// takeMark does so with the attribute at place i among the marks.
func (sc *scratch) takeMark(i int) {
	sc.taken[i] = true
	sc.anyTaken = true
}
