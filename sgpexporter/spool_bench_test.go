package sgpexporter_test

import (
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter"
)

// One call with 512 small spans as [BenchmarkExportSnapshots] has it, with a spool: without an
// outage, and with an fsync before each request. Repeat with:
//
//	go test ./sgpexporter -run '^$' -bench Spool -benchmem
func BenchmarkSpool(b *testing.B) {
	for _, mode := range []sgpexporter.SpoolMode{sgpexporter.SpoolOnFailure, sgpexporter.SpoolAlways} {
		b.Run(mode.String(), func(b *testing.B) {
			exp, err := sgpexporter.New(sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(&http.Client{Transport: new(countingSink)}),
				sgpexporter.WithSpool(b.TempDir()), sgpexporter.WithSpoolMode(mode))
			require.NoError(b, err)
			defer func() { _ = exp.Shutdown(b.Context()) }()
			batch := ends(512)
			b.ReportAllocs()
			for b.Loop() {
				require.NoError(b, exp.ExportSnapshots(b.Context(), batch))
			}
			b.ReportMetric(float64(b.N)*512/b.Elapsed().Seconds(), "spans/s")
		})
	}
}

// countingSink is a sink for concurrent requests.
type countingSink struct{}

func (countingSink) RoundTrip(req *http.Request) (*http.Response, error) {
	return new(sink).RoundTrip(req)
}
