//nolint:bodyclose // the answers are made here and closed by the code under test
package transport

import (
	"context"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// poisoned answers 500 to every request that has the span in it.
func poisoned(id string) func(int, string) *http.Response {
	return func(_ int, body string) *http.Response {
		if slices.Contains(idsOf(body), id) {
			return replyWith(500, "")
		}
		return reply(200)
	}
}

func losesAlone(cfg *Config) { cfg.LosesAlone = true }

// A span that alone fails holds up its trace while the process lives. At its end it is
// given up, and the rest of its trace is delivered, unless somebody keeps what is left.
func TestWhatFailsAloneIsGivenUpAtTheEnd(t *testing.T) {
	for name, c := range map[string]struct {
		closing, loses bool
		undelivered    []int
	}{
		"while the process lives": {false, true, []int{5, 6, 7}},
		"at its end":              {true, true, []int{5}},
		"somebody keeps it":       {true, false, []int{5, 6, 7}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := &server{answer: poisoned("b1")}
				client, rec := newTestClient(t, s, func(cfg *Config) { cfg.LosesAlone = c.loses })
				ctx := t.Context()
				if c.closing {
					ctx = closingAfter(t, 0)
				}
				stop := sendOthers(t, client)
				result := client.Send(ctx, ofTraces(), 8, rec)
				stop()
				assert.Equal(t, c.undelivered, undelivered(result))
				assert.True(t, FailedAlone(errOf(result)))
				assert.Equal(t, len(c.undelivered) > 1, Retryable(errOf(result)))
				require.ErrorContains(t, errOf(result), "while SGP took other requests; the last failure: SGP answered 500")
			})
		})
	}
}

// sendOthers makes SGP take a request now and then, until stop.
func sendOthers(t *testing.T, c *Client) (stop func()) {
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	others.Go(func() {
		for ctx.Err() == nil {
			batch := spans(func(add func(trace, id, parent string, remote bool)) { add("other", "o", "", false) })
			assert.Empty(t, c.Send(t.Context(), batch, 1, new(recorder)).Failed)
			time.Sleep(100 * time.Millisecond)
		}
	})
	return func() { cancel(); others.Wait() }
}

// When it is known that it fails alone, one try is enough at the end, also where nothing
// else is left to be sent; but an outage is no verdict on it.
func TestWhatFailedAloneGetsOneTryAtTheEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: poisoned("b1")}
		c, rec := newTestClient(t, s, losesAlone)
		lone := spans(func(add func(trace, id, parent string, remote bool)) { add("t1", "b1", "a1", false) })
		stop := sendOthers(t, c)
		require.True(t, Retryable(errOf(c.Send(t.Context(), lone, 1, rec))))
		stop()

		ctx := closingAfter(t, 0)
		time.Sleep(time.Nanosecond)
		begin, before := time.Now(), len(s.bodies)
		s.answer = func(int, string) *http.Response { return nil }
		assert.True(t, Retryable(errOf(c.Send(ctx, lone, 1, rec))))
		s.answer = poisoned("b1")
		assert.False(t, Retryable(errOf(c.Send(ctx, lone, 1, rec))))
		s.answer = poisoned("")
		assert.Empty(t, c.Send(ctx, lone, 1, rec).Failed)
		assert.Equal(t, before+3, len(s.bodies))
		assert.Zero(t, time.Since(begin))
	})
}

// Where every request has a span in it that always gets a 500, no other request tells that
// SGP is there. One item alone does.
func TestWhatFailsIsFoundWhereNothingElseIsSent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, id := range []string{"a0", "c3", "d7"} {
			s := &server{answer: poisoned(id)}
			c, rec := newTestClient(t, s)
			begin := time.Now()
			left := undelivered(c.Send(t.Context(), ofTraces(), 32, rec))
			assert.LessOrEqual(t, time.Since(begin), 5*time.Second)
			require.NotEmpty(t, left)
			assert.Equal(t, id, ofTraces().Item(left[0]).ID)
			for _, i := range left {
				assert.Equal(t, ofTraces().Item(left[0]).TraceID, ofTraces().Item(i).TraceID, "what is behind it")
			}
			assert.NotEmpty(t, rec.failing, "it is told")
		}
	})
}

// An outage with 500 costs a batch two requests more, and no verdict.
func TestProbesAreFew(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &server{answer: func(int, string) *http.Response { return replyWith(500, "") }}
		c, rec := newTestClient(t, s, losesAlone)
		result := c.Send(t.Context(), ofTraces(), 32, rec)
		assert.Len(t, undelivered(result), 32)
		assert.True(t, Retryable(errOf(result)))
		assert.False(t, FailedAlone(errOf(result)))
		assert.Len(t, s.bodies, 5)
		for _, probe := range s.bodies[3:] {
			assert.Len(t, idsOf(probe), 1)
			assert.Equal(t, "a", idsOf(probe)[0][:1], "the first of its trace")
		}
	})
}
