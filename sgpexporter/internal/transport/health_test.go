package transport

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// mute answers nothing while it is, not even later to what it was asked then.
type mute struct {
	mu    sync.Mutex // guards what follows
	until time.Time
	asked []time.Duration // since the beginning of the test
	begin time.Time
}

func (m *mute) RoundTrip(req *http.Request) (*http.Response, error) {
	m.mu.Lock()
	m.asked = append(m.asked, time.Since(m.begin))
	hangs := time.Now().Before(m.until)
	m.mu.Unlock()
	if hangs {
		<-req.Context().Done()
		return nil, context.Cause(req.Context())
	}
	resp := reply(200)
	resp.Request = req
	return resp, nil
}

// While nothing is answered, few requests are under way, and what is answered again is
// noticed within two seconds, whatever the timeout.
func TestSilenceLeavesPlaces(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		m := &mute{begin: begin, until: begin.Add(12 * time.Second)}
		c, rec := newTestClient(t, m)
		var calls sync.WaitGroup
		var mu sync.Mutex
		var done []time.Duration
		for i := range 8 { // two a second, as of a queue
			time.Sleep(500 * time.Millisecond)
			calls.Go(func() {
				assert.Empty(t, persist(t.Context(), c, batchOf(fmt.Sprint(i)), rec).Failed)
				mu.Lock()
				defer mu.Unlock()
				done = append(done, time.Since(begin))
			})
		}
		time.Sleep(5500 * time.Millisecond)
		m.mu.Lock()
		assert.LessOrEqual(t, len(m.asked), 7, "two before the silence is noticed, then one in one or two seconds")
		m.mu.Unlock()
		calls.Wait()
		assert.Greater(t, done[0], 12*time.Second)
		assert.LessOrEqual(t, done[0], 14*time.Second+500*time.Millisecond)
		assert.LessOrEqual(t, done[len(done)-1], done[0]+time.Second, "those that hang still are sent once more")
	})
}

// A server that is slow is not silent: its own last answer is the measure.
func TestSlowIsNotSilent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renewed := 0
		slow := roundTripper(func(req *http.Request) (*http.Response, error) {
			time.Sleep(900 * time.Millisecond)
			resp := reply(200)
			resp.Request = req
			return resp, nil
		})
		c, rec := newTestClient(t, slow)
		c.health.renew = func() { renewed++ }
		require.Empty(t, c.Send(t.Context(), batchOf("first"), 1, rec).Failed)
		begin := time.Now()
		var calls sync.WaitGroup
		for i := range 8 {
			time.Sleep(200 * time.Millisecond)
			calls.Go(func() { assert.Empty(t, c.Send(t.Context(), batchOf(fmt.Sprint(i)), 1, rec).Failed) })
		}
		calls.Wait()
		assert.Equal(t, 2500*time.Millisecond, time.Since(begin), "none waited for another")
		assert.Zero(t, renewed)
	})
}

type roundTripper func(*http.Request) (*http.Response, error)

func (f roundTripper) RoundTrip(req *http.Request) (*http.Response, error) { return f(req) }

// A lone request that times out is sent again on a new connection.
func TestTimeoutRenewsConnections(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{&server{answer: refuseThose(422)}, 1} //nolint:bodyclose // closed by the code under test
		c, rec := newTestClient(t, h)
		renewed := 0
		c.health.renew = func() { renewed++ }
		require.Empty(t, persist(t.Context(), c, batchOf("a"), rec).Failed)
		assert.Equal(t, 1, renewed)
	})
}

// The first success wakes all that wait for their next attempt.
func TestFirstSuccessWakesAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		down := true
		rt := roundTripper(func(*http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			if down {
				return nil, syscall.ECONNREFUSED
			}
			return reply(200), nil
		})
		c, rec := newTestClient(t, rt)
		var calls sync.WaitGroup
		var back time.Time
		for i := range 8 {
			calls.Go(func() {
				assert.Empty(t, c.Send(t.Context(), batchOf(fmt.Sprint(i)), 1, rec).Failed)
				assert.Equal(t, back, time.Now())
			})
		}
		time.Sleep(time.Second)
		mu.Lock()
		down = false
		mu.Unlock()
		synctest.Wait()
		back = time.Now()
		require.Empty(t, persist(t.Context(), c, batchOf("new"), rec).Failed)
		calls.Wait()
	})
}

// What fails alone while SGP takes others is not tried at each success of theirs.
func TestFailingAloneIsGivenBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: refuseThose(500, "poison")} //nolint:bodyclose // closed by the code under test
		c, rec := newTestClient(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		var others sync.WaitGroup
		others.Go(func() {
			for ctx.Err() == nil {
				assert.Empty(t, c.Send(t.Context(), batchOf("good"), 1, new(recorder)).Failed)
				time.Sleep(10 * time.Millisecond)
			}
		})
		begin := time.Now()
		result := c.Send(t.Context(), batchOf("poison"), 1, rec)
		cancel()
		others.Wait()
		assert.Less(t, time.Since(begin), 5*time.Second)
		assert.GreaterOrEqual(t, time.Since(begin), 400*time.Millisecond, "it was woken once, and then waited")
		require.Error(t, errOf(result))
		assert.True(t, Retryable(errOf(result)))
		assert.True(t, FailedAlone(errOf(result)))
		poison := 0
		for _, body := range s.bodies {
			if body == `{"items":["poison"]}` {
				poison++
			}
		}
		assert.Equal(t, 3, poison)
	})
}

// Ten minutes of outage, and one item that always gets a 500: nothing is given up for
// good, and what comes back is the item alone.
func TestLongOutageLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{}
		begin := time.Now()
		poison := refuseThose(500, "item-ac") //nolint:bodyclose // closed by the code under test
		s.answer = func(n int, body string) *http.Response {
			if time.Since(begin) < 10*time.Minute {
				return nil
			}
			return poison(n, body)
		}
		c, rec := newTestClient(t, s)
		send := func(batch *Batch) []int {
			for { // as a processor does
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
				result := c.Send(ctx, batch, batch.Len(), rec)
				cancel()
				if len(result.Failed) == 0 || FailedAlone(errOf(result)) {
					return undelivered(result)
				}
				require.True(t, Retryable(errOf(result)))
				require.Len(t, undelivered(result), batch.Len())
			}
		}
		var calls sync.WaitGroup
		calls.Go(func() {
			for range 200 {
				assert.Empty(t, send(batchOf("other")))
				time.Sleep(100 * time.Millisecond)
			}
		})
		all := names(8)
		batch := new(Batch)
		for _, name := range all { // each of a trace of its own
			batch.Commit(append(batch.Buffer(), `"`+name+`"`...), Item{TraceID: name, ID: name})
		}
		assert.Equal(t, []int{2}, send(batch))
		calls.Wait()
		assert.Less(t, time.Since(begin), 11*time.Minute)
	})
}

func closingAfter(t *testing.T, wait time.Duration) context.Context {
	begun := make(chan struct{})
	time.AfterFunc(wait, func() { close(begun) })
	return WithClosing(t.Context(), begun)
}

// When the process ends, nobody sleeps on while SGP is back.
func TestClosingCutsWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: outage(62*time.Second, func() *http.Response { return replyWith(503, "", "Retry-After", "60") })} //nolint:bodyclose // closed by the code under test
		c, rec := newTestClient(t, s)
		ctx, cancel := context.WithTimeout(closingAfter(t, 61*time.Second), 66*time.Second)
		defer cancel()
		begin := time.Now()
		require.Empty(t, persist(ctx, c, batchOf("a"), rec).Failed)
		assert.LessOrEqual(t, time.Since(begin), 63*time.Second)
	})
}

// A request that hangs when the process ends is sent once more, on a new connection.
func TestClosingRestartsWhatHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := &hanging{&server{answer: refuseThose(422)}, 1} //nolint:bodyclose // closed by the code under test
		c, rec := newTestClient(t, h)
		renewed := 0
		c.health.renew = func() { renewed++ }
		begin := time.Now()
		require.Empty(t, c.Send(closingAfter(t, 2*time.Second), batchOf("a"), 1, rec).Failed)
		assert.Equal(t, 2*time.Second, time.Since(begin))
		assert.Equal(t, 1, renewed)
	})
}

// A key that is refused costs the end of the process one try, and no wait.
func TestClosingWithARefusedKey(t *testing.T) {
	for _, wait := range []time.Duration{0, time.Minute} {
		synctest.Test(t, func(t *testing.T) {
			l := newLocked("another", 401)
			c, rec := newTestClient(t, l)
			begin := time.Now()
			ctx := closingAfter(t, wait)
			time.Sleep(time.Nanosecond) // closed, if it is to be at once
			result := persist(ctx, c, batchOf("a"), rec)
			require.ErrorIs(t, errOf(result), ErrUnauthorized)
			assert.False(t, Retryable(errOf(result)), "it is not to be tried again")
			assert.ErrorContains(t, errOf(result), "gave up")
			assert.LessOrEqual(t, time.Since(begin), wait+time.Nanosecond)
			if wait == 0 {
				assert.Len(t, l.keys, 1)
			}
		})
	}
}

// So does an address that never was SGP's; one that was gets all the time there is.
func TestClosingAtAWrongAddress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := func(code int) *server {
			return &server{answer: func(n int, _ string) *http.Response {
				if n == 1 && code == 200 {
					return reply(200)
				}
				return replyWith(404, "<html>", "Content-Type", "text/html")
			}}
		}
		for _, was := range []int{404, 200} {
			s := answer(was)
			c, rec := newTestClient(t, s)
			if was == 200 {
				require.Empty(t, persist(t.Context(), c, batchOf("a"), rec).Failed)
			}
			ctx, cancel := context.WithTimeout(closingAfter(t, 0), 10*time.Second)
			time.Sleep(time.Nanosecond)
			begin := time.Now()
			err := errOf(persist(ctx, c, batchOf("a"), rec))
			cancel()
			require.Error(t, err)
			assert.Equal(t, was == 200, Retryable(err))
			assert.Equal(t, was == 200, time.Since(begin) > 5*time.Second)
		}
	})
}

// One connection of several that goes silent holds up what is on it for three seconds,
// not for the timeout; and what is only slow is sent twice and no more.
func TestOvertakenRequestIsSentOnceMore(t *testing.T) {
	for name, slow := range map[string]time.Duration{"silent": time.Hour, "slow": 8 * time.Second} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				asked := 0
				rt := roundTripper(func(req *http.Request) (*http.Response, error) {
					body, _ := io.ReadAll(req.Body)
					if string(body) == `{"items":["slow"]}` {
						mu.Lock()
						asked++
						hangs := asked == 1 || name == "slow"
						mu.Unlock()
						if hangs {
							select {
							case <-time.After(slow):
							case <-req.Context().Done():
								return nil, context.Cause(req.Context())
							}
						}
					}
					return reply(200), nil
				})
				c, rec := newTestClient(t, rt)
				ctx, cancel := context.WithCancel(t.Context())
				var others sync.WaitGroup
				others.Go(func() {
					for ctx.Err() == nil {
						assert.Empty(t, c.Send(t.Context(), batchOf("quick"), 1, new(recorder)).Failed)
						time.Sleep(100 * time.Millisecond)
					}
				})
				begin := time.Now()
				assert.Empty(t, c.Send(t.Context(), batchOf("slow"), 1, rec).Failed)
				took := time.Since(begin)
				cancel()
				others.Wait()
				assert.Equal(t, 2, asked)
				if name == "silent" {
					assert.LessOrEqual(t, took, 3100*time.Millisecond)
				} else {
					assert.LessOrEqual(t, took, 11100*time.Millisecond)
				}
			})
		})
	}
}
