package mapping

import (
	"testing"

	"github.com/stretchr/testify/assert"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

func TestEveryKeyIsFound(t *testing.T) {
	for _, d := range dialects {
		assert.NotEmpty(t, d.name)
		for _, k := range d.keys {
			id := keyOf(k.name)
			if assert.Positive(t, id, k.name) {
				assert.Equal(t, k.name, keyTable[id-1].name)
			}
			assert.Zero(t, keyOf(k.name+"x"), k.name)
			assert.Zero(t, keyOf(k.name[1:]), k.name)
		}
		for _, l := range d.lists {
			name := l.prefix + "12"
			if l.item != "" {
				name += "." + l.item
			}
			assert.Negative(t, keyOf(name+".role"+l.suffix), name)
			assert.Zero(t, keyOf(l.prefix), name)
			assert.Zero(t, keyOf(l.prefix+"first"), name)
		}
	}
	for _, unknown := range []string{"", "a", "gen_ai", "gen_ai.", "http.request.method", "sgp.metadata."} {
		assert.Zero(t, keyOf(unknown), unknown)
	}
	assert.Equal(t, metadataKey, keyOf("sgp.metadata.x"))
}

// Keys are spread over the index: looking one up compares few names.
func TestKeysAreSpread(t *testing.T) {
	longest, run := 0, 0
	for _, id := range keySlots {
		if run++; id == 0 {
			run = 0
		}
		longest = max(longest, run)
	}
	assert.Less(t, longest, 12)
	assert.Less(t, len(keyTable), len(keySlots)/4)
}

func TestWordsInAnyCase(t *testing.T) {
	for word, want := range map[string]sgpspan.Type{
		"chat": "COMPLETION", "ChatModel": "COMPLETION", "GENERATE_CONTENT": "COMPLETION",
		"invoke_agent": "AGENT_WORKFLOW", "Graph": "AGENT_WORKFLOW",
		"Retriever": "KB_RETRIEVAL", "ReRank": "RERANKING", "Indexer": "KB_ADD_CHUNK",
		"GUARDRAIL": "GUARDRAIL", "eval": "EVALUATION", "PromptTemplate": "PROMPT_ENGINEERING",
		"execute_tool": "CUSTOM", "ToolsNode": "CUSTOM", "delete_memory_store": "CUSTOM",
	} {
		got, ok := wordType(word)
		assert.True(t, ok, word)
		assert.Equal(t, want, got, word)
	}
	_, ok := wordType("a word that is far too long to be one")
	assert.False(t, ok)
	_, ok = wordType("chats")
	assert.False(t, ok)
}
