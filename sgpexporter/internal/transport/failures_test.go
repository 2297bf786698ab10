package transport

import (
	"context"
	"errors"
	"net/http"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// refusing refuses connections, and hangs until the request's context ends from the
// n-th on.
type refusing struct{ n, asked int }

func (r *refusing) RoundTrip(req *http.Request) (*http.Response, error) {
	if r.asked++; r.asked < r.n {
		return nil, syscall.ECONNREFUSED
	}
	<-req.Context().Done()
	return nil, context.Cause(req.Context())
}

// Whatever ends the attempts, in a wait or in the middle of one, what SGP said last
// is told too.
func TestEndOfContextHasTheLastFailure(t *testing.T) {
	stopping := errors.New("stopping")
	for name, hangsFrom := range map[string]int{"in a wait": 1000, "in an attempt": 3} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c, rec := newTestClient(t, &refusing{n: hangsFrom})
				ctx, cancel := context.WithTimeoutCause(t.Context(), time.Second, stopping)
				defer cancel()
				err := errOf(c.Send(ctx, batchOf("a"), 1, rec))
				require.ErrorIs(t, err, context.DeadlineExceeded)
				require.ErrorIs(t, err, syscall.ECONNREFUSED)
				assert.ErrorContains(t, err, "; the last failure: no answer from https://sgp.test: connection refused")
				assert.Equal(t, "connection_error", ErrorType(err))

				c, rec = newTestClient(t, &refusing{n: hangsFrom})
				ctx, stop := context.WithCancelCause(t.Context())
				time.AfterFunc(time.Second, func() { stop(stopping) })
				err = errOf(c.Send(ctx, batchOf("a"), 1, rec))
				require.ErrorIs(t, err, context.Canceled)
				require.ErrorIs(t, err, stopping)
				require.ErrorIs(t, err, syscall.ECONNREFUSED)
			})
		})
	}
	t.Run("the first attempt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			c, rec := newTestClient(t, &refusing{n: 1})
			ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
			defer cancel()
			err := errOf(c.Send(ctx, batchOf("a"), 1, rec))
			assert.ErrorContains(t, err, "gave up")
			assert.Equal(t, "timeout", ErrorType(err))
			assert.NoError(t, c.Failure())
		})
	})
}

// Failure is for whoever cancels: of what has ended otherwise the caller knows.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var down bool
		c, rec := newTestClient(t, &server{answer: func(int, string) *http.Response {
			if down {
				return nil
			}
			return reply(200)
		}})
		send := func(ctx context.Context) error { return errOf(persist(ctx, c, batchOf("a"), rec)) }
		require.NoError(t, send(t.Context()))
		assert.NoError(t, c.Failure())

		down = true
		ctx, cancel := context.WithCancel(t.Context())
		first, second := make(chan error), make(chan error)
		go func() { first <- send(ctx) }()
		go func() {
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			second <- send(ctx)
		}()
		synctest.Wait()
		require.ErrorIs(t, c.Failure(), syscall.ECONNREFUSED)
		require.ErrorIs(t, <-second, context.DeadlineExceeded)
		require.ErrorIs(t, c.Failure(), syscall.ECONNREFUSED, "the first one is under way")
		cancel()
		require.ErrorIs(t, <-first, context.Canceled)
		require.ErrorIs(t, c.Failure(), syscall.ECONNREFUSED, "and was cancelled")

		down = false
		require.NoError(t, send(t.Context()))
		assert.NoError(t, c.Failure(), "that was long ago")

		down = true
		ctx, cancel = context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		require.ErrorIs(t, send(ctx), context.DeadlineExceeded)
		assert.NoError(t, c.Failure(), "the caller was told")
	})
}
