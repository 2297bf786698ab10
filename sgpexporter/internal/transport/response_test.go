//nolint:bodyclose // the answers are made here and closed by the code under test
package transport

import (
	"context"
	"io"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// stalled answers at once, but for the body: a byte comes in every pause, for as long
// as the request's context.
type stalled struct {
	code  int
	pause time.Duration
}

func (s stalled) RoundTrip(req *http.Request) (*http.Response, error) {
	resp := replyWith(s.code, "", "Content-Type", "text/plain")
	if s.code == http.StatusOK {
		resp.Header.Set("Content-Type", "application/json")
	}
	resp.Body = io.NopCloser(slowly{req.Context(), s.pause})
	return resp, nil
}

type slowly struct {
	ctx   context.Context
	pause time.Duration
}

func (s slowly) Read(p []byte) (int, error) {
	select {
	case <-time.After(s.pause):
		p[0] = 'x'
		return 1, nil
	case <-s.ctx.Done():
		return 0, s.ctx.Err()
	}
}

// An answer is known before its body, and a server that does not end the body holds
// up nothing for long.
func TestStalledBodyIsGivenUp(t *testing.T) {
	for name, pause := range map[string]time.Duration{"silent": time.Hour, "trickling": 300 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			for _, timeout := range []time.Duration{30 * time.Second, 0} {
				synctest.Test(t, func(t *testing.T) {
					begin := time.Now()
					c, rec := newTestClient(t, stalled{200, pause}, func(cfg *Config) { cfg.Timeout = timeout })
					assert.Equal(t, Result{Settled: 1, LastStatus: 200}, c.Send(t.Context(), batchOf("a"), 1, rec))
					assert.Equal(t, time.Second, time.Since(begin))

					begin = time.Now()
					c, rec = newTestClient(t, stalled{422, pause}, func(cfg *Config) { cfg.Timeout = timeout })
					require.NoError(t, c.Send(t.Context(), batchOf("a"), 1, rec).Err)
					require.Contains(t, rec.rejected, 0)
					assert.Equal(t, map[string]string{"silent": "", "trickling": "xxx"}[name], rec.rejected[0].Reason)
					assert.Equal(t, time.Second, time.Since(begin))
				})
			}
		})
	}
}

// One that ends in time is read to its end.
func TestSlowBodyIsRead(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader, writer := io.Pipe()
		go func() {
			time.Sleep(900 * time.Millisecond)
			_, _ = io.WriteString(writer, `{"detail":"slow"}`)
			_ = writer.Close()
		}()
		resp := replyWith(422, "", "Content-Type", "application/json")
		resp.Body = reader
		c, rec := newTestClient(t, bare{resp})
		require.NoError(t, c.Send(t.Context(), batchOf("a"), 1, rec).Err)
		assert.Equal(t, "slow", rec.rejected[0].Reason)
	})
}
