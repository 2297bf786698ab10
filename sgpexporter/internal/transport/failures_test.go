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
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
			defer cancel()
			err := errOf(c.Send(ctx, batchOf("a"), 1, rec))
			assert.ErrorContains(t, err, "gave up")
			assert.Equal(t, "timeout", ErrorType(err))
			assert.NoError(t, c.Failure())
		})
	})
}

// Failure is for whoever gives up: of what was lost for good the caller knows.
func TestFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := true
		c, rec := newTestClient(t, &server{answer: func(int, string) *http.Response {
			if down {
				return nil
			}
			return reply(200)
		}})
		assert.NoError(t, c.Failure())
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- errOf(c.Send(ctx, batchOf("a"), 1, rec)) }()
		synctest.Wait()
		require.ErrorIs(t, c.Failure(), syscall.ECONNREFUSED, "it waits for its next attempt")
		cancel()
		require.ErrorIs(t, <-done, context.Canceled)
		require.ErrorIs(t, c.Failure(), syscall.ECONNREFUSED)
		require.True(t, Retryable(errOf(c.Send(t.Context(), batchOf("a"), 1, rec))))
		require.ErrorIs(t, c.Failure(), syscall.ECONNREFUSED, "what failed is to be tried again")

		down = false
		require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
		assert.NoError(t, c.Failure(), "that was long ago")

		down = true
		c, rec = newTestClient(t, &server{}, noRetry)
		c.http.Transport = &server{answer: func(int, string) *http.Response { return nil }}
		require.Error(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
		assert.NoError(t, c.Failure(), "the caller was told")
	})
}
