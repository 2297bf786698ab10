package sgptest_test

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// span is an item with the required fields and what is given, which may not
// repeat them.
func span(more string) string {
	return `{"trace_id":"t","id":"a","name":"n","start_timestamp":"2026-01-02T03:04:05Z"` + more + `}`
}

// ids is an item in the place of a tree.
func ids(trace, id, parent string) string {
	item := `{"trace_id":"` + trace + `","id":"` + id + `","name":"n","start_timestamp":"2026-01-02T03:04:05Z"`
	if parent != "" {
		item += `,"parent_id":"` + parent + `"`
	}
	return item + "}"
}

// refused is a body that is refused, and the answer.
type refused struct {
	name   string
	body   string
	status int
	answer string
}

func items(list ...string) string { return `{"items":[` + strings.Join(list, ",") + `]}` }

// field is the answer to an item 0 with a field at fault.
func field(name, reason string) string {
	return `{"detail":"items[0].` + name + `: ` + reason + `","item":0,"field":"` + name + `"}`
}

func checkRefused(t *testing.T, cases []refused, opts ...sgptest.Option) {
	t.Helper()
	for _, tt := range cases {
		t.Run(tt.name, func(t *testing.T) {
			srv := newServer(t, opts...)
			status, answer := put(t, srv, tt.body)
			assert.Equal(t, tt.status, status)
			assert.Equal(t, tt.answer, answer)
			assert.Empty(t, srv.Spans())
			require.Len(t, srv.Requests(), 1)
			r := srv.Requests()[0]
			assert.Equal(t, tt.status, r.Status)
			assert.False(t, r.Stored)
			require.NotNil(t, r.Rejection)
			assert.Equal(t, tt.status, r.Rejection.Status)
			require.Len(t, srv.Violations(), 1)
			assert.Equal(t, sgptest.Rejected, srv.Violations()[0].Kind)
			assert.Equal(t, uint64(1), srv.Violations()[0].Request)
		})
	}
}

func TestBodyRefused(t *testing.T) {
	many := func(n int, extra ...string) string {
		list := extra
		for i := range n - len(extra) {
			list = append(list, ids("t", fmt.Sprintf("s%d", i), ""))
		}
		return items(list...)
	}
	checkRefused(t, []refused{
		{"empty", "", 400, `{"detail":"not JSON: unexpected end of JSON input"}`},
		{"cut off", `{"items":[`, 400, `{"detail":"not JSON: unexpected end of JSON input"}`},
		{"more behind it", items(minimal) + "{}", 400, `{"detail":"not JSON: invalid character '{' after top-level value"}`},
		{"raw NUL", items(span(",\"group_id\":\"g\x00\"")), 400,
			`{"detail":"not JSON: invalid character '\\x00' in string literal"}`},
		{"an array", `[` + minimal + `]`, 422, `{"detail":"the body must be an object"}`},
		{"a scalar", `1`, 422, `{"detail":"the body must be an object"}`},
		{"no items", `{}`, 422, `{"detail":"items: is required","field":"items"}`},
		{"items in another case", `{"Items":[]}`, 422, `{"detail":"Items: is not a field of the request","field":"Items"}`},
		{"items null", `{"items":null}`, 422, `{"detail":"items: must be an array","field":"items"}`},
		{"items an object", `{"items":{}}`, 422, `{"detail":"items: must be an array","field":"items"}`},
		{"items twice", `{"items":[],"items":[]}`, 422, `{"detail":"items: is given twice","field":"items"}`},
		{"another field", `{"items":[],"spans":[]}`, 422, `{"detail":"spans: is not a field of the request","field":"spans"}`},
		{"1001 items", many(1001), 422, `{"detail":"items: has 1001 items, more than 1000","field":"items"}`},
		{"1001 items, the first of them bad", many(1001, `1`), 422,
			`{"detail":"items: has 1001 items, more than 1000","field":"items"}`},
		{"an item that is no object", items(minimal, `"x"`), 422, `{"detail":"items[1]: must be an object","item":1}`},
		{"an item that is null", items(`null`), 422, `{"detail":"items[0]: must be an object","item":0}`},
		{"the second item bad", items(minimal, span(`,"type":"X"`), span(`,"type":"Y"`)), 422,
			`{"detail":"items[1].type: has no value \"X\"","item":1,"field":"type"}`},
	})
}

func TestBodyOf1000ItemsIsStored(t *testing.T) {
	srv := newServer(t)
	list := make([]string, 1000)
	for i := range list {
		list[i] = ids("t", fmt.Sprintf("s%d", i), "")
	}
	mustPut(t, srv, list...)
	assert.Len(t, srv.Spans(), 1000)
}

func TestEmptyBatchIsStored(t *testing.T) {
	srv := newServer(t)
	status, body := put(t, srv, `{"items":[]}`)
	assert.Equal(t, 200, status)
	assert.Equal(t, `{"items":[]}`, body)
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

func TestParentsRefused(t *testing.T) {
	answer := func(item int, reason string) string {
		return fmt.Sprintf(`{"detail":"items[%d].parent_id: %s","item":%d,"field":"parent_id"}`, item, reason, item)
	}
	cases := []refused{
		{"its own parent", items(ids("t", "a", "a")), 409, answer(0, "is part of a cycle")},
		{"a cycle of two", items(ids("t", "a", "b"), ids("t", "b", "a")), 409, answer(0, "is part of a cycle")},
		{"a cycle of three behind a tail", items(ids("t", "x", "a"), ids("t", "a", "b"), ids("t", "b", "c"), ids("t", "c", "a")), 409,
			answer(1, "is part of a cycle")},
		{"a cycle made by the last of repeated ids", items(ids("t", "a", ""), ids("t", "b", "a"), ids("t", "a", "b")), 409,
			answer(1, "is part of a cycle")},
		{"another trace", items(ids("t", "a", ""), ids("u", "b", "a")), 409, answer(1, "belongs to another trace")},
		{"another trace, later in the request", items(ids("u", "b", "a"), ids("t", "a", "")), 409, answer(0, "belongs to another trace")},
	}
	checkRefused(t, cases)
	checkRefused(t, cases, sgptest.WithOlderStore())
}

func TestParentsAccepted(t *testing.T) {
	for name, list := range map[string][]string{
		"child before parent":                            {ids("t", "b", "a"), ids("t", "a", "")},
		"a cycle undone by the last of repeated ids":     {ids("t", "a", "b"), ids("t", "b", "a"), ids("t", "a", "")},
		"the parent's id in another trace too":           {ids("t", "a", ""), ids("u", "a", ""), ids("u", "b", "a")},
		"two children of one parent":                     {ids("t", "a", ""), ids("t", "b", "a"), ids("t", "c", "a")},
		"a parent elsewhere that the last does not have": {ids("t", "a", ""), ids("u", "b", "a"), ids("u", "b", "")},
	} {
		t.Run(name, func(t *testing.T) {
			mustPut(t, newServer(t), list...)
		})
	}
}

func TestParentInAnotherStoredTraceIsRefused(t *testing.T) {
	for _, opts := range [][]sgptest.Option{nil, {sgptest.WithOlderStore()}} {
		srv := newServer(t, opts...)
		mustPut(t, srv, ids("t", "a", ""))
		status, body := put(t, srv, items(ids("u", "x", ""), ids("u", "b", "a")))
		assert.Equal(t, 409, status)
		assert.Equal(t, `{"detail":"items[1].parent_id: belongs to another trace","item":1,"field":"parent_id"}`, body)
		assert.Len(t, srv.Spans(), 1, "all or nothing")
		mustPut(t, srv, ids("t", "c", "a"))
	}
}

// In the older store the request moves the parent to its own trace.
func TestParentThatTheRequestWritesInAnotherTrace(t *testing.T) {
	for want, opts := range map[int][]sgptest.Option{200: nil, 409: {sgptest.WithOlderStore()}} {
		srv := newServer(t, opts...)
		mustPut(t, srv, ids("t", "p", ""))
		status, answer := put(t, srv, items(ids("u", "p", ""), ids("t", "c", "p")))
		assert.Equal(t, want, status, answer)
	}
}

func TestRequestRefused(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(r *http.Request)
		status int
		answer string
	}{
		{"another path", func(r *http.Request) { r.URL.Path = "/v5/spans" }, 404, `{"detail":"no such path"}`},
		{"a slash at the end", func(r *http.Request) { r.URL.Path += "/" }, 404, `{"detail":"no such path"}`},
		{"POST", func(r *http.Request) { r.Method = http.MethodPost }, 405, `{"detail":"the method must be PUT"}`},
		{"GET", func(r *http.Request) { r.Method = http.MethodGet }, 405, `{"detail":"the method must be PUT"}`},
		{"no key", func(r *http.Request) { r.Header.Del("x-api-key") }, 401, `{"detail":"x-api-key: is missing","field":"x-api-key"}`},
		{"key empty", func(r *http.Request) { r.Header.Set("x-api-key", "") }, 401, `{"detail":"x-api-key: is missing","field":"x-api-key"}`},
		{"another key", func(r *http.Request) { r.Header.Set("x-api-key", "Key") }, 403, `{"detail":"x-api-key: is not valid","field":"x-api-key"}`},
		{"no account", func(r *http.Request) { r.Header.Del("x-selected-account-id") }, 403,
			`{"detail":"x-selected-account-id: is missing or not an account of this key","field":"x-selected-account-id"}`},
		{"another account", func(r *http.Request) { r.Header.Set("x-selected-account-id", "b") }, 403,
			`{"detail":"x-selected-account-id: is missing or not an account of this key","field":"x-selected-account-id"}`},
		{"no content type", func(r *http.Request) { r.Header.Del("Content-Type") }, 415,
			`{"detail":"Content-Type: must be application/json","field":"Content-Type"}`},
		{"text", func(r *http.Request) { r.Header.Set("Content-Type", "text/plain") }, 415,
			`{"detail":"Content-Type: must be application/json","field":"Content-Type"}`},
		{"another charset", func(r *http.Request) { r.Header.Set("Content-Type", "application/json; charset=latin1") }, 415,
			`{"detail":"Content-Type: must be application/json","field":"Content-Type"}`},
		{"brotli", func(r *http.Request) { r.Header.Set("Content-Encoding", "br") }, 415,
			`{"detail":"Content-Encoding: must be gzip or absent","field":"Content-Encoding"}`},
		{"wrong key and path", func(r *http.Request) { r.URL.Path = "/"; r.Header.Del("x-api-key") }, 404, `{"detail":"no such path"}`},
		{"wrong key and type", func(r *http.Request) { r.Header.Del("Content-Type"); r.Header.Del("x-api-key") }, 401,
			`{"detail":"x-api-key: is missing","field":"x-api-key"}`},
		{"wrong key and not gzip", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip"); r.Header.Del("x-api-key") }, 401,
			`{"detail":"x-api-key: is missing","field":"x-api-key"}`},
		{"not gzip", func(r *http.Request) { r.Header.Set("Content-Encoding", "gzip") }, 400,
			`{"detail":"Content-Encoding: the body is not gzip","field":"Content-Encoding"}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := newServer(t, sgptest.WithAPIKey("key"), sgptest.WithAccountID("acct"))
			req := newPut(t, srv, items(minimal))
			req.Header.Set("x-selected-account-id", "acct")
			tt.change(req)
			status, answer := send(t, srv, req)
			assert.Equal(t, tt.status, status)
			assert.Equal(t, tt.answer, answer)
			assert.Empty(t, srv.Spans())
			require.Len(t, srv.Requests(), 1)
			assert.Equal(t, tt.status, srv.Requests()[0].Status)
			require.Len(t, srv.Violations(), 1)
		})
	}
}

func TestRequestAccepted(t *testing.T) {
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	_, err := zw.Write([]byte(items(minimal)))
	require.NoError(t, err)
	require.NoError(t, zw.Close())
	for _, tt := range []struct {
		name     string
		body     string
		encoding string
		typ      string
	}{
		{"plain", items(minimal), "", "application/json"},
		{"a charset", items(minimal), "", "application/json; charset=UTF-8"},
		{"identity", items(minimal), "identity", "application/json"},
		{"gzip", zipped.String(), "gzip", "application/json"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := newServer(t, sgptest.WithAPIKey("key"), sgptest.WithAccountID("acct"))
			req := newPut(t, srv, tt.body)
			req.Header.Set("x-selected-account-id", "acct")
			req.Header.Set("Content-Type", tt.typ)
			if tt.encoding != "" {
				req.Header.Set("Content-Encoding", tt.encoding)
			}
			status, answer := send(t, srv, req)
			require.Equal(t, 200, status, answer)
			r := srv.Requests()[0]
			assert.Equal(t, items(minimal), string(r.Body))
			assert.Equal(t, int64(len(tt.body)), r.WireBytes)
			require.Len(t, r.Items, 1)
			assert.Equal(t, "a", r.Items[0].ID)
			assert.Equal(t, "PUT", r.Method)
			assert.Equal(t, "/v5/spans/batch", r.Path)
			assert.Equal(t, "acct", r.Header.Get("X-Selected-Account-Id"))
		})
	}
}

func TestMethodNotAllowedNamesTheMethod(t *testing.T) {
	srv := newServer(t)
	resp, err := srv.Client().Get(srv.URL + "/v5/spans/batch")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, 405, resp.StatusCode)
	assert.Equal(t, "PUT", resp.Header.Get("Allow"))
	assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
}

func TestBodyTooLarge(t *testing.T) {
	body := items(span(`,"metadata":{"s":"` + strings.Repeat("x", 2000) + `"}`))
	var zipped bytes.Buffer
	zw := gzip.NewWriter(&zipped)
	_, err := zw.Write([]byte(body))
	require.NoError(t, err)
	require.NoError(t, zw.Close())
	require.Less(t, zipped.Len(), 1000)

	srv := newServer(t, sgptest.WithMaxBodyBytes(1000))
	status, answer := put(t, srv, body)
	assert.Equal(t, 413, status)
	assert.Equal(t, `{"detail":"the body has more than 1000 bytes"}`, answer)
	assert.Equal(t, int64(len(body)), srv.Requests()[0].WireBytes)

	req := newPut(t, srv, zipped.String())
	req.Header.Set("Content-Encoding", "gzip")
	status, answer = send(t, srv, req)
	assert.Equal(t, 413, status)
	assert.Equal(t, `{"detail":"the body has more than 1000 bytes"}`, answer)
	assert.Empty(t, srv.Spans())

	exact := newServer(t, sgptest.WithMaxBodyBytes(int64(len(body))))
	status, _ = put(t, exact, body)
	assert.Equal(t, 200, status)
	unbounded := newServer(t, sgptest.WithMaxBodyBytes(0))
	status, _ = put(t, unbounded, body)
	assert.Equal(t, 200, status)
}

func TestSetAPIKey(t *testing.T) {
	srv := newServer(t)
	srv.SetAPIKey("other")
	status, _ := put(t, srv, items(minimal))
	assert.Equal(t, 403, status)
	srv.SetAPIKey("")
	status, _ = put(t, srv, items(minimal))
	assert.Equal(t, 200, status)
}

func TestLenientAccepts(t *testing.T) {
	for name, body := range map[string]string{
		"unknown field":            items(span(`,"attributes":{"a":1}`)),
		"null in optional fields":  items(span(`,"end_timestamp":null,"parent_id":null,"input":null,"type":null,"obs_trace_id":null`)),
		"null in id":               items(`{"trace_id":"t","id":null,"name":"n","start_timestamp":"2026-01-02T03:04:05Z"}`),
		"another request field":    `{"items":[` + minimal + `],"dry_run":false}`,
		"a field twice, last wins": items(span(`,"group_id":"f","group_id":"g"`)),
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t, sgptest.WithLenient())
			status, answer := put(t, srv, body)
			assert.Equal(t, 200, status, answer)
			require.Len(t, srv.Spans(), 1)
			assert.NotEqual(t, "f", srv.Spans()[0].GroupID)
		})
	}
	checkRefused(t, []refused{
		{"null in a required field", items(`{"trace_id":"t","id":"a","name":"n","start_timestamp":null}`), 422,
			field("start_timestamp", "is required")},
		{"end before start", items(span(`,"end_timestamp":"2025-01-02T03:04:05Z"`)), 422,
			field("end_timestamp", "precedes start_timestamp")},
	}, sgptest.WithLenient())
}
