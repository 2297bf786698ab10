package sgpexporter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// An answer that is not SGP's says nothing of the spans. It is told what came, from
// where, and what to check.
func TestNotSGP(t *testing.T) {
	for name, c := range map[string]struct {
		fault sgptest.Fault
		is    error
		says  string
	}{
		"login page": {sgptest.HTML(), sgpexporter.ErrNotSGP, "200 OK and a page (text/html; charset=utf-8)"},
		"redirect": {sgptest.Redirect(302, "https://login.test/?next=secret"), sgpexporter.ErrRedirected,
			"302 Found: a redirect to https://login.test that is not followed"},
		"not found": {sgptest.Status(404), nil, "404 Not Found: injected"},
		"not implemented": {sgptest.Status(501).Body("text/html", "<html>"), sgpexporter.ErrNotSGP,
			"501 Not Implemented and a page (text/html)"},
		"proxy without credentials": {sgptest.Status(407), nil, "407 Proxy Authentication Required: injected"},
		"captive portal": {sgptest.Status(511).Body("text/html", "<html>"), sgpexporter.ErrNotSGP,
			"511 Network Authentication Required and a page (text/html)"},
		"forbidden by a proxy": {sgptest.Status(403).Body("text/html", "<html>"), sgpexporter.ErrNotSGP,
			"403 Forbidden and a page (text/html)"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()})
				told := sgpexporter.Listen(exp)
				srv.SetFault(func(*sgptest.Request) sgptest.Fault { return c.fault })
				ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
				defer cancel()
				err := exp.ExportSnapshots(ctx, ends(3))
				if c.is != nil {
					require.ErrorIs(t, err, c.is)
				}
				assert.Equal(t, []int{0, 1, 2}, lost(t, err).Undelivered)
				assert.Equal(t, asyncprocessor.ReasonExportFailed, lost(t, err).Reason)
				assert.True(t, lost(t, err).Retryable)
				require.Len(t, told.Warnings(), 1, "within seconds")
				for _, text := range []string{err.Error(), told.Warnings()[0]} {
					assert.Contains(t, text, "http://sgptest.invalid/v5/spans/batch answered PUT with "+c.says+
						"; SGP would not: check the base URL (WithBaseURL or SGP_CLIENT_BASE_URL) and what stands between it and this process")
					assert.NotContains(t, text, "secret")
				}
				srv.ClearFaults()
				require.NoError(t, exp.ExportSnapshots(t.Context(), ends(3)))
				assert.Len(t, srv.Spans(), 3)
			})
		})
	}
}

// A base URL that has the path already is told of with what to do.
func TestBaseURLWithPath(t *testing.T) {
	srv := sgptest.NewServer()
	defer srv.Close()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL+"/v5/spans"), sgpexporter.WithAPIKey(key),
		sgpexporter.WithRetry(sgpexporter.RetryConfig{}))
	require.NoError(t, err)
	err = exp.ExportSnapshots(t.Context(), ends(1))
	assert.ErrorContains(t, err, srv.URL+"/v5/spans/v5/spans/batch answered PUT with 404 Not Found: no such path; SGP would not: "+
		"check the base URL (WithBaseURL or SGP_CLIENT_BASE_URL), which must not contain /v5, and what stands between it and this process")
	require.NoError(t, exp.Shutdown(t.Context()))
}
