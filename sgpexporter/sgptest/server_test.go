package sgptest_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

func newServer(t *testing.T, opts ...sgptest.Option) *sgptest.Server {
	t.Helper()
	srv := sgptest.NewServer(opts...)
	t.Cleanup(srv.Close)
	return srv
}

// newPut is a request that only its body can make wrong.
func newPut(t *testing.T, srv *sgptest.Server, body string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, srv.URL+"/v5/spans/batch", strings.NewReader(body))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-api-key", "key")
	return req
}

// send returns the answer's status and body.
func send(t *testing.T, srv *sgptest.Server, req *http.Request) (int, string) {
	t.Helper()
	resp, err := srv.Client().Do(req)
	require.NoError(t, err)
	defer func() { _ = resp.Body.Close() }()
	body, err := io.ReadAll(resp.Body)
	require.NoError(t, err)
	return resp.StatusCode, string(body)
}

func put(t *testing.T, srv *sgptest.Server, body string) (int, string) {
	t.Helper()
	return send(t, srv, newPut(t, srv, body))
}

// mustPut stores items.
func mustPut(t *testing.T, srv *sgptest.Server, items ...string) {
	t.Helper()
	status, body := put(t, srv, `{"items":[`+strings.Join(items, ",")+`]}`)
	require.Equal(t, 200, status, body)
}

const minimal = `{"trace_id":"t","id":"a","name":"n","start_timestamp":"2026-01-02T03:04:05Z"}`

func TestServerStoresAndEchoes(t *testing.T) {
	srv := newServer(t)
	item := `{"trace_id":"t", "id":"a","name":"n","start_timestamp":"2026-01-02T03:04:05.000000006Z","input":{"n":9007199254740993}}`
	status, body := put(t, srv, `{"items":[`+item+`]}`)
	assert.Equal(t, 200, status)
	assert.Equal(t, `{"items":[`+item+`]}`, body)

	spans := srv.Spans()
	require.Len(t, spans, 1)
	assert.Equal(t, "a", spans[0].ID)
	assert.Equal(t, item, string(spans[0].Raw))
	assert.False(t, spans[0].Completed())
	require.Len(t, srv.Requests(), 1)
	assert.Equal(t, 200, srv.Requests()[0].Status)
	assert.True(t, srv.Requests()[0].Stored)
	assert.Empty(t, srv.Violations())
}
