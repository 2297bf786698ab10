package waterfall

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func items(lines ...string) []json.RawMessage {
	var out []json.RawMessage
	for _, line := range lines {
		out = append(out, json.RawMessage(line))
	}
	return out
}

func draw(t *testing.T, lines ...string) string {
	t.Helper()
	var out strings.Builder
	require.NoError(t, Write(&out, items(lines...)))
	for line := range strings.Lines(out.String()) {
		assert.LessOrEqual(t, utf8.RuneCountInString(strings.TrimSuffix(line, "\n")), 100, line)
	}
	return out.String()
}

// Items in the order of their delivery: STARTs first, children before their
// parent's END, one late START after its END.
var trace = []string{
	`{"id":"1","name":"POST /ask","type":"STANDALONE","start_timestamp":"2026-05-01T10:00:00Z"}`,
	`{"id":"2","parent_id":"1","name":"invoke_agent lead","type":"AGENT_WORKFLOW","start_timestamp":"2026-05-01T10:00:00.001Z"}`,
	`{"id":"5","parent_id":"2","name":"execute_tool look_up_a_symbol_with_a_long_name","type":"CUSTOM","status":"ERROR","start_timestamp":"2026-05-01T10:00:01.5Z","end_timestamp":"2026-05-01T10:00:01.75Z","metadata":{"error_message":"package net/http has no symbol\nCancelRequest; similar: Request, Transport.CancelRequest (deprecated)"}}`,
	`{"id":"3","parent_id":"2","name":"chat m","type":"COMPLETION","status":"SUCCESS","start_timestamp":"2026-05-01T10:00:00.25Z","end_timestamp":"2026-05-01T10:00:01.5Z","output":{"messages":[],"usage":{"input_tokens":1200,"output_tokens":34}}}`,
	`{"id":"3","parent_id":"2","name":"chat m","type":"COMPLETION","start_timestamp":"2026-05-01T10:00:00.25Z"}`,
	`{"id":"4","parent_id":"3","name":"POST /v1","type":"STANDALONE","status":"CANCELED","start_timestamp":"2026-05-01T10:00:00.25Z","end_timestamp":"2026-05-01T10:00:01.4994Z"}`,
	`{"id":"2","parent_id":"1","name":"invoke_agent lead","type":"AGENT_WORKFLOW","status":"SUCCESS","start_timestamp":"2026-05-01T10:00:00.001Z","end_timestamp":"2026-05-01T10:02:00.001Z","metadata":{"reported_usage":{"input_tokens":123456,"output_tokens":340}}}`,
	`{"id":"6","parent_id":"remote","name":"elsewhere","type":"STANDALONE","status":"ERROR","start_timestamp":"2026-05-01T10:00:00.5Z","end_timestamp":"2026-05-01T10:00:00.6Z"}`,
}

func TestWrite(t *testing.T) {
	assert.Equal(t, `SPAN                                      TYPE               START  DURATION  STATUS          TOKENS
POST /ask                                 STANDALONE       +0.000s            running
  invoke_agent lead                       AGENT_WORKFLOW   +0.001s    120.0s  SUCCESS   (123456>340)
    chat m                                COMPLETION       +0.250s    1.250s  SUCCESS        1200>34
      POST /v1                            STANDALONE       +0.250s    1.249s  CANCELED
    execute_tool look_up_a_symbol_with_…  CUSTOM           +1.500s    0.250s  ERROR
    ! package net/http has no symbol CancelRequest; similar: Request, Transport.CancelRequest (depr…
elsewhere                                 STANDALONE       +0.500s    0.100s  ERROR
In this trace: 6 spans, 2 failed.
Tokens: in>out of one model call; (in>out) of an agent: what all model calls below it come to.
`, draw(t, trace...))
}

// A failure is one that was recovered from only if the whole succeeded.
func TestWriteOutcome(t *testing.T) {
	root := func(status string) string {
		return `{"id":"1","name":"root","status":"` + status + `","start_timestamp":"2026-05-01T10:00:00Z","end_timestamp":"2026-05-01T10:00:01Z"}`
	}
	child := `{"id":"2","parent_id":"1","name":"child","status":"ERROR","start_timestamp":"2026-05-01T10:00:00Z","end_timestamp":"2026-05-01T10:00:01Z"}`
	for want, items := range map[string][]string{
		"1 span, none failed":                       {root("SUCCESS")},
		"1 span, 1 failed":                          {root("ERROR")},
		"2 spans, 1 failed and the agent recovered": {root("SUCCESS"), child},
		"2 spans, 2 failed":                         {root("ERROR"), child},
		"2 spans, 1 failed":                         {root("CANCELED"), child},
	} {
		assert.True(t, strings.HasSuffix(draw(t, items...), "\nIn this trace: "+want+".\n"), want)
	}
}

func TestWriteSpansThatStartTogether(t *testing.T) {
	out := draw(t,
		`{"id":"b","name":"second","start_timestamp":"2026-05-01T10:00:00Z"}`,
		`{"id":"a","name":"first","start_timestamp":"2026-05-01T10:00:00Z"}`)
	assert.Less(t, strings.Index(out, "first"), strings.Index(out, "second"))
}

func TestWriteFails(t *testing.T) {
	require.EqualError(t, Write(&strings.Builder{}, nil), "the trace has no spans, or none without a parent")
	require.ErrorContains(t, Write(&strings.Builder{}, items(`{"id":"1"}`, `{"id":7}`)), "item 1 is no SGP span")
	cycle := items(
		`{"id":"1","parent_id":"2","start_timestamp":"2026-05-01T10:00:00Z"}`,
		`{"id":"2","parent_id":"1","start_timestamp":"2026-05-01T10:00:00Z"}`)
	require.EqualError(t, Write(&strings.Builder{}, cycle), "the trace has no spans, or none without a parent")

	full := errors.New("disk full")
	require.ErrorIs(t, Write(brokenWriter{full}, items(trace...)), full)
}

type brokenWriter struct{ err error }

func (w brokenWriter) Write([]byte) (int, error) { return 0, w.err }
