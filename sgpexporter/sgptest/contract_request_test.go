package sgptest_test

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

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
