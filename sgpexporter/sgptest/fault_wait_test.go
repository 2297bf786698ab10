package sgptest_test

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

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
