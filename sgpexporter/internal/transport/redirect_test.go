package transport

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// seen is what reached an HTTP server.
type seen struct {
	mu       sync.Mutex
	requests []string // method, path, body
	keys     []string
}

func (s *seen) add(r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.requests = append(s.requests, r.Method+" "+r.URL.Path+" "+string(body))
	s.keys = append(s.keys, r.Header.Get("X-Api-Key"))
}

// newSocketClient returns a Client to url, over a real connection. client nil
// is our own.
func newSocketClient(t *testing.T, address string, client *http.Client) (*Client, *recorder) {
	t.Helper()
	u, err := url.Parse(address)
	require.NoError(t, err)
	c, rec := newTestClient(t, nil, func(cfg *Config) {
		cfg.URL, cfg.HTTPClient = u, client
		cfg.Retry.Enabled = false
	})
	t.Cleanup(c.CloseIdleConnections)
	return c, rec
}

func jsonOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = io.WriteString(w, `{"items":[]}`)
}

func TestRedirectsThatDropTheBodyAreNotFollowed(t *testing.T) {
	for _, code := range []int{301, 302, 303} {
		var got seen
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got.add(r)
			if r.URL.Path == "/" {
				http.Redirect(w, r, "/elsewhere", code)
				return
			}
			jsonOK(w) // net/http's GET would get this
		}))
		c, rec := newSocketClient(t, srv.URL+"/", nil)
		err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
		require.ErrorIs(t, err, ErrRedirected, "%d", code)
		assert.ErrorContains(t, err, "SGP would not: check the base URL")
		assert.Equal(t, []string{`PUT / {"items":["a"]}`}, got.requests)
		c.CloseIdleConnections()
		srv.Close()
	}
}

func TestRedirectWithinTheOriginIsFollowed(t *testing.T) {
	for _, code := range []int{307, 308} {
		var got seen
		srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			got.add(r)
			if r.URL.Path == "/" {
				http.Redirect(w, r, "/elsewhere", code)
				return
			}
			jsonOK(w)
		}))
		c, rec := newSocketClient(t, srv.URL+"/", nil)
		require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
		assert.Equal(t, []string{`PUT / {"items":["a"]}`, `PUT /elsewhere {"items":["a"]}`}, got.requests)
		assert.Equal(t, []string{testKey, testKey}, got.keys)
		c.CloseIdleConnections()
		srv.Close()
	}
}

// A redirect that leads nowhere is one all the same, and no failure of the
// connection.
func TestRedirectToWhatIsNoURL(t *testing.T) {
	for _, code := range []int{301, 302, 303, 307, 308} {
		for _, location := range []string{"%zz", "http://[::1", ":"} {
			s := &server{answer: func(int, string) *http.Response { return replyWith(code, "", "Location", location) }}
			c, rec := newTestClient(t, s, func(cfg *Config) {
				cfg.Retry.Enabled = false
			})
			result := c.Send(t.Context(), batchOf("a"), 1, rec)
			require.ErrorIs(t, errOf(result), ErrRedirected, "%d %s", code, location)
			assert.ErrorContains(t, errOf(result), "answered PUT with ")
			assert.Equal(t, code, result.LastStatus)
			assert.Len(t, s.bodies, 1)
			assert.ErrorContains(t, errOf(result), "a redirect that is not followed")
		}
	}
}

// The key must never reach another host, port or scheme, at any hop.
func TestRedirectToAnotherOriginIsNotFollowed(t *testing.T) {
	var stolen seen
	other := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		stolen.add(r)
		jsonOK(w)
	}))
	defer other.Close()
	for _, custom := range []*http.Client{nil, {}, {Transport: &http.Transport{DisableKeepAlives: true}}} {
		for _, code := range []int{301, 302, 303, 307, 308} {
			var got seen
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				got.add(r)
				if r.URL.Path == "/direct" {
					http.Redirect(w, r, other.URL, code)
					return
				}
				http.Redirect(w, r, "/direct", http.StatusTemporaryRedirect)
			}))
			for _, path := range []string{"/direct", "/hop"} {
				c, rec := newSocketClient(t, srv.URL+path, custom)
				err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
				require.ErrorIs(t, err, ErrRedirected)
				assert.ErrorContains(t, err, "a redirect to "+other.URL+" that is not followed")
				c.CloseIdleConnections()
			}
			assert.Len(t, got.requests, 3)
			http.DefaultTransport.(*http.Transport).CloseIdleConnections()
			srv.Close()
		}
	}
	assert.Empty(t, stolen.requests)
}

func TestRedirectLoopEnds(t *testing.T) {
	var got seen
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		got.add(r)
		http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
	}))
	defer srv.Close()
	c, rec := newSocketClient(t, srv.URL+"/", nil)
	require.ErrorIs(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)), ErrRedirected)
	assert.Len(t, got.requests, 6)
	c.CloseIdleConnections()
}

func TestSameOrigin(t *testing.T) {
	for _, c := range []struct {
		a, b string
		want bool
	}{
		{"https://sgp.test/a", "https://sgp.test/b", true},
		{"https://sgp.test", "https://SGP.test:443", true},
		{"http://sgp.test:80", "http://sgp.test", true},
		{"https://sgp.test", "http://sgp.test", false},
		{"https://sgp.test", "https://sgp.test:8443", false},
		{"https://sgp.test", "https://www.sgp.test", false},
		{"https://sgp.test", "https://sgp.test.evil", false},
		{"http://sgp.test:443", "https://sgp.test", false},
		{"https://sgp.test", "https://user@sgp.test", true},
	} {
		a, err := url.Parse(c.a)
		require.NoError(t, err)
		b, err := url.Parse(c.b)
		require.NoError(t, err)
		assert.Equal(t, c.want, sameOrigin(a, b), "%s %s", c.a, c.b)
	}
}

// The application's client is its own; its policy may refuse more, not allow
// more.
func TestCustomClientIsNotChanged(t *testing.T) {
	asked := 0
	custom := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error {
		asked++
		return errors.New("no redirects here")
	}}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/within" {
			http.Redirect(w, r, "/", http.StatusTemporaryRedirect)
			return
		}
		http.Redirect(w, r, "/", http.StatusFound)
	}))
	defer srv.Close()
	defer http.DefaultTransport.(*http.Transport).CloseIdleConnections()

	c, rec := newSocketClient(t, srv.URL+"/within", custom)
	require.ErrorIs(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)), ErrRedirected)
	assert.Equal(t, 1, asked)
	c, rec = newSocketClient(t, srv.URL+"/", custom)
	require.ErrorIs(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)), ErrRedirected)
	assert.Equal(t, 1, asked, "what is never followed is not asked about")
	assert.EqualError(t, custom.CheckRedirect(nil, nil), "no redirects here")
	assert.Nil(t, custom.Transport)
}
