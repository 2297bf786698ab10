package sgptest_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// field is the answer to an item 0 with a field at fault.
func field(name, reason string) string {
	return `{"detail":"items[0].` + name + `: ` + reason + `","item":0,"field":"` + name + `"}`
}

func TestFieldRefused(t *testing.T) {
	cases := []refused{
		{"no trace_id", items(`{"id":"a","name":"n","start_timestamp":"2026-01-02T03:04:05Z"}`), 422, field("trace_id", "is required")},
		{"no name", items(`{"trace_id":"t","id":"a","start_timestamp":"2026-01-02T03:04:05Z"}`), 422, field("name", "is required")},
		{"no start", items(`{"trace_id":"t","id":"a","name":"n"}`), 422, field("start_timestamp", "is required")},
		{"field in another case", items(span(`,"Group_ID":"g"`)), 422, field("Group_ID", "is not a field of a span")},
		{"unknown field", items(span(`,"attributes":{}`)), 422, field("attributes", "is not a field of a span")},
		{"field twice", items(span(`,"name":"n"`)), 422, field("name", "is given twice")},
		{"end before start", items(span(`,"end_timestamp":"2026-01-02T03:04:04.999999999Z"`)), 422,
			field("end_timestamp", "precedes start_timestamp")},
		{"end before start by its zone", items(span(`,"end_timestamp":"2026-01-02T04:04:04+01:00"`)), 422,
			field("end_timestamp", "precedes start_timestamp")},
		{"obs_span_id alone", items(span(`,"obs_span_id":"0123456789abcdef"`)), 422, field("obs_span_id", "needs obs_trace_id")},
		{"obs_span_id short", items(span(`,"obs_trace_id":"0123456789abcdef0123456789abcdef","obs_span_id":"0123456789abcde"`)), 422,
			field("obs_span_id", "must be 16 lowercase hexadecimal digits")},
		{"obs_trace_id upper case", items(span(`,"obs_trace_id":"0123456789ABCDEF0123456789abcdef"`)), 422,
			field("obs_trace_id", "must be 32 lowercase hexadecimal digits")},
		{"obs_trace_id with dashes", items(span(`,"obs_trace_id":"01234567-89ab-def0-1234-56789abcdef0"`)), 422,
			field("obs_trace_id", "must be 32 lowercase hexadecimal digits")},
		{"obs_trace_id of 32 bytes, one of them a dash", items(span(`,"obs_trace_id":"0123456-89abcdef0123456789abcdef"`)), 422,
			field("obs_trace_id", "must be 32 lowercase hexadecimal digits")},
		{"type unknown", items(span(`,"type":"TOOL"`)), 422, field("type", `has no value \"TOOL\"`)},
		{"type in lower case", items(span(`,"type":"custom"`)), 422, field("type", `has no value \"custom\"`)},
		{"type empty", items(span(`,"type":""`)), 422, field("type", `has no value \"\"`)},
		{"status unknown", items(span(`,"status":"OK"`)), 422, field("status", `has no value \"OK\"`)},
		{"number too large", items(span(`,"metadata":{"n":1e999}`)), 422, field("metadata", "has a number that no float64 can hold")},
	}
	for _, name := range []string{"trace_id", "id", "parent_id", "group_id"} {
		item := func(value string) string {
			fields := map[string]string{"trace_id": `"t"`, "id": `"a"`, "name": `"n"`, "start_timestamp": `"2026-01-02T03:04:05Z"`}
			fields[name] = value
			var members []string
			for k, v := range fields {
				members = append(members, `"`+k+`":`+v)
			}
			return items("{" + strings.Join(members, ",") + "}")
		}
		for what, value := range map[string]string{
			"NUL":                   `"a\u0000"`,
			"invalid UTF-8":         "\"a\xff\"",
			"cut-off UTF-8":         "\"\xe2\x82\"",
			"surrogate in UTF-8":    "\"\xed\xa0\x80\"",
			"high surrogate alone":  `"\ud83dx"`,
			"high surrogate at end": `"\ud83d"`,
			"two high surrogates":   `"\ud83d\ud83d"`,
			"low surrogate alone":   `"\\\ude00"`,
			"two low surrogates":    `"\ude00\ude01"`,
			"a pair the wrong way":  `"\ude00\ud83d"`,
		} {
			cases = append(cases, refused{name + " with " + what, item(value), 400, field(name, "has a NUL or invalid UTF-8")})
		}
		cases = append(cases,
			refused{name + " empty", item(`""`), 422, field(name, "is empty")},
			refused{name + " with too many characters", item(`"` + strings.Repeat("é", 257) + `"`), 422,
				field(name, "has 257 characters, more than 256")},
			refused{name + " with too many bytes", item(`"` + strings.Repeat("x", 255) + `é"`), 400,
				field(name, "has 257 bytes, more than 256")},
			refused{name + " a number", item(`5`), 422, field(name, "must be a string")},
			refused{name + " null", item(`null`), 422, field(name, "is null; an absent field is left out")},
		)
	}
	for _, name := range []string{"input", "output", "metadata", "expected"} {
		for _, value := range []string{`[]`, `"{}"`, `1`, `true`} {
			cases = append(cases, refused{name + " " + value, items(span(`,"` + name + `":` + value)), 422,
				field(name, "must be an object")})
		}
		cases = append(cases, refused{name + " null", items(span(`,"` + name + `":null`)), 422,
			field(name, "is null; an absent field is left out")})
	}
	for _, name := range []string{"application_variant_id", "application_interaction_id", "type", "status", "end_timestamp", "obs_trace_id"} {
		cases = append(cases, refused{name + " a number", items(span(`,"` + name + `":1`)), 422, field(name, "must be a string")})
	}
	for _, value := range []string{
		"", "now", "2026-01-02", "2026-01-02T03:04:05", "2026-01-02 03:04:05Z", "2026-1-02T03:04:05Z", "2026-01-02T3:04:05Z",
		"2026-01-02T03:04:05,5Z", "2026-02-30T03:04:05Z", "2026-01-02T24:00:00Z", "2026-01-02T03:04:05+24:00",
		"12026-01-02T03:04:05Z", "-001-01-02T03:04:05Z", "1767323045",
	} {
		cases = append(cases,
			refused{"start " + value, items(`{"trace_id":"t","id":"a","name":"n","start_timestamp":"` + value + `"}`), 422,
				field("start_timestamp", "is not an RFC 3339 timestamp")},
			refused{"end " + value, items(span(`,"end_timestamp":"` + value + `"`)), 422,
				field("end_timestamp", "is not an RFC 3339 timestamp")},
		)
	}
	checkRefused(t, cases)
}

func TestFieldAccepted(t *testing.T) {
	for name, item := range map[string]string{
		"every field": `{"trace_id":"t","id":"a","name":"n","start_timestamp":"2026-01-02T03:04:05Z","end_timestamp":"2026-01-02T03:04:06Z",` +
			`"parent_id":"p","group_id":"g","type":"COMPLETION","status":"SUCCESS","input":{},"output":{"a":[1,{"b":null}]},` +
			`"metadata":{"ok":true},"expected":{"x":"y"},"application_variant_id":"v","application_interaction_id":"i",` +
			`"obs_trace_id":"0123456789abcdef0123456789abcdef","obs_span_id":"0123456789abcdef"}`,
		"ids of 256 bytes":     ids(strings.Repeat("t", 256), strings.Repeat("é", 128), strings.Repeat("p", 256)),
		"an end at the start":  span(`,"end_timestamp":"2026-01-02T04:04:05+01:00"`),
		"an empty name":        `{"trace_id":"t","id":"a","name":"","start_timestamp":"2026-01-02T03:04:05Z"}`,
		"U+FFFD in an id":      ids("t", "\uFFFD", ""),
		"a surrogate pair":     ids("t", `\ud83d\ude00`, `\\ud83d`),
		"a parent not known":   ids("t", "a", "elsewhere"),
		"obs_trace_id alone":   span(`,"obs_trace_id":"0123456789abcdef0123456789abcdef"`),
		"white space anywhere": " {\n\t\"trace_id\" : \"t\" ,\r\n\"id\":\"a\",\"name\":\"n\",\"start_timestamp\":\"2026-01-02T03:04:05Z\" , \"input\" : { \"a\" : [ 1 , 2 ] } } ",
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t)
			mustPut(t, srv, item)
			require.Len(t, srv.Spans(), 1)
			assert.False(t, srv.Spans()[0].Repaired)
			assert.Empty(t, srv.Violations())
		})
	}
}

func TestEnumValuesAreAccepted(t *testing.T) {
	srv := newServer(t)
	types := strings.Fields(`TEXT_INPUT TEXT_OUTPUT COMPLETION_INPUT COMPLETION KB_RETRIEVAL KB_INPUT RERANKING EXTERNAL_ENDPOINT
		PROMPT_ENGINEERING DOCUMENT_INPUT MAP_REDUCE DOCUMENT_SEARCH DOCUMENT_PROMPT CUSTOM CODE_EXECUTION DATA_MANIPULATION
		EVALUATION FILE_RETRIEVAL KB_ADD_CHUNK KB_MANAGEMENT GUARDRAIL TRACER AGENT_TRACER AGENT_WORKFLOW STANDALONE`)
	require.Len(t, types, 25)
	for _, value := range types {
		mustPut(t, srv, span(`,"type":"`+value+`"`))
		assert.Equal(t, value, srv.Spans()[0].Type)
	}
	for _, value := range []string{"SUCCESS", "ERROR", "CANCELED"} {
		mustPut(t, srv, span(`,"status":"`+value+`"`))
		assert.Equal(t, value, srv.Spans()[0].Status)
	}
}

func TestDamageInOtherFieldsIsRepaired(t *testing.T) {
	srv := newServer(t)
	status, body := put(t, srv, items(`{"trace_id":"t","id":"a","start_timestamp":"2026-01-02T03:04:05Z","name":"a\u0000b`+"\xff"+
		`","input":{"k\u0000":["\ud83d"]},"application_variant_id":"`+"\xc3"+`"}`))
	require.Equal(t, 200, status, body)
	got := srv.Spans()[0]
	assert.True(t, got.Repaired)
	assert.Equal(t, "a\uFFFDb\uFFFD", got.Name)
	assert.Equal(t, map[string]any{"k\uFFFD": []any{"\uFFFD"}}, got.Input)
	assert.Equal(t, "\uFFFD", got.ApplicationVariantID)
	assert.Contains(t, string(got.Raw), `a\u0000b`+"\xff", "Raw is what was received")
	assert.Equal(t, `{"items":[{"id":"a","trace_id":"t","name":"a`+"\uFFFDb\uFFFD"+
		`","start_timestamp":"2026-01-02T03:04:05Z","input":{"k`+"\uFFFD"+`":["`+"\uFFFD"+`"]},"application_variant_id":"`+"\uFFFD"+`"}]}`, body)
}

func TestAbsentIDIsMade(t *testing.T) {
	srv := newServer(t)
	item := `{"trace_id":"t","name":"n","start_timestamp":"2026-01-02T03:04:05Z"}`
	status, body := put(t, srv, items(item, item))
	require.Equal(t, 200, status)
	spans := srv.Spans()
	require.Len(t, spans, 2)
	assert.NotEmpty(t, spans[0].ID)
	assert.NotEqual(t, spans[0].ID, spans[1].ID)
	assert.Equal(t, `{"items":[{"id":"`+spans[0].ID+`","trace_id":"t","name":"n","start_timestamp":"2026-01-02T03:04:05Z"},`+
		`{"id":"`+spans[1].ID+`","trace_id":"t","name":"n","start_timestamp":"2026-01-02T03:04:05Z"}]}`, body)
}
