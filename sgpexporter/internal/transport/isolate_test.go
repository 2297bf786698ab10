//nolint:bodyclose // the answers are made here and closed by the code under test
package transport

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func TestSendIsOneRequest(t *testing.T) {
	s := &server{answer: refuseThose(422)}
	c, rec := newTestClient(t, s)
	result := c.Send(t.Context(), batchOf("a", "b", "c"), 3, rec)
	assert.Equal(t, Result{Settled: 3, LastStatus: 200}, result)
	assert.Equal(t, []string{`{"items":["a","b","c"]}`}, s.bodies)
	assert.Equal(t, Result{}, c.Send(t.Context(), batchOf(), 0, rec))
	assert.Len(t, s.bodies, 1)
}

func TestSendOnlyTheFirst(t *testing.T) {
	s := &server{answer: refuseThose(422)}
	c, rec := newTestClient(t, s)
	c.Send(t.Context(), batchOf("a", "b", "c"), 2, rec)
	assert.Equal(t, []string{`{"items":["a","b"]}`}, s.bodies)
}

func TestIsolateOneCulprit(t *testing.T) {
	for _, code := range []int{400, 409, 413, 422} {
		// 1 + 2*ceil(log2(n)), 2*10 for a thousand.
		for n, most := range map[int]int{1: 1, 2: 3, 3: 5, 8: 7, 100: 15, 1000: 21} {
			for _, at := range []int{0, n / 3, n - 1} {
				t.Run(fmt.Sprintf("%d/%d of %d", code, at, n), func(t *testing.T) {
					all := names(n)
					s := &server{answer: refuseThose(code, all[at])}
					c, rec := newTestClient(t, s)
					result := c.Send(t.Context(), batchOf(all...), n, rec)
					require.NoError(t, result.Err)
					assert.Equal(t, n, result.Settled)
					assert.LessOrEqual(t, len(s.bodies), most)
					assert.Equal(t, slices.Delete(slices.Clone(all), at, at+1), stored(s))
					require.Len(t, rec.rejected, 1)
					require.Contains(t, rec.rejected, at)
					assert.Equal(t, code, rec.rejected[at].Code)
					assert.Equal(t, "bad item", rec.rejected[at].Reason)
				})
			}
		}
	}
}

func TestIsolateSeveralCulprits(t *testing.T) {
	all := names(64)
	s := &server{answer: refuseThose(422, all[3], all[4], all[60])}
	c, rec := newTestClient(t, s)
	require.NoError(t, c.Send(t.Context(), batchOf(all...), 64, rec).Err)
	good := slices.DeleteFunc(slices.Clone(all), func(item string) bool {
		return item == all[3] || item == all[4] || item == all[60]
	})
	assert.Equal(t, good, stored(s))
	assert.Len(t, rec.rejected, 3)
}

func TestIsolateAllBadIsBounded(t *testing.T) {
	all := names(100)
	s := &server{answer: refuseThose(422, all...)}
	c, rec := newTestClient(t, s)
	result := c.Send(t.Context(), batchOf(all...), 100, rec)
	require.NoError(t, result.Err)
	assert.Equal(t, 422, result.LastStatus)
	assert.Len(t, s.bodies, 199)
	assert.Len(t, rec.rejected, 100)
	assert.Equal(t, 99, rec.splits)
}

// No item goes out before those ahead of it are settled.
func TestIsolateKeepsOrder(t *testing.T) {
	all := names(33)
	var settled []string
	s := &server{}
	refuse := refuseThose(422, all[0], all[16], all[32])
	s.answer = func(n int, body string) *http.Response {
		items := itemsOf(body)
		assert.Equal(t, all[len(settled)], items[0], "request %d does not begin where the last one ended", n)
		resp := refuse(n, body)
		if resp.StatusCode == http.StatusOK || len(items) == 1 {
			settled = append(settled, items...)
		}
		return resp
	}
	c, rec := newTestClient(t, s)
	require.NoError(t, c.Send(t.Context(), batchOf(all...), 33, rec).Err)
	assert.Equal(t, all, settled)
}

// A failure that is not about the items ends the batch where it stands.
func TestIsolateStopsAtOtherFailures(t *testing.T) {
	all := names(8)
	s := &server{}
	s.answer = func(n int, body string) *http.Response {
		switch n {
		case 1:
			return replyWith(422, "")
		case 2:
			return reply(200)
		}
		return replyWith(404, "")
	}
	c, rec := newTestClient(t, s)
	result := c.Send(t.Context(), batchOf(all...), 8, rec)
	assert.Equal(t, 4, result.Settled)
	assert.Equal(t, 404, result.LastStatus)
	var status *StatusError
	require.ErrorAs(t, result.Err, &status)
	assert.Equal(t, 404, status.Code)
	assert.Len(t, s.bodies, 3)
	assert.Empty(t, rec.rejected)
}

func TestLoneConflictIsDetached(t *testing.T) {
	s := &server{answer: refuseThose(409, "b")}
	c, rec := newTestClient(t, s)
	rec.detach = func(dst []byte, i int) ([]byte, error) {
		assert.Equal(t, 1, i)
		return append(dst, `"b detached"`...), nil
	}
	result := c.Send(t.Context(), batchOf("a", "b", "c"), 3, rec)
	assert.Equal(t, Result{Settled: 3, LastStatus: 200}, result)
	assert.Equal(t, []string{"a", "b detached", "c"}, stored(s))
	assert.Empty(t, rec.rejected)
}

func TestDetachedMayBeRejectedToo(t *testing.T) {
	s := &server{}
	s.answer = func(_ int, body string) *http.Response {
		switch itemsOf(body)[0] {
		case "b":
			return replyWith(409, "")
		case "b detached":
			return replyWith(422, "")
		}
		return reply(200)
	}
	c, rec := newTestClient(t, s)
	detached := 0
	rec.detach = func(dst []byte, _ int) ([]byte, error) {
		detached++
		return append(dst, `"b detached"`...), nil
	}
	result := c.Send(t.Context(), batchOf("b"), 1, rec)
	require.NoError(t, result.Err)
	assert.Equal(t, 1, detached)
	require.Contains(t, rec.rejected, 0)
	assert.Equal(t, 422, rec.rejected[0].Code)
	assert.Len(t, s.bodies, 2)
}

func TestOnlyConflictsAreDetached(t *testing.T) {
	s := &server{answer: refuseThose(422, "b")}
	c, rec := newTestClient(t, s)
	rec.detach = func([]byte, int) ([]byte, error) { panic("detached after a 422") }
	require.NoError(t, c.Send(t.Context(), batchOf("a", "b"), 2, rec).Err)
	assert.Contains(t, rec.rejected, 1)
}

func TestTooLargeTeachesTheSize(t *testing.T) {
	s := &server{}
	s.answer = func(_ int, body string) *http.Response {
		if len(body) > 100<<10 {
			return replyWith(413, "")
		}
		return reply(200)
	}
	c, rec := newTestClient(t, s)
	b := new(Batch)
	for range 200 {
		item, _ := json.Marshal(string(make([]byte, 166))) // \u0000: 998 bytes
		b.Commit(append(b.Buffer(), item...))
	}
	require.Equal(t, 4<<20, c.MaxBodyBytes())
	require.NoError(t, c.Send(t.Context(), b, b.Len(), rec).Err)
	assert.Len(t, s.bodies, 3)
	assert.Empty(t, rec.rejected)
	assert.Equal(t, 99_905, c.MaxBodyBytes(), "half of what was refused")

	// What one item alone was refused for says little about the rest.
	big, _ := json.Marshal(string(make([]byte, 100<<10/6+1000)))
	alone := new(Batch)
	alone.Commit(big)
	require.NoError(t, c.Send(t.Context(), alone, 1, rec).Err)
	assert.Contains(t, rec.rejected, 0)
	assert.Equal(t, 99_905, c.MaxBodyBytes())
}

func TestLearnedSizeRecovers(t *testing.T) {
	s := &server{answer: func(n int, _ string) *http.Response {
		if n == 1 {
			return replyWith(413, "")
		}
		return reply(200)
	}}
	c, rec := newTestClient(t, s, func(cfg *Config) { cfg.MaxBytes = 30 << 10 })
	require.NoError(t, c.Send(t.Context(), batchOf("a", "b"), 2, rec).Err)
	require.Equal(t, 16<<10, c.MaxBodyBytes())
	for range 997 {
		require.NoError(t, c.Send(t.Context(), batchOf("a"), 1, rec).Err)
	}
	assert.Equal(t, 16<<10, c.MaxBodyBytes())
	require.NoError(t, c.Send(t.Context(), batchOf("a"), 1, rec).Err)
	assert.Equal(t, 30<<10, c.MaxBodyBytes())
}

func TestSizeLimit(t *testing.T) {
	var l sizeLimit
	l.init(1 << 20)
	l.refused(1<<20, 10)
	assert.EqualValues(t, 512<<10, l.get())
	l.refused(1<<20, 10) // a request of before
	assert.EqualValues(t, 512<<10, l.get())
	l.refused(300<<10, 1)
	assert.EqualValues(t, 300<<10-1, l.get())
	l.refused(100, 2)
	assert.EqualValues(t, 16<<10, l.get(), "the least")

	for range 999 {
		l.stored()
	}
	assert.EqualValues(t, 16<<10, l.get())
	l.stored()
	assert.EqualValues(t, 32<<10, l.get())
	for range 6_000 {
		l.stored()
	}
	assert.EqualValues(t, 1<<20, l.get(), "never above what is configured")

	var small sizeLimit
	small.init(1000)
	small.refused(1000, 2)
	assert.EqualValues(t, 1000, small.get(), "never raised by a 413")
}

func TestSendAfterContextEnded(t *testing.T) {
	s := &server{answer: refuseThose(422)}
	c, rec := newTestClient(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	result := c.Send(ctx, batchOf("a", "b"), 2, rec)
	assert.Equal(t, 0, result.Settled)
	require.ErrorIs(t, result.Err, context.Canceled)
	assert.Equal(t, "canceled", ErrorType(result.Err))
	assert.Empty(t, s.bodies)
}
