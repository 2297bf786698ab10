package sgptest_test

import (
	"context"
	"io"
	"net/http"
	"sync"
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
