package sgpexporter_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestRefusedKeyIsReportedOnceAndRecovers(t *testing.T) {
	srv, exp := newRefused(t, []sgptest.Option{sgptest.WithAPIKey("another")}, sgpexporter.WithMaxRequestItems(2))
	errs := sgpexporter.Handled(t)
	for range 3 {
		err := exp.ExportSnapshots(t.Context(), ends(6))
		require.ErrorIs(t, err, sgpexporter.ErrUnauthorized)
		one := lost(t, err)
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5}, one.Undelivered)
		assert.Equal(t, sgpexporter.ReasonUnauthorized, one.Reason)
	}
	assert.Equal(t, 3, requests(srv), "no storm")
	require.Len(t, errs.All(), 1)
	assert.ErrorContains(t, errs.All()[0], "sgpexporter: no spans are delivered: SGP answered 403 Forbidden")
	assert.ErrorContains(t, errs.All()[0], "check that the API key (from WithAPIKey; or set SGP_API_KEY) is valid for the base URL "+
		srv.URL+" (from WithBaseURL; or set SGP_CLIENT_BASE_URL) and may write to the account")

	srv.SetAPIKey(key)
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(6)))
	assert.Equal(t, 6, len(srv.Spans()))
}

// Whoever reads it sees which key and which address are in use, and what sets them.
func TestRefusedKeySaysWhatToCheck(t *testing.T) {
	srv := sgptest.NewServer(sgptest.WithAPIKey("another"))
	defer srv.Close()
	errs := sgpexporter.Handled(t)
	t.Setenv("SGP_API_KEY", key)
	t.Setenv("SGP_CLIENT_BASE_URL", srv.URL+"/proxy/")
	srv.SetFault(func(*sgptest.Request) sgptest.Fault {
		return sgptest.Status(401).Body("application/json", `{"detail":"`+key+` is not known"}`)
	})
	exp, err := sgpexporter.New()
	require.NoError(t, err)
	require.Error(t, exp.ExportSnapshots(t.Context(), ends(1)))
	require.NoError(t, exp.Shutdown(t.Context()))
	require.Len(t, errs.All(), 1)
	assert.EqualError(t, errs.All()[0], "sgpexporter: no spans are delivered: SGP answered 401 Unauthorized: [API key] is not known; "+
		"check that the API key (from SGP_API_KEY; or use WithAPIKey) is valid for the base URL "+srv.URL+
		"/proxy (from SGP_CLIENT_BASE_URL; or use WithBaseURL) and may write to the account")
}

func TestKeyRotation(t *testing.T) {
	current := "key-1"
	srv, exp := newRefused(t, []sgptest.Option{sgptest.WithAPIKey("key-1")},
		sgpexporter.WithAPIKeySource(func(context.Context) (string, error) { return current, nil }))
	errs := sgpexporter.Handled(t)
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(1)))
	current = "key-2"
	srv.SetAPIKey("key-2")
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(2)))
	assert.Equal(t, 2, len(srv.Spans()))
	assert.Equal(t, 3, requests(srv))
	assert.Empty(t, errs.All())
}
