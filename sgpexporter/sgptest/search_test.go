package sgptest_test

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func search(t *testing.T, srv *sgptest.Server, query, body string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v5/spans/search?"+query, strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-api-key", "key")
	return send(t, srv, req)
}

// searched is a server with five spans in two traces.
func searched(t *testing.T) *sgptest.Server {
	t.Helper()
	srv := newServer(t)
	mustPut(t, srv,
		`{"trace_id":"t","id":"a","name":"turn","start_timestamp":"2026-01-02T03:00:00Z","end_timestamp":"2026-01-02T03:00:09Z","status":"SUCCESS","type":"AGENT_WORKFLOW","group_id":"g"}`,
		`{"trace_id":"t","id":"b","parent_id":"a","name":"chat","start_timestamp":"2026-01-02T03:00:01Z","end_timestamp":"2026-01-02T03:00:03Z","status":"ERROR","type":"COMPLETION","output":{"usage":{"input_tokens":9,"output_tokens":1}},"metadata":{"run":"7","n":7,"a.b":true}}`,
		`{"trace_id":"t","id":"c","parent_id":"a","name":"chat","start_timestamp":"2026-01-02T03:00:04Z","end_timestamp":"2026-01-02T03:00:05Z","status":"SUCCESS","type":"COMPLETION","output":{"usage":{"prompt_tokens":8,"completion_tokens":2}},"metadata":{"run":"7","n":8,"a":{"b":true}}}`,
		`{"trace_id":"t","id":"d","parent_id":"a","name":"tool","start_timestamp":"2026-01-02T03:00:06Z"}`,
		`{"trace_id":"u","id":"e","name":"turn","start_timestamp":"2026-01-03T03:00:00Z","end_timestamp":"2026-01-03T03:00:01Z","status":"CANCELED"}`,
	)
	return srv
}

func TestSearch(t *testing.T) {
	srv := searched(t)
	for _, tt := range []struct{ query, body, want string }{
		{"", `{}`, "a b c d e"},
		{"", `{"trace_ids":["t"]}`, "a b c d"},
		{"", `{"trace_ids":["u","v"]}`, "e"},
		{"", `{"span_ids":["d","b"]}`, "b d"},
		{"", `{"parent_ids":["a"]}`, "b c d"},
		{"", `{"parents_only":true}`, "a e"},
		{"", `{"names":["chat","tool"]}`, "b c d"},
		{"", `{"types":["COMPLETION"]}`, "b c"},
		{"", `{"statuses":["ERROR","CANCELED"]}`, "b e"},
		{"", `{"group_id":"g"}`, "a"},
		{"", `{"extra_metadata":{"run":"7"}}`, "b c"},
		{"", `{"extra_metadata":{"run":"7","n":8}}`, "c"},
		{"", `{"extra_metadata":{"run":7}}`, ""},
		{"", `{"extra_metadata":{"a.b":true}}`, "b"},
		{"", `{"trace_ids":["t"],"statuses":["SUCCESS"],"names":["chat"]}`, "c"},
		{"sort_order=desc", `{}`, "e d c b a"},
		{"sort_by=duration_ms&sort_order=desc", `{"trace_ids":["t"]}`, "a b c d"},
		{"sort_by=input_tokens", `{"names":["chat"]}`, "c b"},
		{"sort_by=output_tokens&sort_order=asc", `{"names":["chat"]}`, "b c"},
		{"limit=2", `{}`, "a b"},
		{"limit=2&starting_after=b", `{}`, "c d"},
		{"limit=2&starting_after=d", `{}`, "e"},
		{"starting_after=e", `{}`, ""},
		{"from_ts=2026-01-02T03:00:04Z", `{}`, "c d e"},
		{"from_ts=2026-01-02T03:00:01Z&to_ts=2026-01-02T03:00:06Z", `{}`, "b c d"},
	} {
		status, answer := search(t, srv, tt.query, tt.body)
		require.Equal(t, 200, status, answer)
		var found struct {
			Items []sgptest.Span `json:"items"`
		}
		require.NoError(t, json.Unmarshal([]byte(answer), &found))
		require.NotNil(t, found.Items)
		ids := []string{}
		for _, s := range found.Items {
			ids = append(ids, s.ID)
		}
		assert.Equal(t, tt.want, strings.Join(ids, " "), "%s %s", tt.query, tt.body)
	}
	assert.Len(t, srv.Requests(), 1, "a search is none")
}

func TestSearchAnswersWhatIsStored(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, minimal)
	_, answer := search(t, srv, "", `{}`)
	assert.Equal(t, items(minimal), answer)
}

func TestSearchRefused(t *testing.T) {
	srv := searched(t)
	ids := make([]string, 10_001)
	for i := range ids {
		ids[i] = `"` + strconv.Itoa(i) + `"`
	}
	for _, tt := range []struct {
		query, body string
		status      int
		answer      string
	}{
		{"", `{`, 400, `{"detail":"not JSON"}`},
		{"", `{"min_duration_ms":1}`, 422, `{"detail":"unknown field \"min_duration_ms\""}`},
		{"", `{"trace_ids":[` + strings.Join(ids, ",") + `]}`, 422, `{"detail":"has 10001 ids, more than 10000"}`},
		{"limit=0", `{}`, 422, `{"detail":"limit: must be a number from 1 to 1000","field":"limit"}`},
		{"limit=1001", `{}`, 422, `{"detail":"limit: must be a number from 1 to 1000","field":"limit"}`},
		{"sort_by=name", `{}`, 422, `{"detail":"sort_by: has no value \"name\"","field":"sort_by"}`},
		{"sort_order=up", `{}`, 422, `{"detail":"sort_order: must be asc or desc","field":"sort_order"}`},
		{"to_ts=now", `{}`, 422, `{"detail":"to_ts: is not an RFC 3339 timestamp","field":"to_ts"}`},
		{"page=2", `{}`, 422, `{"detail":"page: is not a parameter that this server knows","field":"page"}`},
		{"starting_after=z", `{}`, 422, `{"detail":"starting_after: is not the id of a span that the search finds","field":"starting_after"}`},
	} {
		status, answer := search(t, srv, tt.query, tt.body)
		assert.Equal(t, tt.status, status, tt.body)
		assert.Equal(t, tt.answer, answer)
	}
	resp, err := srv.Client().Get(srv.URL + "/v5/spans/search")
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Equal(t, 405, resp.StatusCode)
	assert.Equal(t, "POST", resp.Header.Get("Allow"))

	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, srv.URL+"/v5/spans/search", strings.NewReader(`{}`))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	status, _ := send(t, srv, req)
	assert.Equal(t, 401, status)
	assert.Empty(t, srv.Violations())
}

func TestSearchFindsBothRowsOfASpan(t *testing.T) {
	srv := newServer(t, sgptest.WithLenient())
	mustPut(t, srv, minimal)
	mustPut(t, srv, `{"trace_id":"t","id":"a","name":"n","start_timestamp":"2026-01-03T03:04:05Z"}`)
	_, answer := search(t, srv, "", `{"span_ids":["a"]}`)
	assert.Equal(t, items(minimal, `{"trace_id":"t","id":"a","name":"n","start_timestamp":"2026-01-03T03:04:05Z"}`), answer)
}
