package sgptest_test

import (
	"context"
	"crypto/tls"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// patience bounds a wait that only ends so if the test fails.
const patience = 10 * time.Second

func patient(t *testing.T) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	t.Cleanup(cancel)
	return ctx
}

// arrived holds when n requests have been received.
func arrived(n int) func([]sgptest.Request) bool {
	return func(requests []sgptest.Request) bool { return len(requests) >= n }
}

func TestScriptIsConsumedOneARequest(t *testing.T) {
	srv := newServer(t)
	srv.Inject(sgptest.Status(503).Times(2), sgptest.Fault{}, sgptest.Status(500).Times(0))
	srv.Inject(sgptest.Status(429))
	srv.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(418) })
	var statuses []int
	for range 6 {
		status, _ := put(t, srv, items(minimal))
		statuses = append(statuses, status)
	}
	assert.Equal(t, []int{503, 503, 200, 429, 418, 418}, statuses)
	srv.Inject(sgptest.Status(500))
	srv.ClearFaults()
	status, _ := put(t, srv, items(minimal))
	assert.Equal(t, 200, status)
	var faults []string
	for _, r := range srv.Requests() {
		faults = append(faults, r.Fault)
	}
	assert.Equal(t, []string{"status 503", "status 503", "", "status 429", "status 418", "status 418", ""}, faults)
	assert.Empty(t, srv.Violations(), "what was injected is no violation")
}

func TestStatusFault(t *testing.T) {
	for _, tt := range []struct {
		name        string
		fault       sgptest.Fault
		status      int
		contentType string
		retryAfter  string
		location    string
		body        string
		stored      int
	}{
		{"status", sgptest.Status(503), 503, "application/json", "", "", `{"detail":"injected"}`, 0},
		{"header", sgptest.Status(429).Header("Retry-After", "2"), 429, "application/json", "2", "", `{"detail":"injected"}`, 0},
		{"body", sgptest.Status(500).Body("text/plain", "oops"), 500, "text/plain", "", "", "oops", 0},
		{"no body", sgptest.Status(204), 204, "application/json", "", "", "", 0},
		{"page", sgptest.HTML(), 200, "text/html; charset=utf-8", "", "", "<!doctype html><title>OK</title>", 0},
		{"redirect", sgptest.Redirect(307, "http://127.0.0.1:1/"), 307, "application/json", "", "http://127.0.0.1:1/", `{"detail":"injected"}`, 0},
		{"stored", sgptest.Status(504).Stored(), 504, "application/json", "", "", `{"detail":"injected"}`, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			srv := newServer(t)
			srv.Inject(tt.fault)
			client := srv.Client()
			client.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
			resp, err := client.Do(newPut(t, srv, items(minimal)))
			require.NoError(t, err)
			body, err := io.ReadAll(resp.Body)
			require.NoError(t, err)
			require.NoError(t, resp.Body.Close())
			assert.Equal(t, tt.status, resp.StatusCode)
			assert.Equal(t, tt.contentType, resp.Header.Get("Content-Type"))
			assert.Equal(t, tt.retryAfter, resp.Header.Get("Retry-After"))
			assert.Equal(t, tt.location, resp.Header.Get("Location"))
			assert.Equal(t, tt.body, string(body))
			assert.Len(t, srv.Spans(), tt.stored)
			assert.Equal(t, tt.status, srv.Requests()[0].Status)
			assert.Equal(t, tt.stored == 1, srv.Requests()[0].Stored)
		})
	}
}

// A changed copy must not change what it was made of.
func TestFaultIsAValue(t *testing.T) {
	base := sgptest.Status(503)
	_ = base.Header("Retry-After", "1").Body("text/plain", "x")
	srv := newServer(t)
	srv.Inject(base)
	resp, err := srv.Client().Do(newPut(t, srv, items(minimal)))
	require.NoError(t, err)
	require.NoError(t, resp.Body.Close())
	assert.Empty(t, resp.Header.Get("Retry-After"))
	assert.Equal(t, "application/json", resp.Header.Get("Content-Type"))
}

func TestFaultNames(t *testing.T) {
	for want, fault := range map[string]sgptest.Fault{
		"":                        {},
		"latency 1s":              sgptest.Latency(time.Second),
		"status 503":              sgptest.Status(503).Times(3),
		"status 503, after 1s":    sgptest.Status(503).After(time.Second),
		"reset, stored":           sgptest.ResetConnection().Stored(),
		"truncate to 5 bytes":     sgptest.Truncate(5),
		"hang, stored, after 2ms": sgptest.Hang().Stored().After(2 * time.Millisecond),
		"effect later":            sgptest.EffectLater(nil),
		"status 301":              sgptest.Redirect(301, "/"),
		"status 200":              sgptest.HTML(),
	} {
		assert.Equal(t, want, fault.String())
	}
}

func TestResetConnection(t *testing.T) {
	for name, tt := range map[string]struct {
		fault  sgptest.Fault
		stored int
	}{
		"nothing stored": {sgptest.ResetConnection(), 0},
		"stored":         {sgptest.ResetConnection().Stored(), 1},
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t)
			srv.Inject(tt.fault)
			resp, err := srv.Client().Do(newPut(t, srv, items(minimal)))
			if err == nil {
				_ = resp.Body.Close()
			}
			require.ErrorIs(t, err, syscall.ECONNRESET)
			assert.Len(t, srv.Spans(), tt.stored)
			assert.Zero(t, srv.Requests()[0].Status)
			mustPut(t, srv, minimal)
		})
	}
}

func TestTruncate(t *testing.T) {
	for n, want := range map[int]string{-1: "", 0: "", 12: `{"items":[{"`, 1000: items(minimal)} {
		srv := newServer(t)
		srv.Inject(sgptest.Truncate(n))
		resp, err := srv.Client().Do(newPut(t, srv, items(minimal)))
		require.NoError(t, err)
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		assert.Equal(t, 200, resp.StatusCode)
		assert.Equal(t, want, string(body))
		if n < 1000 {
			require.ErrorIs(t, err, io.ErrUnexpectedEOF)
		} else {
			require.NoError(t, err)
		}
		assert.Len(t, srv.Spans(), 1)
		assert.Equal(t, 200, srv.Requests()[0].Status)
	}
}

// putAndGiveUp sends a request, waits until the server has it, and gives up.
func putAndGiveUp(t *testing.T, srv *sgptest.Server, body string) {
	t.Helper()
	ctx, cancel := context.WithCancel(patient(t))
	before := len(srv.Requests())
	failed := make(chan error, 1)
	req := newPut(t, srv, body).WithContext(ctx)
	go func() {
		resp, err := srv.Client().Do(req)
		if err == nil {
			_ = resp.Body.Close()
		}
		failed <- err
	}()
	require.NoError(t, srv.WaitForRequests(patient(t), arrived(before+1)))
	cancel()
	require.ErrorIs(t, <-failed, context.Canceled)
}

func TestHangEndsWithTheClient(t *testing.T) {
	srv := newServer(t)
	srv.Inject(sgptest.Hang(), sgptest.Hang().Stored())
	putAndGiveUp(t, srv, items(minimal))
	assert.Empty(t, srv.Spans())
	assert.Zero(t, srv.Requests()[0].Status)
	assert.Equal(t, "hang", srv.Requests()[0].Fault)
	putAndGiveUp(t, srv, items(minimal))
	require.NoError(t, srv.WaitFor(patient(t), func(spans []sgptest.Span) bool { return len(spans) == 1 }))
}

func TestWaitingEndsWithTheServer(t *testing.T) {
	for name, fault := range map[string]sgptest.Fault{
		"hang":         sgptest.Hang(),
		"latency":      sgptest.Latency(time.Hour),
		"status later": sgptest.Status(503).After(time.Hour),
		"effect later": sgptest.EffectLater(nil),
	} {
		t.Run(name, func(t *testing.T) {
			srv := newServer(t)
			srv.Inject(fault)
			failed := make(chan error, 1)
			req := newPut(t, srv, items(minimal))
			go func() {
				resp, err := srv.Client().Do(req)
				if err == nil {
					_ = resp.Body.Close()
				}
				failed <- err
			}()
			require.NoError(t, srv.WaitForRequests(patient(t), arrived(1)))
			srv.Close()
			require.Error(t, <-failed)
			assert.Empty(t, srv.Spans())
			assert.Zero(t, srv.Requests()[0].Status)
			srv.Close()
		})
	}
}

// Nobody but Close can end what waits in a server that has no listener.
func TestWaitingEndsWithAMountedServer(t *testing.T) {
	for name, fault := range map[string]sgptest.Fault{
		"hang":    sgptest.Hang(),
		"latency": sgptest.Latency(time.Hour),
		"later":   sgptest.EffectLater(nil),
	} {
		t.Run(name, func(t *testing.T) {
			srv := sgptest.NewUnstartedServer()
			srv.Inject(fault)
			ended := make(chan any, 1)
			go func() {
				defer func() { ended <- recover() }()
				srv.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest(http.MethodPut, "/v5/spans/batch", strings.NewReader(items(minimal))))
			}()
			require.NoError(t, srv.WaitForRequests(patient(t), arrived(1)))
			srv.Close()
			assert.Equal(t, http.ErrAbortHandler, <-ended)
			assert.Empty(t, srv.Spans())
		})
	}
}

func TestEffectLater(t *testing.T) {
	srv := newServer(t, sgptest.WithOlderStore())
	release := make(chan struct{})
	srv.Inject(sgptest.EffectLater(release))
	putAndGiveUp(t, srv, items(start("t", "a", "1")))
	mustPut(t, srv, end("t", "a", "2"))
	assert.Equal(t, []string{"t/a=2"}, names(srv.Spans()))
	assert.False(t, srv.Requests()[0].Stored)

	close(release)
	require.NoError(t, srv.WaitFor(patient(t), func(spans []sgptest.Span) bool { return !spans[0].Completed() }))
	assert.Equal(t, []string{"t/a=1 running"}, names(srv.Spans()))
	assert.True(t, srv.Requests()[0].Stored)
	assert.Zero(t, srv.Requests()[0].Status)
	require.Len(t, srv.Violations(), 1)
	assert.Equal(t, sgptest.StartAfterEnd, srv.Violations()[0].Kind)
	assert.Equal(t, uint64(1), srv.Violations()[0].Write.Request)
	assert.True(t, srv.Violations()[0].Write.Late)
	require.NoError(t, srv.CheckOrder(), "no fault of the client")
}

func TestEffectLaterAtOnce(t *testing.T) {
	srv := newServer(t)
	srv.Inject(sgptest.EffectLater(nil))
	putAndGiveUp(t, srv, items(minimal))
	require.NoError(t, srv.WaitFor(patient(t), func(spans []sgptest.Span) bool { return len(spans) == 1 }))
}

func TestEffectLaterIsDroppedByClose(t *testing.T) {
	srv := newServer(t)
	srv.Inject(sgptest.EffectLater(make(chan struct{})))
	putAndGiveUp(t, srv, items(minimal))
	srv.Close()
	assert.Empty(t, srv.Spans())
}

func TestSetFaultSeesTheRequest(t *testing.T) {
	srv := newServer(t)
	srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
		// It may ask the server.
		if r.Seq == 1 && len(r.Items) == 1 && r.Items[0].ID == "a" && r.Status == 0 && len(srv.Requests()) == 1 &&
			r.Header.Get("x-api-key") == "key" && string(r.Body) == items(minimal) {
			return sgptest.Status(503)
		}
		return sgptest.Fault{}
	})
	status, _ := put(t, srv, items(minimal))
	assert.Equal(t, 503, status)
	status, _ = put(t, srv, items(minimal))
	assert.Equal(t, 200, status)
	srv.SetFault(nil)
	status, _ = put(t, srv, items(minimal))
	assert.Equal(t, 200, status)
}

// A server that stands behind another listener, here with HTTP/2 over TLS.
func TestFaultsOverHTTP2(t *testing.T) {
	srv := sgptest.NewUnstartedServer()
	front := httptest.NewUnstartedServer(srv)
	front.EnableHTTP2 = true
	front.StartTLS()
	defer front.Close()
	defer srv.Close()
	send := func() (string, error) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, front.URL+"/v5/spans/batch", strings.NewReader(items(minimal)))
		require.NoError(t, err)
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("x-api-key", "key")
		resp, err := front.Client().Do(req)
		if err != nil {
			return "", err
		}
		defer func() { _ = resp.Body.Close() }()
		assert.Equal(t, 2, resp.ProtoMajor)
		body, err := io.ReadAll(resp.Body)
		return string(body), err
	}
	srv.Inject(sgptest.ResetConnection(), sgptest.Truncate(3))
	_, err := send()
	require.Error(t, err)
	body, err := send()
	require.Error(t, err)
	assert.Equal(t, `{"i`, body)
	body, err = send()
	require.NoError(t, err)
	assert.Equal(t, items(minimal), body)
	assert.Len(t, srv.Requests(), 3)
}

func TestResetConnectionOverTLS(t *testing.T) {
	srv := sgptest.NewUnstartedServer()
	front := httptest.NewUnstartedServer(srv)
	front.TLS = &tls.Config{NextProtos: []string{"http/1.1"}, MinVersion: tls.VersionTLS12}
	front.StartTLS()
	defer front.Close()
	defer srv.Close()
	srv.Inject(sgptest.ResetConnection())
	resp, err := front.Client().Get(front.URL)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.ErrorIs(t, err, syscall.ECONNRESET)
}

func TestServerConcurrentSafe(t *testing.T) {
	srv := newServer(t, sgptest.WithMaxSpans(50), sgptest.WithMaxRequests(20))
	srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
		switch r.Seq % 5 {
		case 1:
			return sgptest.Status(503)
		case 2:
			return sgptest.ResetConnection().Stored()
		case 3:
			return sgptest.Truncate(5)
		}
		return sgptest.Fault{}
	})
	stop := srv.OnStored(func(spans []sgptest.Span) {
		for _, s := range spans {
			_ = len(s.Writes)
		}
	})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := range 25 {
				id := string(rune('a'+i)) + string(rune('a'+j%5))
				req := newPut(t, srv, items(start("t"+id, id, "n"), end("t"+id, id, "n")))
				resp, err := srv.Client().Do(req)
				if err == nil {
					_, _ = io.Copy(io.Discard, resp.Body)
					_ = resp.Body.Close()
				}
				for _, s := range srv.Spans() {
					for _, w := range s.Writes {
						assert.NotZero(t, w.Seq)
					}
				}
				srv.Inject(sgptest.Latency(time.Microsecond))
				_, _, _, _ = srv.Requests(), srv.Stats(), srv.Violations(), srv.Trace("t"+id)
			}
		})
	}
	wg.Wait()
	stop()
	stats := srv.Stats()
	assert.Equal(t, uint64(100), stats.Requests)
	assert.NotZero(t, stats.Stored)
	assert.NoError(t, srv.CheckOrder())
}

// A connection that has gone silent takes what is sent, and answers nothing; another one
// does.
func TestSilenceConnections(t *testing.T) {
	srv := newServer(t)
	status, _ := put(t, srv, items(minimal))
	require.Equal(t, 200, status)
	assert.Equal(t, 1, srv.SilenceConnections())
	assert.Zero(t, srv.SilenceConnections())

	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPut, srv.URL+"/v5/spans/batch", strings.NewReader(items(minimal)))
	require.NoError(t, err)
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("x-api-key", "any")
	_, err = srv.Client().Do(req) //nolint:bodyclose // there is no answer
	require.ErrorIs(t, err, context.DeadlineExceeded)

	status, _ = put(t, srv, items(minimal))
	assert.Equal(t, 200, status, "the client has dialled anew")
	assert.Len(t, srv.Requests(), 2)

	unstarted := sgptest.NewUnstartedServer()
	assert.Zero(t, unstarted.SilenceConnections())
	unstarted.Close()
}

func TestRefusal(t *testing.T) {
	srv := newServer(t)
	bad := func(item *sgptest.Span) bool { return item.ID == "b" }
	two := `{"items":[{"trace_id":"t","id":"a","name":"n","start_timestamp":"2026-03-01T12:00:00Z"},` +
		`{"trace_id":"t","id":"b","name":"n","start_timestamp":"2026-03-01T12:00:00Z"}]}`
	srv.SetFault(sgptest.RefuseItems(409, bad))
	status, body := put(t, srv, two)
	assert.Equal(t, 409, status)
	assert.JSONEq(t, `{"detail":"refused"}`, body)
	srv.SetFault(sgptest.RefuseNamed(422, bad))
	status, body = put(t, srv, two)
	assert.Equal(t, 422, status)
	assert.JSONEq(t, `{"detail":[{"loc":["body","items",1],"msg":"refused","type":"value_error"}]}`, body)
	assert.Empty(t, srv.Spans())
	status, _ = put(t, srv, items(minimal))
	assert.Equal(t, 200, status)
}

func TestPagesAndHeaders(t *testing.T) {
	srv := newServer(t)
	srv.Inject(sgptest.Page(501), sgptest.HugeHeaders(503, 100_000))
	status, body := put(t, srv, items(minimal))
	assert.Equal(t, 501, status)
	assert.Contains(t, body, "<title>Not Implemented</title>")
	status, _ = put(t, srv, items(minimal))
	assert.Equal(t, 503, status)
	assert.Empty(t, srv.Spans())
}
