package sgptest_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestCredentialsAreRedacted(t *testing.T) {
	srv := newServer(t, sgptest.WithCredentialRedaction())
	item := `{"trace_id":"t","id":"a","name":"GET with Bearer abcdefghijklmnop","start_timestamp":"2026-01-02T03:04:05Z",` +
		`"input":{"headers":{"Authorization":"Basic x","accept":"*/*"},"url":"postgres://me:hunter2@db:5432/x"},` +
		`"output":{"list":["sk-abcdefghijklmnopqrstu","fine",{"api_key":{"deep":1}}]},` +
		`"metadata":{"jwt":"see eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln here","usage":{"input_tokens":3}},` +
		`"expected":{"db.password":"p"},"group_id":"sk-abcdefghijklmnopqrstu"}`
	status, echo := put(t, srv, items(item))
	require.Equal(t, 200, status)
	got := srv.Spans()[0]
	assert.True(t, got.Redacted)
	assert.Equal(t, "GET with [REDACTED:credential]", got.Name)
	assert.Equal(t, map[string]any{
		"headers": map[string]any{"Authorization": "[REDACTED:credential]", "accept": "*/*"},
		"url":     "postgres://me:[REDACTED:credential]@db:5432/x",
	}, got.Input)
	assert.Equal(t, map[string]any{"list": []any{"[REDACTED:credential]", "fine", map[string]any{"api_key": "[REDACTED:credential]"}}}, got.Output)
	assert.Equal(t, map[string]any{"jwt": "see [REDACTED:credential] here", "usage": map[string]any{"input_tokens": 3.0}}, got.Metadata)
	assert.Equal(t, map[string]any{"db.password": "[REDACTED:credential]"}, got.Expected)
	assert.Equal(t, "sk-abcdefghijklmnopqrstu", got.GroupID, "not a field that is looked at")
	assert.Contains(t, echo, `"name":"GET with [REDACTED:credential]"`)
	assert.NotContains(t, echo, "hunter2")
	assert.Equal(t, item, string(got.Raw), "Raw is what was received")
}

func TestCredentialsStayByDefault(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, span(`,"input":{"password":"hunter2"}`))
	assert.Equal(t, map[string]any{"password": "hunter2"}, srv.Spans()[0].Input)
	assert.False(t, srv.Spans()[0].Redacted)
}

func TestWhatIsNoCredential(t *testing.T) {
	srv := newServer(t, sgptest.WithCredentialRedaction())
	item := span(`,"input":{"output_tokens":1,"a":"the bearer of news","b":"sk-short","c":"https://host:80/a@b","d":"secretary"}`)
	status, echo := put(t, srv, items(item))
	require.Equal(t, 200, status)
	assert.Equal(t, items(item), echo)
	assert.False(t, srv.Spans()[0].Redacted)
}
