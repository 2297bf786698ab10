package transport

import (
	"fmt"
	"net/url"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// The items of the other tests here are plain strings, since to this package an item
// is bytes: no server of SGP's would take them, and sgptest does not see them. So this
// one has it judge what the package puts around items: method, path, headers, body and
// compression, of requests that are whole, halved, repeated and redirected. Requests of
// real spans are judged in package sgpexporter's tests.
func TestRequestsKeepToTheContract(t *testing.T) {
	for _, gzip := range []bool{false, true} {
		srv := sgptest.NewServer(sgptest.WithAPIKey(testKey))
		address, err := url.Parse(srv.URL + "/v5/spans/batch")
		require.NoError(t, err)
		c, rec := newTestClient(t, nil, func(cfg *Config) {
			cfg.URL, cfg.HTTPClient, cfg.Gzip = address, srv.Client(), gzip
			cfg.Retry = RetryConfig{Enabled: true, InitialInterval: 1, MaxInterval: 1}
		})
		b := new(Batch)
		for i := range 4 {
			b.Commit(fmt.Appendf(b.Buffer(), `{"trace_id":"t","id":"%d","name":"n","start_timestamp":"2026-03-01T12:00:00Z"}`, i), Item{TraceID: "t", ID: fmt.Sprint(i)})
		}
		srv.Inject(sgptest.Status(422), sgptest.Status(503), sgptest.Redirect(307, "/v5/spans/batch"))
		assert.Equal(t, Result{LastStatus: 200}, c.Send(t.Context(), b, 4, rec))

		var ids []string
		for _, span := range srv.Spans() {
			ids = append(ids, span.ID)
		}
		assert.Equal(t, []string{"0", "1", "2", "3"}, ids)
		assert.Len(t, srv.Requests(), 6)
		assert.NoError(t, srv.Check())
		srv.Close()
	}
}
