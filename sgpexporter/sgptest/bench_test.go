package sgptest_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// BenchmarkThousandItems is what one full request of 1 KiB spans costs the
// server: go test -bench ThousandItems -benchmem ./sgpexporter/sgptest
func BenchmarkThousandItems(b *testing.B) {
	list := make([]string, 1000)
	for i := range list {
		list[i] = fmt.Sprintf(`{"trace_id":"t%d","id":"s%d","name":"n","start_timestamp":"2026-01-02T03:04:05Z","metadata":{"s":%q,"n":%d,"l":[1,2,3]}}`,
			i%10, i, strings.Repeat("x", 850), i)
	}
	body := items(list...)
	for name, opts := range map[string][]sgptest.Option{
		"recording":        {sgptest.WithMaxRequests(10)},
		"withoutRecording": {sgptest.WithoutRecording()},
	} {
		b.Run(name, func(b *testing.B) {
			srv := sgptest.NewUnstartedServer(opts...)
			defer srv.Close()
			b.SetBytes(int64(len(body)))
			for b.Loop() {
				req := httptest.NewRequest(http.MethodPut, "/v5/spans/batch", strings.NewReader(body))
				req.Header.Set("Content-Type", "application/json")
				req.Header.Set("x-api-key", "key")
				w := httptest.NewRecorder()
				srv.ServeHTTP(w, req)
				if w.Code != http.StatusOK {
					b.Fatal(w.Body.String())
				}
			}
		})
	}
}
