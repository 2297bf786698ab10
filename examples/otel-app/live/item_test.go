package live

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestIngestCountsWhatIsNoSpan(t *testing.T) {
	const fine = `{"trace_id":"t","id":"a","name":"n","start_timestamp":"2026-03-04T09:30:00Z"}`
	page := New(nil)
	page.Ingest(
		json.RawMessage(``),
		json.RawMessage(`{`),
		json.RawMessage(`[]`),
		json.RawMessage(`"text"`),
		json.RawMessage(`{"id":"a","name":"n","start_timestamp":"2026-03-04T09:30:00Z"}`),
		json.RawMessage(`{"trace_id":"t","name":"n","start_timestamp":"2026-03-04T09:30:00Z"}`),
		json.RawMessage(`{"trace_id":"`+strings.Repeat("t", 257)+`","id":"a","start_timestamp":"2026-03-04T09:30:00Z"}`),
		json.RawMessage(`{"trace_id":"t","id":"a","name":"n","start_timestamp":"yesterday"}`),
		json.RawMessage(`{"trace_id":"t","id":"a","name":"n"}`),
		json.RawMessage(`{"trace_id":"t","id":"a","name":"n","start_timestamp":"2026-03-04T09:30:00Z","end_timestamp":"later"}`),
		json.RawMessage(fine),
	)
	assert.Equal(t, uint64(10), page.Ignored())
	assert.Equal(t, []string{"t"}, traceIDs(page))
}

func TestIngestCopies(t *testing.T) {
	raw := wireSpan{trace: "t", id: "a", name: "n", input: object{"text": "before"}}.item()
	page := New(nil)
	page.Ingest(raw)
	for i := range raw {
		raw[i] = 'x'
	}
	assert.JSONEq(t, `{"text":"before"}`, string(page.store.span("t", "a").item.Input))
}

func TestDecodeReadsMetadata(t *testing.T) {
	s, err := decode(json.RawMessage(`{"trace_id":"t","id":"a","name":"n","start_timestamp":"2026-03-04T09:30:00.000001Z",
		"metadata":{"error":true,"kind":"client","events":[{"name":"one"},{"name":"two"}]}}`))
	require.NoError(t, err)
	assert.True(t, s.failed)
	assert.Equal(t, "client", s.fields.kind)
	assert.Equal(t, 2, s.fields.events)
	assert.Equal(t, int64(1772616600000001), s.start)
	assert.False(t, s.ended)

	s, err = decode(json.RawMessage(`{"trace_id":"t","id":"a","start_timestamp":"2026-03-04T09:30:00Z","status":"ERROR","metadata":{"events":"none","kind":7}}`))
	require.NoError(t, err)
	assert.True(t, s.failed)
	assert.Zero(t, s.fields.events)
	assert.Empty(t, s.fields.kind)
}

func TestUsageOf(t *testing.T) {
	for name, c := range map[string]struct {
		output string
		want   usage
	}{
		"GenAI names":      {`{"usage":{"input_tokens":10,"output_tokens":5}}`, usage{Input: 10, Output: 5, Total: 15}},
		"OpenAI names":     {`{"usage":{"prompt_tokens":10,"completion_tokens":5,"total_tokens":17,"cost_usd":0.25}}`, usage{Input: 10, Output: 5, Total: 17, Cost: 0.25}},
		"the first wins":   {`{"usage":{"input_tokens":1,"prompt_tokens":2}}`, usage{Input: 1, Total: 1}},
		"wrong types":      {`{"usage":{"input_tokens":"10","output_tokens":-1}}`, usage{}},
		"no object":        {`{"usage":[1]}`, usage{}},
		"none":             {`{"text":"usage"}`, usage{}},
		"only the top's":   {`{"nested":{"usage":{"input_tokens":10}}}`, usage{}},
		"no output at all": {``, usage{}},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, usageOf(json.RawMessage(c.output))) })
	}
}

func TestPreviewOf(t *testing.T) {
	for name, c := range map[string]struct{ input, want string }{
		"a question":           {`{"question":"  How\n do I? "}`, "How do I?"},
		"the last user's part": {`{"messages":[{"role":"user","parts":[{"type":"text","content":"one"}]},{"role":"user","parts":[{"type":"text","content":"two"}]},{"role":"assistant","parts":[{"type":"text","content":"three"}]}]}`, "two"},
		"content":              {`{"messages":[{"role":"user","content":"plain"}]}`, "plain"},
		"content parts":        {`{"messages":[{"role":"user","content":[{"type":"image"},{"type":"text","text":"parts"}]}]}`, "parts"},
		"unknown":              {`{"a":1}`, ""},
		"no object":            {`[1]`, ""},
		"long":                 {`{"query":"` + strings.Repeat("é", 200) + `"}`, strings.Repeat("é", 80) + "…"},
	} {
		t.Run(name, func(t *testing.T) { assert.Equal(t, c.want, previewOf(json.RawMessage(c.input))) })
	}
}

func TestLongNameIsCut(t *testing.T) {
	s, err := decode(wireSpan{trace: "t", id: "a", name: strings.Repeat("é", 1000)}.item())
	require.NoError(t, err)
	assert.Equal(t, strings.Repeat("é", 512)+"…", s.item.Name)
}
