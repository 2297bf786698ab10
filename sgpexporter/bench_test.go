package sgpexporter_test

import (
	"io"
	"net/http"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter"
)

// sink takes requests and keeps nothing.
type sink struct{ bytes int64 }

func (s *sink) RoundTrip(req *http.Request) (*http.Response, error) {
	n, err := io.Copy(io.Discard, req.Body)
	s.bytes += n
	_ = req.Body.Close()
	return &http.Response{
		StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
		Body: http.NoBody, Request: req,
	}, err
}

// One call with 512 small spans, without a network: mapping, encoding and all
// of the exporter's own work. Repeat with:
//
//	go test ./sgpexporter -run '^$' -bench ExportSnapshots -benchmem
func BenchmarkExportSnapshots(b *testing.B) {
	for _, compression := range []sgpexporter.Compression{sgpexporter.NoCompression, sgpexporter.GzipCompression} {
		b.Run(compression.String(), func(b *testing.B) {
			target := new(sink)
			exp, err := sgpexporter.New(sgpexporter.WithAPIKey(key), sgpexporter.WithCompression(compression),
				sgpexporter.WithHTTPClient(&http.Client{Transport: target}))
			require.NoError(b, err)
			batch := ends(512)
			b.ReportAllocs()
			for b.Loop() {
				if err := exp.ExportSnapshots(b.Context(), batch); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/512, "ns/span")
			b.ReportMetric(float64(target.bytes)/float64(b.N)/512, "B/span-sent")
		})
	}
}
