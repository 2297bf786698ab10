package sgptest

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

const fuzzItem = `{"trace_id":"t","id":"a","name":"n","start_timestamp":"2026-01-02T03:04:05Z"`

// FuzzJudge checks that no body makes the judge panic, and that what it accepts
// is acceptable in each form in which it goes on: as the received bytes and as
// JSON of the decoded span.
func FuzzJudge(f *testing.F) {
	for _, body := range []string{
		``, `{}`, `[]`, `null`, `{"items":[]}`, `{"items":[{}]}`, `{"items":[1,null,[]]}`, `{"items":[],"items":{}}`,
		`{"items":[` + fuzzItem + `}]}`,
		`{"items":[` + fuzzItem + `,"end_timestamp":"2026-01-02T03:04:06+01:00","input":{"a":[1,-0.5e-3,true,null,"x\"y"]}}]}`,
		`{"items":[` + fuzzItem + `,"metadata":{"\ud83d\ude00":"\ud83d","b":"\u0000"}}]}`,
		"{\"items\":[" + fuzzItem + ",\"group_id\":\"\xff\"}]}",
		"{\"items\":[" + fuzzItem + ",\"output\":{\"\xff\":\"\xed\xa0\x80\"}}]}",
		`{"items":[` + fuzzItem + `,"type":"CUSTOM","status":"ERROR","obs_trace_id":"0123456789abcdef0123456789abcdef","obs_span_id":"0123456789abcdef"}]}`,
		`{"items":[` + fuzzItem + `,"end_timestamp":null,"x":1e999}]}`,
	} {
		f.Add([]byte(body), true)
		f.Add([]byte(body), false)
	}
	f.Fuzz(func(t *testing.T, body []byte, strict bool) {
		accepts := rules{lenient: !strict}
		spans, rejected := judge(body, accepts)
		if rejected != nil {
			assert.Nil(t, spans)
			assert.Contains(t, []int{400, 422}, rejected.Status)
			assert.NotEmpty(t, rejected.Reason)
			encoded, err := json.Marshal(rejected)
			require.NoError(t, err)
			require.True(t, json.Valid(encoded))
			return
		}
		for _, span := range spans {
			require.NotEmpty(t, span.TraceID)
			require.NotEmpty(t, span.ID)
			require.True(t, utf8.ValidString(span.TraceID+span.ID+span.ParentID+span.GroupID+span.Name))
			require.False(t, span.Completed() && span.EndTimestamp.Before(span.StartTimestamp))

			again, rejected := judge([]byte(`{"items":[`+string(span.Raw)+`]}`), accepts)
			require.Nil(t, rejected)
			require.Len(t, again, 1)
			if span.madeID {
				again[0].ID = span.ID
			}
			require.Equal(t, span, again[0])

			encoded, err := json.Marshal(span)
			require.NoError(t, err)
			decoded, rejected := judge([]byte(`{"items":[`+string(encoded)+`]}`), rules{})
			require.Nil(t, rejected, "%s", encoded)
			require.Len(t, decoded, 1)
			require.False(t, decoded[0].Repaired, "%s", encoded)
			require.Empty(t, decoded[0].duplicate)
			require.Equal(t, span.Metadata, decoded[0].Metadata)
			require.Equal(t, span.Name, decoded[0].Name)
			require.True(t, span.StartTimestamp.Equal(decoded[0].StartTimestamp))
		}
	})
}

// FuzzValue compares the parser with encoding/json: where it repairs nothing,
// both decode alike; where encoding/json sees another text, it says so.
func FuzzValue(f *testing.F) {
	for _, value := range []string{
		`{}`, `[]`, `0`, `-1.5E+3`, `"a"`, `true`, `false`, `null`, ` [ { "a" : [ ] } , 1 ] `, `"\ud83d\ude00\\u0041\u0041\/\b"`,
		`"\ud83d"`, `"\ude00\ud83d"`, `"\u0000"`, "\"\xff\"", "\"\xed\xa0\x80\"", `{"a":1,"a":2}`, `1e400`, `"\ud83d\u0041"`, `"\\ud83d"`,
	} {
		f.Add([]byte(value))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		if !json.Valid(data) {
			return // judge asks before it parses
		}
		p := &parser{data: data}
		got := p.value()
		var want any
		err := json.Unmarshal(data, &want)
		if err != nil {
			require.ErrorIs(t, p.err, errNumberRange)
			return
		}
		require.NoError(t, p.err)
		require.Empty(t, strings.TrimSpace(string(data[p.pos:])), "all is read")
		if !p.repaired {
			require.Equal(t, want, got)
			require.True(t, utf8.Valid(data))
		} else {
			encoded, err := json.Marshal(want)
			require.NoError(t, err)
			require.True(t, strings.ContainsRune(string(encoded), '\uFFFD') || strings.Contains(string(encoded), `\u0000`),
				"repaired for nothing: %s", encoded)
		}
	})
}
