//nolint:bodyclose // the answers are made here and closed by the code under test
package transport

import (
	"compress/gzip"
	"context"
	"io"
	"net/http"
	"net/url"
	"strings"
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
					assert.Equal(t, Result{LastStatus: 200}, c.Send(t.Context(), batchOf("a"), 1, rec))
					assert.Equal(t, time.Second, time.Since(begin))

					begin = time.Now()
					c, rec = newTestClient(t, stalled{422, pause}, func(cfg *Config) { cfg.Timeout = timeout })
					require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
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
		require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
		assert.Equal(t, "slow", rec.rejected[0].Reason)
	})
}

func judged(resp *http.Response) error {
	resp.Request = &http.Request{URL: &url.URL{Scheme: "https", Host: "sgp.test", Path: "/v5/spans/batch"}}
	return judge(resp, testKey, nil)
}

func TestReasons(t *testing.T) {
	long := strings.Repeat("é", 200)
	for _, c := range []struct{ contentType, body, want string }{
		{"application/json", `{"detail":"end before start"}`, "end before start"},
		{"application/json", `{"error":{"message":"no such account","code":7}}`, "no such account"},
		{"application/json", `{"message":"m","input":"secret prompt"}`, "m"},
		{"application/problem+json", `{"title":"Unprocessable","status":422}`, "Unprocessable"},
		{"application/json", `{"detail":[{"loc":["body","items",3,"id"],"msg":"too long","input":"secret prompt"}]}`, "body.items.3.id: too long"},
		{"application/json", `{"errors":["a","b","c","d"]}`, "a; b; c"},
		{"application/json", `{"input":"secret prompt"}`, ""},
		{"application/json", `"secret prompt"`, ""},
		{"application/json", `{"detail":"cut o`, ""},
		{"application/json", `{"detail":{"detail":{"detail":{"detail":{"detail":"deep"}}}}}`, ""},
		{"application/json", ``, ""},
		{"text/plain", " line one\r\nline\ttwo\x00 \xff", "line one line two \uFFFD"},
		{"text/plain", long, strings.Repeat("é", 128) + "…"},
		{"text/plain", `{"detail":"JSON all the same"}`, "JSON all the same"},
		{"text/plain", `{"items":[{"input":{"value":"secret prompt"}`, ""},
		{"text/plain", `cannot store {"input":{"value":"secret prompt"}}: no account`, "cannot store …"},
		{"text/html", "<html>secret</html>", ""},
		{"", "bare", "bare"},
	} {
		err := judged(replyWith(422, c.body, "Content-Type", c.contentType))
		var status *StatusError
		require.ErrorAs(t, err, &status)
		assert.Equal(t, c.want, status.Reason, "%s %s", c.contentType, c.body)
	}
}

func TestReasonCompressed(t *testing.T) {
	var body strings.Builder
	zip := gzip.NewWriter(&body)
	_, _ = io.WriteString(zip, `{"detail":"squeezed"}`)
	require.NoError(t, zip.Close())
	err := judged(replyWith(422, body.String(), "Content-Type", "application/json", "Content-Encoding", "gzip"))
	assert.EqualError(t, err, "SGP answered 422 Unprocessable Entity: squeezed")
	err = judged(replyWith(422, "not gzip", "Content-Type", "application/json", "Content-Encoding", "gzip"))
	assert.EqualError(t, err, "SGP answered 422 Unprocessable Entity")
}
