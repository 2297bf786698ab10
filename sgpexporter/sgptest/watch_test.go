package sgptest_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestWaitFor(t *testing.T) {
	srv := newServer(t)
	found := make(chan error, 1)
	asked := make(chan struct{}, 100)
	go func() {
		found <- srv.WaitFor(patient(t), func(spans []sgptest.Span) bool {
			asked <- struct{}{}
			return len(spans) == 1 && spans[0].Completed()
		})
	}()
	<-asked
	mustPut(t, srv, start("t", "a", "1"))
	<-asked
	mustPut(t, srv, end("t", "a", "1"))
	require.NoError(t, <-found)
}

func TestWaitForEnds(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, minimal)
	never := func([]sgptest.Span) bool { return false }
	cause := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(cause)
	err := srv.WaitFor(ctx, never)
	require.ErrorIs(t, err, cause)
	require.EqualError(t, err, "sgptest: condition not met (1 spans, 1 requests, 0 of them rejected): enough")
	require.NoError(t, srv.WaitFor(ctx, func(spans []sgptest.Span) bool { return len(spans) == 1 }), "it holds already")

	ended := make(chan error, 1)
	go func() { ended <- srv.WaitFor(patient(t), never) }()
	srv.Close()
	require.ErrorIs(t, <-ended, sgptest.ErrClosed)
	require.NoError(t, srv.WaitForRequests(patient(t), arrived(1)), "what was recorded is still there")
}

func TestChangesYieldsWhatIsThereAndWhatFollows(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, start("t", "a", "1"), start("t", "b", "2"))
	var got [][]string
	for spans := range srv.Changes(patient(t)) {
		got = append(got, names(spans))
		switch len(got) {
		case 1:
			// Both while this body runs: one slice, the latest state of each.
			mustPut(t, srv, start("t", "c", "3"))
			mustPut(t, srv, end("t", "a", "4"))
			mustPut(t, srv, end("t", "c", "5"))
		case 2:
			mustPut(t, srv, start("t", "a", "6")) // changes nothing
			mustPut(t, srv, end("t", "b", "7"))
		case 3:
			srv.Close()
		}
	}
	assert.Equal(t, [][]string{
		{"t/a=1 running", "t/b=2 running"},
		{"t/a=4", "t/c=5"},
		{"t/b=7"},
	}, got)
}

func TestChangesEndsWithItsContextAndItsLoop(t *testing.T) {
	srv := newServer(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	mustPut(t, srv, minimal)
	for range srv.Changes(ctx) {
		cancel()
	}
	rounds := 0
	for range srv.Changes(t.Context()) {
		rounds++
		break
	}
	assert.Equal(t, 1, rounds)
}

func TestOnStored(t *testing.T) {
	srv := newServer(t)
	mustPut(t, srv, start("t", "a", "1"))
	calls, done := make(chan []string), make(chan struct{})
	srv.OnStored(func(spans []sgptest.Span) {
		calls <- names(spans)
		<-done
	})
	assert.Equal(t, []string{"t/a=1 running"}, <-calls)
	// The function waits in its first call: no request waits for it.
	mustPut(t, srv, end("t", "a", "2"))
	mustPut(t, srv, start("t", "b", "3"))
	close(done)
	assert.Equal(t, []string{"t/a=2", "t/b=3 running"}, <-calls)
}

func TestOnStoredStops(t *testing.T) {
	srv := newServer(t)
	calls := make(chan []string, 10)
	var stop func()
	ready := make(chan struct{})
	stop = srv.OnStored(func(spans []sgptest.Span) {
		<-ready
		stop()
		calls <- names(spans)
	})
	close(ready)
	mustPut(t, srv, start("t", "a", "1"))
	assert.Equal(t, []string{"t/a=1 running"}, <-calls)
	mustPut(t, srv, start("t", "b", "1"))
	srv.Close() // waits for the goroutine
	assert.Empty(t, calls)
	srv.OnStored(func([]sgptest.Span) { assert.Fail(t, "the server is closed") })()
}

func TestLatencyInMemory(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sgptest.NewServer(sgptest.WithInMemoryNetwork(), sgptest.WithLatency(time.Second))
		defer srv.Close()
		took := func() time.Duration {
			begin := time.Now()
			mustPut(t, srv, minimal)
			return time.Since(begin)
		}
		assert.Equal(t, time.Second, took())
		srv.Inject(sgptest.Latency(2 * time.Second))
		assert.Equal(t, 3*time.Second, took())
		srv.SetLatency(0)
		assert.Equal(t, time.Duration(0), took())
		srv.Inject(sgptest.Latency(time.Minute))
		assert.Equal(t, time.Minute, took())

		// Nothing is stored when the client gives up before the latency is over.
		srv.Reset()
		srv.Inject(sgptest.Latency(time.Minute))
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		resp, err := srv.Client().Do(newPut(t, srv, items(minimal)).WithContext(ctx))
		if err == nil {
			_ = resp.Body.Close()
		}
		require.ErrorIs(t, err, context.DeadlineExceeded)
		synctest.Wait()
		assert.Empty(t, srv.Spans())
	})
}

func TestMemoryNetworkEndsWithTheServer(t *testing.T) {
	srv := newServer(t, sgptest.WithInMemoryNetwork())
	assert.Equal(t, "http://sgptest.invalid", srv.URL)
	mustPut(t, srv, minimal)
	srv.Inject(sgptest.ResetConnection())
	resp, err := srv.Client().Do(newPut(t, srv, items(minimal)))
	if err == nil {
		_ = resp.Body.Close()
	}
	require.Error(t, err)
	req := newPut(t, srv, items(minimal))
	srv.Close()
	resp, err = srv.Client().Do(req)
	if err == nil {
		_ = resp.Body.Close()
	}
	require.Error(t, err)
}

func TestUnstartedServerIsAHandler(t *testing.T) {
	srv := sgptest.NewUnstartedServer()
	assert.Empty(t, srv.URL)
	assert.Nil(t, srv.Client())
	serve := func() *httptest.ResponseRecorder {
		req := httptest.NewRequest(http.MethodPut, "/v5/spans/batch", strings.NewReader(items(minimal)))
		req.Header.Set("Content-Type", "application/json")
		req.Header.Set("x-api-key", "key")
		w := httptest.NewRecorder()
		srv.ServeHTTP(w, req)
		return w
	}
	assert.Equal(t, 200, serve().Code)
	assert.Len(t, srv.Spans(), 1)
	srv.Close()
	w := serve()
	assert.Equal(t, 503, w.Code)
	assert.Equal(t, `{"detail":"server closed"}`, w.Body.String())
	assert.Len(t, srv.Requests(), 1)
	assert.Panics(t, srv.Start)
}

func TestStartTwicePanics(t *testing.T) {
	srv := newServer(t)
	assert.Panics(t, srv.Start)
}

// A client that stops in the middle of its body must not keep Close waiting.
func TestCloseDoesNotWaitForAStalledBody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sgptest.NewServer(sgptest.WithInMemoryNetwork())
		r, w := io.Pipe()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPut, srv.URL+"/v5/spans/batch", r)
		require.NoError(t, err)
		failed := make(chan error, 1)
		go func() {
			resp, err := srv.Client().Do(req)
			if err == nil {
				_ = resp.Body.Close()
			}
			failed <- err
		}()
		_, err = w.Write([]byte(`{"items":`))
		require.NoError(t, err)
		srv.Close()
		require.NoError(t, w.Close())
		require.Error(t, <-failed)
		assert.Empty(t, srv.Requests())
	})
}

// Who closes the server as soon as a span is stored must not cut off the answer.
func TestCloseLetsAnAnswerFinish(t *testing.T) {
	for range 20 {
		srv := newServer(t)
		answered := make(chan error, 1)
		req := newPut(t, srv, items(minimal))
		go func() {
			resp, err := srv.Client().Do(req)
			if err == nil {
				_, err = io.Copy(io.Discard, resp.Body)
				_ = resp.Body.Close()
			}
			answered <- err
		}()
		require.NoError(t, srv.WaitFor(patient(t), func(spans []sgptest.Span) bool { return len(spans) == 1 }))
		srv.Close()
		require.NoError(t, <-answered)
	}
}

func TestRequestThatDoesNotComeWholeIsNotRecorded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		srv := sgptest.NewServer(sgptest.WithInMemoryNetwork())
		defer srv.Close()
		transport, ok := srv.Client().Transport.(*http.Transport)
		require.True(t, ok)
		conn, err := transport.DialContext(t.Context(), "tcp", "")
		require.NoError(t, err)
		_, err = io.WriteString(conn, "PUT /v5/spans/batch HTTP/1.1\r\nHost: h\r\nContent-Length: 1000\r\nx-api-key: k\r\n\r\n{\"items\"")
		require.NoError(t, err)
		synctest.Wait()
		require.NoError(t, conn.Close())
		synctest.Wait()
		assert.Empty(t, srv.Requests())
		assert.Empty(t, srv.Violations())
		mustPut(t, srv, minimal)
	})
}
