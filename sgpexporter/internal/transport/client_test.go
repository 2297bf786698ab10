//nolint:bodyclose // the answers are made here and closed by the code under test
package transport

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestRequestHeaders(t *testing.T) {
	s := &server{answer: refuseThose(422)}
	c, rec := newTestClient(t, s, func(cfg *Config) {
		cfg.Header = http.Header{"X-Selected-Account-Id": {"acct"}, "X-Team": {"red"}}
	})
	require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
	assert.Equal(t, http.Header{
		"Accept":                {"application/json"},
		"Accept-Encoding":       {"gzip"},
		"Content-Type":          {"application/json"},
		"X-Api-Key":             {testKey},
		"X-Selected-Account-Id": {"acct"},
		"X-Team":                {"red"},
	}, s.heads[0])
}

func TestGzip(t *testing.T) {
	var bodies []string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		assert.Equal(t, "gzip", r.Header.Get("Content-Encoding"))
		zip, err := gzip.NewReader(r.Body)
		if !assert.NoError(t, err) {
			return
		}
		body, err := io.ReadAll(zip)
		assert.NoError(t, err)
		bodies = append(bodies, string(body))
		if strings.Contains(string(body), "bad") {
			w.WriteHeader(http.StatusUnprocessableEntity)
			return
		}
		jsonOK(w)
	}))
	defer s.Close()
	c, rec := newSocketClient(t, s.URL, nil)
	c.cfg.Gzip = true
	c.template.Header.Set("Content-Encoding", "gzip")
	require.NoError(t, errOf(c.Send(t.Context(), batchOf("a", "bad"), 2, rec)))
	assert.Equal(t, []string{`{"items":["a","bad"]}`, `{"items":["a"]}`, `{"items":["bad"]}`}, bodies)
	assert.Contains(t, rec.rejected, 1)
	c.CloseIdleConnections()
}

// countConns counts the connections that a server accepted.
func countConns(srv *httptest.Server) *atomic.Int32 {
	var n atomic.Int32
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			n.Add(1)
		}
	}
	return &n
}

func TestEchoIsDrainedAndTheConnectionUsedAgain(t *testing.T) {
	for echo, most := range map[int]int32{100: 1, 64 << 10: 1, 10 << 20: 5} {
		srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			w.Header().Set("Content-Type", "application/json")
			_, _ = w.Write(make([]byte, echo))
		}))
		conns := countConns(srv)
		srv.Start()
		c, rec := newSocketClient(t, srv.URL, nil)
		for range 5 {
			require.NoError(t, errOf(c.Send(t.Context(), batchOf(strings.Repeat("a", 40<<10)), 1, rec)))
		}
		assert.Equal(t, most, conns.Load(), "an echo of %d bytes", echo)
		c.CloseIdleConnections()
		srv.Close()
	}
}

func TestConnectionIsUsedAgainAfterARefusal(t *testing.T) {
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(http.StatusUnprocessableEntity)
		_, _ = fmt.Fprintf(w, `{"detail":%q}`, strings.Repeat("d", 10<<10))
	}))
	conns := countConns(srv)
	srv.Start()
	defer srv.Close()
	c, rec := newSocketClient(t, srv.URL, nil)
	require.NoError(t, errOf(c.Send(t.Context(), batchOf("a", "b", "c"), 3, rec)))
	assert.EqualValues(t, 1, conns.Load())
	assert.Len(t, rec.rejected, 3)
	c.CloseIdleConnections()
}

// The upsert is done when the server says 200; what becomes of the echo is not
// important.
func TestTruncatedEchoIsASuccess(t *testing.T) {
	var requests atomic.Int32
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", "1000")
		_, _ = io.WriteString(w, `{"items":[{"id"`)
		_ = http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}))
	defer srv.Close()
	c, rec := newSocketClient(t, srv.URL, nil)
	require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
	assert.EqualValues(t, 1, requests.Load())
}

func TestContentTypeOfASuccess(t *testing.T) {
	for contentType, ok := range map[string]bool{
		"application/json":                true,
		"application/json; charset=utf-8": true,
		"APPLICATION/JSON":                true,
		"application/problem+json":        true,
		"":                                true,
		"text/html; charset=utf-8":        false,
		"text/plain":                      false,
		"application/octet-stream":        false,
		"json":                            false,
		";;;":                             false,
	} {
		s := &server{answer: func(int, string) *http.Response {
			return replyWith(200, "<html>log in</html>", "Content-Type", contentType)
		}}
		c, rec := newTestClient(t, s, noRetry)
		err := errOf(c.Send(t.Context(), batchOf("a", "b"), 2, rec))
		if ok {
			assert.NoError(t, err, "%q", contentType)
			continue
		}
		require.ErrorIs(t, err, ErrNotSGP, "%q", contentType)
		assert.ErrorContains(t, err, "https://sgp.test/v5/spans/batch answered PUT with 200 OK and a page (")
		assert.Equal(t, "not_sgp_endpoint", ErrorType(err))
		assert.Len(t, s.bodies, 1, "not about the items")
	}
}

// bare answers with what an http.RoundTripper has to set, and no more.
type bare struct{ resp *http.Response }

func (b bare) RoundTrip(*http.Request) (*http.Response, error) { return b.resp, nil }

func TestAnswersWithoutTheirRequest(t *testing.T) {
	c, rec := newTestClient(t, bare{replyWith(200, "", "Content-Type", "text/html")}, noRetry)
	require.ErrorIs(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)), ErrNotSGP)
	c, rec = newTestClient(t, bare{replyWith(302, "", "Location", "https://login.test/")}, noRetry)
	require.ErrorIs(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)), ErrRedirected)
}

// closable is a body that knows whether it was closed.
type closable struct {
	io.Reader
	closed bool
}

func (c *closable) Close() error { c.closed = true; return nil }

func TestAnswersAreClosed(t *testing.T) {
	for _, code := range []int{200, 302, 401, 404, 422, 503} {
		for _, length := range []int{0, 100, 1 << 20} {
			body := &closable{Reader: strings.NewReader(strings.Repeat("e", length))}
			resp := replyWith(code, "", "Content-Type", "application/json")
			resp.Body = body
			c, rec := newTestClient(t, bare{resp}, noRetry)
			c.Send(t.Context(), batchOf("a"), 1, rec)
			assert.True(t, body.closed, "%d, %d bytes", code, length)
		}
	}
}

func TestHTTP2(t *testing.T) {
	var protos []string
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		protos = append(protos, r.Proto)
		jsonOK(w)
	}))
	srv.EnableHTTP2 = true
	srv.StartTLS()
	defer srv.Close()
	c, rec := newSocketClient(t, srv.URL, nil)
	c.own.current.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	require.NoError(t, errOf(c.Send(t.Context(), batchOf(strings.Repeat("a", 1<<20), "b"), 2, rec)))
	assert.Equal(t, []string{"HTTP/2.0"}, protos)
	c.CloseIdleConnections()
}

// leaky is a RoundTripper that puts the whole request into its errors.
type leaky struct{ panics bool }

func (l leaky) RoundTrip(req *http.Request) (*http.Response, error) {
	err := fmt.Errorf("proxy refused %v", req.Header)
	if l.panics {
		panic(err)
	}
	return nil, err
}

func TestKeyShowsInNoError(t *testing.T) {
	repeating := func(code int, contentType string) http.RoundTripper {
		return &server{answer: func(int, string) *http.Response {
			return replyWith(code, `{"detail":"bad `+testKey+`"}`+testKey, "Content-Type", contentType+testKey, "Location", "https://"+testKey+".test/")
		}}
	}
	for name, rt := range map[string]http.RoundTripper{
		"error":     leaky{},
		"panic":     leaky{panics: true},
		"json":      repeating(400, "application/json; k="),
		"text":      repeating(404, "text/plain; k="),
		"refused":   repeating(401, "text/plain; k="),
		"redirect":  repeating(302, "text/plain; k="),
		"not SGP":   repeating(200, "text/html; k="),
		"transient": repeating(503, "text/plain; k="),
	} {
		t.Run(name, func(t *testing.T) {
			c, rec := newTestClient(t, rt, noRetry)
			err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
			errs := append([]error{err}, rec.refusals...)
			for _, rejected := range rec.rejected {
				errs = append(errs, rejected)
			}
			require.NotEmpty(t, errs)
			for _, err := range errs {
				for ; err != nil; err = errors.Unwrap(err) {
					for _, verb := range []string{"%v", "%+v", "%#v", "%q"} {
						assert.NotContains(t, fmt.Sprintf(verb, err), testKey)
					}
				}
			}
		})
	}
}

func TestPanicOfTheClientIsAnError(t *testing.T) {
	c, rec := newTestClient(t, leaky{panics: true})
	result := c.Send(t.Context(), batchOf("a"), 1, rec)
	require.ErrorIs(t, errOf(result), ErrPanic)
	assert.Equal(t, "panic", ErrorType(errOf(result)))
	assert.ErrorContains(t, errOf(result), "proxy refused")

	c, rec = newTestClient(t, &server{}, withSource(func(context.Context) (string, error) { panic("no vault") }))
	for range 2 { // the lock of the first is given back
		require.ErrorIs(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)), ErrPanic)
	}
}

// slow returns an answer before it has read the body, as net/http may, and
// keeps it.
type slow struct{ body io.ReadCloser }

func (s *slow) RoundTrip(req *http.Request) (*http.Response, error) {
	s.body = req.Body
	resp := replyWith(200, "")
	resp.Request = req
	return resp, nil
}

// The buffer is used again for the next batch: what still reads the last one must
// get an error, not another batch's spans.
func TestBodyCannotBeReadAfterTheAttempt(t *testing.T) {
	rt := new(slow)
	c, rec := newTestClient(t, rt)
	require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
	_, err := rt.body.Read(make([]byte, 10))
	assert.ErrorIs(t, err, errReleased)
}

// An answer's headers are bounded; what has more is no answer, and costs no memory.
func TestHeadersAreBounded(t *testing.T) {
	for _, code := range []int{200, 103} {
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body)
			for i := range 10 {
				w.Header().Set(fmt.Sprintf("X-Padding-%d", i), strings.Repeat("x", 10<<10))
			}
			w.WriteHeader(code)
			if code < 200 {
				w.WriteHeader(http.StatusOK)
			}
		}))
		c, rec := newSocketClient(t, srv.URL, nil)
		result := c.Send(t.Context(), batchOf("a"), 1, rec)
		require.Error(t, errOf(result))
		assert.ErrorContains(t, errOf(result), "no answer from "+srv.URL)
		assert.Equal(t, "connection_error", ErrorType(errOf(result)))
		c.CloseIdleConnections()
		srv.Close()
	}
}

// Over HTTP/2 a connection is pinged, and after silence another one is made while requests
// on the first are still under way.
func TestConnectionsAreRenewed(t *testing.T) {
	tr := newTransport()
	assert.Equal(t, 10*time.Second, tr.HTTP2.SendPingTimeout)
	assert.Equal(t, 5*time.Second, tr.HTTP2.PingTimeout)
	assert.EqualValues(t, 64<<10, tr.MaxResponseHeaderBytes)

	hang := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		if strings.Contains(string(body), "hangs") {
			<-hang
		}
		jsonOK(w)
	}))
	srv.EnableHTTP2 = true
	conns := countConns(srv)
	srv.StartTLS()
	defer srv.Close()
	c, rec := newSocketClient(t, srv.URL, nil)
	c.own.current.TLSClientConfig = srv.Client().Transport.(*http.Transport).TLSClientConfig.Clone()
	require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, new(recorder))))
	done := make(chan Result)
	go func() { done <- c.Send(t.Context(), batchOf("hangs"), 1, rec) }()
	require.NoError(t, errOf(c.Send(t.Context(), batchOf("b"), 1, new(recorder))))
	before := conns.Load()
	c.own.renew()
	require.NoError(t, errOf(c.Send(t.Context(), batchOf("c"), 1, new(recorder))))
	assert.Greater(t, conns.Load(), before)
	close(hang)
	require.NoError(t, errOf(<-done))
	for range 20 {
		c.own.renew() // what is retired is bounded
	}
	assert.Len(t, c.own.retired, 16)
	c.CloseIdleConnections()
}
