package sgptest_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestResetConnection(t *testing.T) {
	for name, tt := range map[string]struct {
		fault  sgptest.Fault
		stored int
	}{
		"nothing stored": {sgptest.ResetConnection(), 0},
		"stored":         {sgptest.ResetConnection().Stored(), 1},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t)
			srv.Inject(tt.fault)
			resp, err := srv.Client().Do(newPut(t, srv, items(minimal)))
			if err == nil {
				_ = resp.Body.Close()
			}
			require.ErrorIs(t, err, syscall.ECONNRESET)
			assert.Len(t, srv.Spans(), tt.stored)
			assert.Zero(t, srv.Requests()[0].Status)
			mustPut(t, srv, minimal)
		})
	}
}

func TestTruncate(t *testing.T) {
	for n, want := range map[int]string{-1: "", 0: "", 12: `{"items":[{"`, 1000: items(minimal)} {
		srv := newServer(t)
		srv.Inject(sgptest.Truncate(n))
		resp, err := srv.Client().Do(newPut(t, srv, items(minimal)))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode)
		assert.Equal(t, want, string(body))
		if n < 1000 {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		} else {
			require.NoError(t, err)
		}
		assert.Len(t, srv.Spans(), 1)
		assert.Equal(t, 200, srv.Requests()[0].Status)
	}
}

// A server that stands behind another listener, here with HTTP/2 over TLS.
func TestFaultsOverHTTP2(t *testing.T) {
	srv := sgptest.NewUnstartedServer()
	front := httptest.NewUnstartedServer(srv)
	front.EnableHTTP2 = true
	front.StartTLS()
	defer front.Close()
	defer srv.Close()
	send := func() (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, front.URL+"/v5/spans/batch", strings.NewReader(items(minimal)))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("x-api-key", "key")
		resp, err := front.Client().Do(req)
		if err != nil {
			return "", err
		}
		defer func() { _ = resp.Body.Close() }()
		assert.Equal(t, 2, resp.ProtoMajor)
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	srv.Inject(sgptest.ResetConnection(), sgptest.Truncate(3))
	_, err := send()
	require.Error(t, err)
	body, err := send()
	require.Error(t, err)
	assert.Equal(t, `{"i`, body)
	body, err = send()
	require.NoError(t, err)
	assert.Equal(t, items(minimal), body)
	assert.Len(t, srv.Requests(), 3)
}

func TestResetConnectionOverTLS(t *testing.T) {
	srv := sgptest.NewUnstartedServer()
	front := httptest.NewUnstartedServer(srv)
	front.TLS = &tls.Config{NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	front.StartTLS()
	defer front.Close()
	defer srv.Close()
	srv.Inject(sgptest.ResetConnection())
	resp, err := front.Client().Get(front.URL)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

// A connection that has gone silent takes what is sent, and answers nothing; another one
// does.
func TestSilenceConnections(t *testing.T) {
	srv := newServer(t)
	status, _ := put(t, srv, items(minimal))
	require.Equal(t, 200, status)
	assert.Equal(t, 1, srv.SilenceConnections())
	assert.Zero(t, srv.SilenceConnections())

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, srv.URL+"/v5/spans/batch", strings.NewReader(items(minimal)))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-api-key", "any")
	_, err = srv.Client().Do(req) //nolint:bodyclose // there is no answer
	require.ErrorIs(t, err, context.DeadlineExceeded)

	status, _ = put(t, srv, items(minimal))
	assert.Equal(t, 200, status, "the client has dialled anew")
	assert.Len(t, srv.Requests(), 2)

	unstarted := sgptest.NewUnstartedServer()
	assert.Zero(t, unstarted.SilenceConnections())
	unstarted.Close()
}
