//nolint:bodyclose // the answers are made here and closed by the code under test
package transport

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// failing answers like this until it is over.
func outage(over time.Duration, answer func() *http.Response) func(int, string) *http.Response {
	begin := time.Now()
	return func(int, string) *http.Response {
		if time.Since(begin) < over {
			return answer()
		}
		return reply(200)
	}
}

// Whatever SGP, a proxy or the network does instead of judging the items is no verdict
// on them.
func TestNotNowIsRetried(t *testing.T) {
	answers := map[string]func() *http.Response{
		"connection":   func() *http.Response { return nil },
		"200 page":     func() *http.Response { return replyWith(200, "<html>", "Content-Type", "text/html") },
		"400 page":     func() *http.Response { return replyWith(400, "<html>", "Content-Type", "text/html; charset=utf-8") },
		"401":          func() *http.Response { return replyWith(401, `{"detail":"key"}`, "Content-Type", "application/json") },
		"403 page":     func() *http.Response { return replyWith(403, "<html>", "Content-Type", "text/html") },
		"302 to login": func() *http.Response { return replyWith(302, "", "Location", "https://login.test/") },
	}
	for _, code := range []int{402, 403, 404, 405, 406, 408, 410, 415, 418, 421, 425, 429, 431, 500, 501, 502, 503, 504, 505, 520} {
		answers[fmt.Sprint(code)] = func() *http.Response { return replyWith(code, "") }
	}
	for name, answer := range answers {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: outage(time.Minute, answer)}
				c, rec := newTestClient(t, s)
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				defer cancel()
				result := persist(ctx, c, batchOf("a", "b"), rec)
				assert.Equal(t, Result{LastStatus: 200}, result)
				for _, body := range s.bodies {
					if name == "500" && body == `{"items":["a"]}` {
						continue // a probe
					}
					assert.Equal(t, `{"items":["a","b"]}`, body)
				}
				for i := 1; i < len(s.heads); i++ {
					assert.Equal(t, s.heads[0], s.heads[i])
				}
				assert.Positive(t, rec.retries)
				assert.Zero(t, rec.splits)
				assert.True(t, len(rec.failing) > 0 || len(rec.refusals) == 1, "it is told")
			})
		})
	}
}

// At the end of its context a call gives its items back, to be tried again.
func TestEndOfContextIsRetryable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, code := range []int{401, 404, 503} {
			s := &server{answer: outage(time.Hour, func() *http.Response { return replyWith(code, "") })}
			c, rec := newTestClient(t, s)
			ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
			defer cancel()
			result := c.Send(ctx, batchOf("a", "b"), 2, rec)
			assert.Equal(t, []int{0, 1}, undelivered(result))
			assert.True(t, Retryable(errOf(result)), "%d", code)
		}
	})
}

func TestRetryWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: outage(4*time.Minute, func() *http.Response { return replyWith(503, "") })}
		c, rec := newTestClient(t, s, func(cfg *Config) { cfg.Retry.MaxAttempts = 100 })
		require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
		require.Greater(t, len(s.times), 8)
		// 0.4 s doubling up to 20 s, each varied by a half.
		for i, bounds := range [][2]time.Duration{
			{200 * time.Millisecond, 600 * time.Millisecond},
			{400 * time.Millisecond, 1200 * time.Millisecond},
			{800 * time.Millisecond, 2400 * time.Millisecond},
			{1600 * time.Millisecond, 4800 * time.Millisecond},
			{3200 * time.Millisecond, 9600 * time.Millisecond},
			{6400 * time.Millisecond, 19200 * time.Millisecond},
			{10 * time.Second, 30 * time.Second},
			{10 * time.Second, 30 * time.Second},
		} {
			wait := s.times[i+1].Sub(s.times[i])
			assert.GreaterOrEqual(t, wait, bounds[0], "wait %d", i+1)
			assert.LessOrEqual(t, wait, bounds[1]+time.Microsecond, "wait %d", i+1)
		}
	})
}

// Many exporters that fail together must not come back together.
func TestRetryWaitsDiffer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		waits := map[time.Duration]bool{}
		for range 20 {
			s := &server{answer: func(n int, _ string) *http.Response {
				if n == 1 {
					return replyWith(503, "")
				}
				return reply(200)
			}}
			c, rec := newTestClient(t, s)
			require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
			waits[s.times[1].Sub(s.times[0])] = true
		}
		assert.Greater(t, len(waits), 10)
	})
}

func TestRetryAfterIsHonoured(t *testing.T) {
	for name, value := range map[string]struct {
		header      func() string
		least, most time.Duration
	}{
		"seconds":     {func() string { return "7" }, 7 * time.Second, 7 * time.Second},
		"date":        {func() string { return time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat) }, 8 * time.Second, 9 * time.Second},
		"too long":    {func() string { return "7200" }, time.Minute, time.Minute},
		"zero":        {func() string { return "0" }, 200 * time.Millisecond, 601 * time.Millisecond},
		"unreadable":  {func() string { return "later" }, 200 * time.Millisecond, 601 * time.Millisecond},
		"in the past": {func() string { return "Sun, 01 Mar 1999 12:00:20 GMT" }, 200 * time.Millisecond, 601 * time.Millisecond},
	} {
		for _, code := range []int{429, 503} {
			t.Run(name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					s := &server{answer: func(n int, _ string) *http.Response {
						if n == 1 {
							return replyWith(code, "", "Retry-After", value.header())
						}
						return reply(200)
					}}
					c, rec := newTestClient(t, s)
					require.NoError(t, errOf(persist(t.Context(), c, batchOf("a"), rec)))
					require.Len(t, s.times, 2)
					wait := s.times[1].Sub(s.times[0])
					assert.GreaterOrEqual(t, wait, value.least)
					most := value.most
					if most > 5*time.Second { // it has waited elsewhere
						most += 20 * time.Second
					}
					assert.LessOrEqual(t, wait, most)
				})
			})
		}
	}
}

func TestRetryBounds(t *testing.T) {
	down := func(int, string) *http.Response { return replyWith(503, "down for maintenance") }
	t.Run("attempts", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: down}
			c, rec := newTestClient(t, s, func(cfg *Config) { cfg.Retry.MaxAttempts = 3 })
			err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
			assert.Len(t, s.bodies, 3)
			assert.ErrorContains(t, err, "gave up after 3 attempts in ")
			assert.ErrorContains(t, err, "SGP answered 503 Service Unavailable: down for maintenance")
			assert.Equal(t, "503", ErrorType(err))
			assert.False(t, Retryable(err))
		})
	})
	t.Run("elapsed", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: down}
			c, rec := newTestClient(t, s, func(cfg *Config) { cfg.Retry.MaxElapsedTime = 10 * time.Second })
			begin := time.Now()
			require.Error(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
			assert.Greater(t, len(s.bodies), 2)
			assert.LessOrEqual(t, time.Since(begin), 10*time.Second)
		})
	})
	t.Run("disabled", func(t *testing.T) {
		s := &server{answer: down}
		c, rec := newTestClient(t, s, noRetry)
		err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
		require.Error(t, err)
		assert.False(t, Retryable(err), "no more retries is what was asked for")
		assert.Len(t, s.bodies, 1)
	})
	// What is left of the time is less than the next wait: one more try with half of it.
	t.Run("deadline before the next attempt", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: down}
			c, rec := newTestClient(t, s)
			ctx, cancel := context.WithTimeout(t.Context(), 3*time.Second)
			defer cancel()
			begin := time.Now()
			err := errOf(c.Send(ctx, batchOf("a"), 1, rec))
			require.ErrorIs(t, err, context.DeadlineExceeded)
			assert.True(t, Retryable(err))
			assert.GreaterOrEqual(t, s.times[len(s.times)-1].Sub(begin), 1500*time.Millisecond)
			assert.Less(t, time.Since(begin), 3*time.Second, "then there is nothing to wait for")
		})
	})
	t.Run("cancelled while it waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			stopping := errors.New("stopping")
			s := &server{answer: down}
			c, rec := newTestClient(t, s)
			ctx, cancel := context.WithCancelCause(t.Context())
			begin := time.Now()
			time.AfterFunc(100*time.Millisecond, func() { cancel(stopping) })
			err := errOf(c.Send(ctx, batchOf("a"), 1, rec))
			require.ErrorIs(t, err, stopping)
			require.ErrorIs(t, err, context.Canceled)
			assert.Equal(t, 100*time.Millisecond, time.Since(begin))
			assert.Len(t, s.bodies, 1)
		})
	})
	// Without bounds what fails is given back soon, to wait in the queue of who called.
	t.Run("patience", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: down}
			c, rec := newTestClient(t, s)
			begin := time.Now()
			err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
			assert.True(t, Retryable(err))
			assert.ErrorContains(t, err, ", for now; the last failure: SGP answered 503 Service Unavailable: down for maintenance")
			assert.LessOrEqual(t, time.Since(begin), 5*time.Second)
			assert.GreaterOrEqual(t, len(s.bodies), 3)
			assert.NotEmpty(t, rec.failing, "and it is told")
		})
	})
	// While SGP asks to wait no other request is sent either.
	t.Run("held", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			s := &server{answer: func(n int, _ string) *http.Response {
				if n == 1 {
					return replyWith(429, "", "Retry-After", "30")
				}
				return reply(200)
			}}
			c, rec := newTestClient(t, s)
			require.True(t, Retryable(errOf(c.Send(t.Context(), batchOf("a"), 1, rec))))
			err := errOf(c.Send(t.Context(), batchOf("b"), 1, rec))
			assert.EqualError(t, err, "not sent: SGP answered 429 Too Many Requests")
			assert.True(t, Retryable(err))
			assert.Len(t, s.bodies, 1)
			time.Sleep(26 * time.Second)
			require.NoError(t, errOf(c.Send(t.Context(), batchOf("b"), 1, rec)))
			assert.Equal(t, 30*time.Second, s.times[1].Sub(s.times[0]))
		})
	})
}

// hanging answers nothing until the request's context ends, n times.
type hanging struct {
	*server
	left int
}

func (h *hanging) RoundTrip(req *http.Request) (*http.Response, error) {
	if h.left > 0 {
		h.left--
		<-req.Context().Done()
		return nil, req.Context().Err()
	}
	return h.server.RoundTrip(req)
}

func TestRequestTimeoutIsRetried(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{&server{answer: refuseThose(422)}, 2}
		c, rec := newTestClient(t, h)
		begin := time.Now()
		require.NoError(t, errOf(persist(t.Context(), c, batchOf("a"), rec)))
		assert.GreaterOrEqual(t, time.Since(begin), 20*time.Second, "two timeouts")
		assert.Less(t, time.Since(begin), 23*time.Second)
		assert.Equal(t, []string{`{"items":["a"]}`}, h.bodies)
	})
}

func TestRequestTimeoutIsNamed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rec := newTestClient(t, &hanging{&server{}, 2}, func(cfg *Config) { cfg.Retry.MaxAttempts = 2 })
		err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
		assert.ErrorContains(t, err, "the last failure: no answer from https://sgp.test: nothing within 10s, which WithTimeout allows a request")
		assert.Equal(t, "timeout", ErrorType(err))
		require.ErrorIs(t, err, context.DeadlineExceeded)
	})
}

// A blip makes no noise, an outage does, within seconds.
func TestLongFailuresAreReported(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := func(limit int) func(int, string) *http.Response {
			return func(n int, _ string) *http.Response {
				if n <= limit {
					return nil
				}
				return reply(200)
			}
		}
		c, rec := newTestClient(t, &server{answer: answer(1)})
		require.NoError(t, errOf(persist(t.Context(), c, batchOf("a"), rec)))
		assert.Empty(t, rec.failing)

		s := &server{answer: answer(6)}
		c, rec = newTestClient(t, s)
		require.NoError(t, errOf(persist(t.Context(), c, batchOf("a"), rec)))
		require.NotEmpty(t, rec.failing)
		assert.ErrorContains(t, rec.failing[0], "no answer from https://sgp.test: connection refused")
		assert.Equal(t, "connection_error", ErrorType(rec.failing[0]))
	})
}
