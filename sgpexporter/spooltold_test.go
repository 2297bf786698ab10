package sgpexporter_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// What would be lost without a spool is in it, and the reason is told: within seconds, and once a minute.
func TestSpoolTellsWhyNothingIsDelivered(t *testing.T) {
	for name, c := range map[string]struct {
		opt  sgpexporter.Option
		says string
	}{
		"panic": {sgpexporter.WithAPIKeySource(func(context.Context) (string, error) { panic("no key today") }),
			"the HTTP client or the source of the API key panicked: no key today"},
		"no retries": {sgpexporter.WithRetry(sgpexporter.RetryConfig{}), "SGP answered 503 Service Unavailable: injected"},
	} {
		for _, mode := range spoolModes {
			t.Run(name+", "+mode.String(), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					reports := sgpexporter.Handled(t)
					srv := sgptest.NewServer(sgptest.WithInMemoryNetwork())
					defer srv.Close()
					isDown(srv)
					exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(srv.Client()),
						sgpexporter.WithSpool(t.TempDir()), sgpexporter.WithSpoolMode(mode), c.opt)
					require.NoError(t, err)
					reports.Forget()
					proc := asyncprocessor.New(exp, asyncprocessor.WithUnfinishedSpans(false))
					for n := range 300 {
						proc.OnEnd(manyth(n))
						time.Sleep(100 * time.Millisecond)
					}
					told := 0
					for _, err := range reports.All() {
						if strings.Contains(err.Error(), c.says) {
							told++
						}
					}
					assert.GreaterOrEqual(t, told, 1, "%v", reports.All())
					assert.LessOrEqual(t, told, 2, "%v", reports.All())
					_ = proc.Shutdown(t.Context())
					synctest.Wait()
				})
			})
		}
	}
}

// When the time of a delivery is over the message says whose time that was.
func TestSpoolTellsWhoseTimeWasOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reports := sgpexporter.Handled(t)
		srv := sgptest.NewServer(sgptest.WithInMemoryNetwork(), sgptest.WithAPIKey("another"))
		defer srv.Close()
		asked := 0
		exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithHTTPClient(srv.Client()), sgpexporter.WithSpool(t.TempDir()),
			sgpexporter.WithSpoolMode(sgpexporter.SpoolAlways), sgpexporter.WithAPIKeySource(func(ctx context.Context) (string, error) {
				if asked++; asked > 1 {
					<-ctx.Done()
					return "", ctx.Err()
				}
				return key, nil
			}))
		require.NoError(t, err)
		reports.Forget()
		require.NoError(t, exp.ExportSnapshots(t.Context(), ends(1)))
		time.Sleep(8 * time.Second)
		require.Len(t, reports.All(), 1)
		assert.ErrorContains(t, reports.All()[0], "the source of the API key failed: not within 5s, which a delivery from the spool has")
		require.NoError(t, exp.Shutdown(t.Context()))
		synctest.Wait()
	})
}
