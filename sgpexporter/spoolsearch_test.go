package sgpexporter_test

import (
	"context"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// leftRunning returns the spool of a process that was killed while a span ran.
func leftRunning(t *testing.T, srv *sgptest.Server) string {
	t.Helper()
	dir := t.TempDir()
	exp := another(t, srv, dir, sgpexporter.SpoolOnFailure)
	require.NoError(t, exp.ExportSnapshots(t.Context(), []asyncprocessor.Snapshot{snapshot(start, 1)}))
	return spoolOf(t, dir)
}

func isEnded(t *testing.T, srv *sgptest.Server) {
	t.Helper()
	stored, _ := srv.Span(span(1).SpanContext().TraceID().String(), span(1).SpanContext().SpanID().String())
	assert.Equal(t, "CANCELED", stored.Status)
}

// What a process leaves that was killed while another one with its directory lives is ended by that one.
func TestSpoolEndsWhatAnotherProcessLeftRunningBesideIt(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv, owner := newExporter(t, []sgptest.Option{sgptest.WithInMemoryNetwork()})
		require.NoError(t, owner.Shutdown(t.Context()))
		dir := t.TempDir()
		owner = another(t, srv, dir, sgpexporter.SpoolOnFailure)
		left := leftRunning(t, srv)
		time.Sleep(30 * time.Second)
		require.NoError(t, os.Rename(left, filepath.Join(dir, "instance-1")))
		time.Sleep(2 * time.Minute)
		isEnded(t, srv)
		assert.Equal(t, uint64(1), owner.Stats().Spool.Unfinished)
		assert.Zero(t, owner.Stats().Spool.Running)
		synctest.Wait()
	})
}

// A panic of the application's code, in a request that the spool makes by itself, ends no process.
func TestSpoolSurvivesAPanicInItsSearch(t *testing.T) {
	for name, opt := range map[string]func(panics *atomic.Bool, next http.RoundTripper) sgpexporter.Option{
		"key source": func(panics *atomic.Bool, _ http.RoundTripper) sgpexporter.Option {
			return sgpexporter.WithAPIKeySource(func(context.Context) (string, error) {
				if panics.Load() {
					panic("no key today")
				}
				return key, nil
			})
		},
		"HTTP client": func(panics *atomic.Bool, next http.RoundTripper) sgpexporter.Option {
			return sgpexporter.WithHTTPClient(&http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
				if panics.Load() {
					panic("no network today: " + req.Header.Get("X-Api-Key"))
				}
				return next.RoundTrip(req)
			})})
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				reports := sgpexporter.Handled(t)
				srv := sgptest.NewServer(sgptest.WithInMemoryNetwork())
				defer srv.Close()
				left := leftRunning(t, srv)
				var panics atomic.Bool
				panics.Store(true)
				reports.Forget()
				exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(srv.Client()),
					sgpexporter.WithSpool(left), opt(&panics, srv.Client().Transport))
				require.NoError(t, err)
				defer func() { require.NoError(t, exp.Shutdown(context.Background())) }()
				time.Sleep(10 * time.Second)
				said := ""
				for _, err := range reports.All() {
					said += err.Error()
				}
				assert.Contains(t, said, "spans that another process left running are not ended yet: "+
					"the HTTP client or the source of the API key panicked: no ")
				assert.NotContains(t, said, key)
				panics.Store(false)
				time.Sleep(2 * time.Minute)
				isEnded(t, srv)
			})
		})
	}
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// The first request of a process is a search: when its key is refused the source is asked for another.
func TestSearchAsksForAnotherKey(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		sgpexporter.Handled(t)
		srv := sgptest.NewServer(sgptest.WithInMemoryNetwork(), sgptest.WithAPIKey(key))
		defer srv.Close()
		left := leftRunning(t, srv)
		srv.SetAPIKey("key-2")
		asked := 0
		exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithHTTPClient(srv.Client()),
			sgpexporter.WithSpool(left), sgpexporter.WithAPIKeySource(func(context.Context) (string, error) {
				if asked++; asked == 1 {
					return "key-1", nil
				}
				return "key-2", nil
			}))
		require.NoError(t, err)
		defer func() { require.NoError(t, exp.Shutdown(context.Background())) }()
		time.Sleep(10 * time.Second)
		isEnded(t, srv)
	})
}

// An answer in another shape than SGP's says of no span that it has not ended: an END that is stored must not be
// overwritten.
func TestSearchThatSGPDidNotAnswer(t *testing.T) {
	for _, answer := range []string{
		`{}`, `{"items":null}`, `{"error":"not now"}`, `[]`, `{"items":[{}]}`, `{"items":[{"id":"0000000000000001"}]}`, `{"items":[`,
	} {
		t.Run(answer, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				sgpexporter.Handled(t)
				srv := sgptest.NewServer(sgptest.WithInMemoryNetwork())
				defer srv.Close()
				left := leftRunning(t, srv)
				other := another(t, srv, t.TempDir(), sgpexporter.SpoolOnFailure)
				require.NoError(t, other.ExportSnapshots(t.Context(), ends(1))) // the answer was lost with the process
				client := &http.Client{Transport: roundTripper(func(req *http.Request) (*http.Response, error) {
					if strings.HasSuffix(req.URL.Path, "/search") {
						return &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Content-Type": {"application/json"}},
							Body: io.NopCloser(strings.NewReader(answer))}, nil
					}
					return srv.Client().Transport.RoundTrip(req)
				})}
				exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(client),
					sgpexporter.WithSpool(left))
				require.NoError(t, err)
				time.Sleep(time.Minute)
				assert.Zero(t, exp.Stats().Spool.Unfinished)
				require.NoError(t, exp.Shutdown(t.Context()))
				stored, _ := srv.Span(span(1).SpanContext().TraceID().String(), span(1).SpanContext().SpanID().String())
				assert.Equal(t, "SUCCESS", stored.Status)
			})
		})
	}
}

// The search goes to where the spans go: below the same path, and along the same redirects.
func TestSearchGoesWhereSpansGo(t *testing.T) {
	for name, base := range map[string]string{"escaped": "/team%2Fa", "double": "/team//a", "redirected": "/old"} {
		t.Run(name, func(t *testing.T) {
			srv := sgptest.NewServer()
			defer srv.Close()
			front := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				path := r.URL.EscapedPath()
				switch {
				case strings.HasPrefix(path, "/old/"):
					http.Redirect(w, r, "/new/"+strings.TrimPrefix(path, "/old/")+"?"+r.URL.RawQuery, http.StatusPermanentRedirect)
					return
				case strings.HasPrefix(path, "/new/"):
					path = strings.TrimPrefix(path, "/new")
				case !strings.HasPrefix(path, base+"/"):
					w.WriteHeader(http.StatusNotFound)
					return
				default:
					path = strings.TrimPrefix(path, base)
				}
				r.URL.Path, r.URL.RawPath = path, ""
				srv.ServeHTTP(w, r)
			}))
			defer front.Close()
			exp, err := sgpexporter.New(sgpexporter.WithBaseURL(front.URL+base), sgpexporter.WithAPIKey(key), sgpexporter.WithSpool(leftRunning(t, srv)))
			require.NoError(t, err)
			defer func() { require.NoError(t, exp.Shutdown(context.Background())) }()
			eventually(t, "it is ended", func() bool { return exp.Stats().Spool.Unfinished == 1 && exp.Stats().Spool.Items == 0 })
			isEnded(t, srv)
		})
	}
}
