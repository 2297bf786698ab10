package sgpexporter_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// Without a MeterProvider too the requests are counted, and what became of them.
func TestRequestStats(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, exp := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()})
		srv.Inject(sgptest.Status(503), sgptest.Status(503))
		require.NoError(t, exp.ExportSnapshots(t.Context(), ends(2)))
		assert.Equal(t, sgpexporter.RequestStats{Sent: 3, Retries: 2}, exp.Stats().Requests)

		reject(srv, 400, "span 2")
		require.Error(t, exp.ExportSnapshots(t.Context(), ends(2)))
		assert.Equal(t, sgpexporter.RequestStats{Sent: 6, Retries: 2, Splits: 1, Refused: 1}, exp.Stats().Requests)
	})
	var none *sgpexporter.Exporter
	assert.Zero(t, none.Stats())
}
