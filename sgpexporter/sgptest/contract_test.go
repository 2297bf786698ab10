package sgptest_test

import (
	"fmt"
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
