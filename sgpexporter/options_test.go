package sgpexporter_test

import (
	"os"
	"path/filepath"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// An application that changes its working directory keeps its spool.
func TestRelativeSpoolDirectoryIsThatOfNew(t *testing.T) {
	first, second := t.TempDir(), t.TempDir()
	t.Chdir(first)
	srv, exp := newExporter(t, nil, sgpexporter.WithSpool("spool"))
	isDown(srv)
	require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 1)}))
	require.NoError(t, os.Chdir(second))
	require.NoError(t, exp.KeepSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(end, 2)}))
	assert.Equal(t, int64(2), exp.Stats().Spool.Items)
	assert.NoDirExists(t, filepath.Join(second, "spool"))
	srv.SetFault(nil)
	eventually(t, "all is delivered", func() bool { return exp.Stats().Spool.Items == 0 })
}

// Names of headers are the same in capital letters: the later one counts.
func TestLaterHeaderCounts(t *testing.T) {
	for _, names := range [][2]string{{"X-Team", "x-team"}, {"x-team", "X-Team"}} {
		srv, exp := newExporter(t, nil, sgpexporter.WithHeaders(map[string]string{names[0]: "first"}),
			sgpexporter.WithHeaders(map[string]string{names[1]: "second"}))
		require.NoError(t, exp.ExportSnapshots(t.Context(), ends(1)))
		assert.Equal(t, []string{"second"}, srv.Requests()[0].Header["X-Team"])
	}
}

// An option can be given to several calls of New, at the same time too.
func TestOptionsConcurrentSafe(t *testing.T) {
	opts := []sgpexporter.Option{
		sgpexporter.WithAPIKey(key), sgpexporter.WithBaseURL("https://sgp.test"), sgpexporter.WithHeaders(map[string]string{"X-Team": "a"}),
		sgpexporter.WithRetry(sgpexporter.RetryConfig{Enabled: true}), sgpexporter.WithMetadataAttributes("user.id"),
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			exp, err := sgpexporter.New(opts...)
			assert.NoError(t, err)
			assert.NoError(t, exp.Shutdown(t.Context()))
		})
	}
	all.Wait()
}
