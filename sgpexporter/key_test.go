package sgpexporter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

const whatToCheck = "SGP answered 403 Forbidden: x-api-key: is not valid; check that the API key (from WithAPIKey; or set SGP_API_KEY) " +
	"is valid for the base URL http://sgptest.invalid (from WithBaseURL; or set SGP_CLIENT_BASE_URL) and may write to the account"

// A key that is refused is told at once, and its spans wait: it may come back.
func TestRefusedKeyWaitsAndRecovers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, exp := newRefused(t, []sgptest.Option{sgptest.WithAPIKey("another"), sgptest.WithInMemoryNetwork()})
		told := sgpexporter.Listen(exp)
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
		defer cancel()
		err := persist(ctx, exp, ends(6))
		require.ErrorIs(t, err, sgpexporter.ErrUnauthorized)
		assert.Equal(t, []int{0, 1, 2, 3, 4, 5}, lost(t, err).Undelivered)
		assert.Equal(t, sgpexporter.ReasonUnauthorized, lost(t, err).Reason)
		assert.True(t, lost(t, err).Retryable)
		assert.ErrorContains(t, err, whatToCheck)
		assert.Less(t, requests(srv), 30, "no storm")
		assert.Equal(t, []string{"sgpexporter: no spans are delivered, they wait in the queue: " + whatToCheck}, told.Warnings())

		srv.SetAPIKey(key)
		require.NoError(t, persist(t.Context(), exp, ends(6)))
		assert.Equal(t, 6, len(srv.Spans()))
	})
}

// A key that is accepted and refused in turns does not flood the log.
func TestKeyRefusedNowAndThenIsToldOnceAMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, exp := newRefused(t, []sgptest.Option{sgptest.WithAPIKey(key), sgptest.WithInMemoryNetwork()})
		told := sgpexporter.Listen(exp)
		for range 20 {
			srv.SetAPIKey("another")
			time.AfterFunc(5*time.Second, func() { srv.SetAPIKey(key) })
			require.NoError(t, persist(t.Context(), exp, ends(1)))
		}
		assert.GreaterOrEqual(t, len(told.Warnings()), 2)
		assert.LessOrEqual(t, len(told.Warnings()), 5)
	})
}

// Whoever reads it sees which key and which address are in use, and what sets them.
func TestRefusedKeySaysWhatToCheck(t *testing.T) {
	srv := sgptest.NewServer(sgptest.WithAPIKey("another"))
	defer srv.Close()
	t.Setenv("SGP_API_KEY", key)
	t.Setenv("SGP_CLIENT_BASE_URL", srv.URL+"/proxy/")
	srv.SetFault(func(*sgptest.Request) sgptest.Fault {
		return sgptest.Status(401).Body("application/json", `{"detail":"`+key+` is not known"}`)
	})
	exp, err := sgpexporter.New(sgpexporter.WithRetry(sgpexporter.RetryConfig{}))
	require.NoError(t, err)
	told := sgpexporter.Listen(exp)
	require.Error(t, exp.ExportSnapshots(t.Context(), ends(1)))
	require.NoError(t, exp.Shutdown(t.Context()))
	assert.Equal(t, []string{"sgpexporter: no spans are delivered, they wait in the queue: SGP answered 401 Unauthorized: [API key] is not known; " +
		"check that the API key (from SGP_API_KEY; or use WithAPIKey) is valid for the base URL " + srv.URL +
		"/proxy (from SGP_CLIENT_BASE_URL; or use WithBaseURL) and may write to the account"}, told.Warnings())
}

func TestKeyRotation(t *testing.T) {
	current := "key-1"
	srv, exp := newRefused(t, []sgptest.Option{sgptest.WithAPIKey("key-1")},
		sgpexporter.WithAPIKeySource(func(context.Context) (string, error) { return current, nil }))
	told := sgpexporter.Listen(exp)
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(1)))
	current = "key-2"
	srv.SetAPIKey("key-2")
	require.NoError(t, exp.ExportSnapshots(t.Context(), ends(2)))
	assert.Equal(t, 2, len(srv.Spans()))
	assert.Equal(t, 3, requests(srv))
	assert.Empty(t, told.Warnings())
}
