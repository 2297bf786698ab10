//nolint:bodyclose // the answers are made here and closed by the code under test
package transport

import (
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// locked is a server that accepts one key.
type locked struct {
	*server
	mu   sync.Mutex
	key  string
	code int
}

func newLocked(key string, code int) *locked {
	return &locked{server: &server{answer: refuseThose(422)}, key: key, code: code}
}

func (l *locked) RoundTrip(req *http.Request) (*http.Response, error) {
	l.mu.Lock()
	right := req.Header.Get("X-Api-Key") == l.key
	l.mu.Unlock()
	if !right {
		resp, err := (&server{answer: func(int, string) *http.Response {
			return replyWith(l.code, `{"detail":"no such key"}`, "Content-Type", "application/json")
		}}).RoundTrip(req)
		l.server.mu.Lock()
		defer l.server.mu.Unlock()
		l.keys = append(l.keys, req.Header.Get("X-Api-Key"))
		return resp, err
	}
	return l.server.RoundTrip(req)
}

func (l *locked) change(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.key = key
}

// A key that is refused may come back: its spans wait, and it is told once.
func TestRefusedKeyWaits(t *testing.T) {
	for _, code := range []int{401, 403} {
		synctest.Test(t, func(t *testing.T) {
			l := newLocked("another", code)
			c, rec := newTestClient(t, l)
			time.AfterFunc(2*time.Minute, func() { l.change(testKey) })
			require.Equal(t, Result{LastStatus: 200}, persist(t.Context(), c, batchOf("a", "b"), rec))
			assert.Less(t, len(l.keys), 20, "no storm")
			require.Len(t, rec.refusals, 1)
			assert.ErrorContains(t, rec.refusals[0], "no such key")
			assert.Empty(t, rec.failing, "reported as a refusal already")

			l.change("yet another")
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			result := persist(ctx, c, batchOf("a"), rec)
			require.ErrorIs(t, errOf(result), ErrUnauthorized)
			assert.True(t, Retryable(errOf(result)))
			assert.Len(t, rec.refusals, 2)
		})
	}
}

// A 403 with a page is a proxy's, and says nothing of the key.
func TestPageIsNoRefusalOfTheKey(t *testing.T) {
	s := &server{answer: func(int, string) *http.Response { return replyWith(403, "<html>", "Content-Type", "text/html") }}
	c, rec := newTestClient(t, s, noRetry)
	err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
	require.ErrorIs(t, err, ErrNotSGP)
	assert.NotErrorIs(t, err, ErrUnauthorized)
	assert.EqualError(t, err, "https://sgp.test/v5/spans/batch answered PUT with 403 Forbidden and a page (text/html); "+
		"SGP would not: check the base URL (WithBaseURL or SGP_CLIENT_BASE_URL) and what stands between it and this process")
	assert.Empty(t, rec.refusals)
}

func withSource(source KeySource) func(*Config) {
	return func(cfg *Config) { cfg.APIKey, cfg.KeyCanChange = source, true }
}

func TestRotatedKeyIsTakenAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLocked("key-1", 401)
		asked := 0
		c, rec := newTestClient(t, l, withSource(func(context.Context) (string, error) {
			asked++
			return " key-" + string(rune('0'+asked)) + "\n", nil
		}))
		require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
		require.NoError(t, errOf(c.Send(t.Context(), batchOf("b"), 1, rec)))
		assert.Equal(t, 1, asked, "a key that is accepted is kept")

		l.change("key-2")
		begin := time.Now()
		require.NoError(t, errOf(c.Send(t.Context(), batchOf("c"), 1, rec)))
		assert.Equal(t, time.Duration(0), time.Since(begin))
		assert.Equal(t, 2, asked)
		assert.Empty(t, rec.refusals, "a rotation is no failure")
		assert.Equal(t, []string{"a", "b", "c"}, stored(l.server))
	})
}

func TestSpansOutliveALateRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLocked("new", 403)
		begin := time.Now()
		asked := 0
		c, rec := newTestClient(t, l, withSource(func(context.Context) (string, error) {
			asked++
			if time.Since(begin) < 30*time.Second {
				return "old", nil
			}
			return "new", nil
		}))
		require.NoError(t, errOf(persist(t.Context(), c, batchOf("a"), rec)))
		assert.Len(t, rec.refusals, 1)
		assert.Equal(t, []string{"a"}, stored(l.server))
		assert.Less(t, len(l.keys), 20, "no storm")
		assert.Less(t, asked, 20)
		assert.Empty(t, rec.failing, "reported as a refusal already")
	})
}

// A source that makes a new key each time does not defeat the backoff.
func TestFreshKeysThatAreRefusedWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLocked("never", 401)
		asked := 0
		c, rec := newTestClient(t, l, withSource(func(context.Context) (string, error) {
			asked++
			return "fresh-" + string(rune('a'+asked)), nil
		}))
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		require.ErrorIs(t, errOf(persist(ctx, c, batchOf("a"), rec)), ErrUnauthorized)
		assert.Less(t, len(l.keys), 20)
		assert.Len(t, rec.refusals, 1)
	})
}

func TestFailingSourceIsAskedAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLocked("key", 401)
		asked := 0
		c, rec := newTestClient(t, l, withSource(func(context.Context) (string, error) {
			asked++
			switch asked {
			case 1:
				return "", errors.New("vault is sealed")
			case 2:
				return "", nil
			case 3:
				return "a\nb", nil
			}
			return "key", nil
		}))
		require.NoError(t, errOf(persist(t.Context(), c, batchOf("a"), rec)))
		assert.Equal(t, 4, asked)
		assert.Equal(t, []string{"key"}, l.keys, "nothing is sent without a key")
	})
}

// The key that is in use does not show in what its source says later.
func TestKeyShowsInNoErrorOfItsSource(t *testing.T) {
	for name, fail := range map[string]func() (string, error){
		"error": func() (string, error) { return "", errors.New("cannot renew " + testKey) },
		"panic": func() (string, error) { panic("cannot renew " + testKey) },
	} {
		t.Run(name, func(t *testing.T) {
			l := newLocked(testKey, 401)
			first := true
			c, rec := newTestClient(t, l, withSource(func(context.Context) (string, error) {
				if first {
					first = false
					return testKey, nil
				}
				return fail()
			}), noRetry)
			require.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec)))
			l.change("another")
			err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
			assert.ErrorContains(t, err, "cannot renew [API key]")
			assert.NotContains(t, err.Error(), testKey)
		})
	}
}

func TestFailingSourceIsNamed(t *testing.T) {
	c, rec := newTestClient(t, &server{}, withSource(func(context.Context) (string, error) {
		return "", errors.New("vault is sealed")
	}), noRetry)
	err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
	assert.EqualError(t, err, "the source of the API key failed: vault is sealed")
	assert.Equal(t, "api_key_source", ErrorType(err))
}

func TestHangingSourceEndsWithTheTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, rec := newTestClient(t, &server{}, withSource(func(ctx context.Context) (string, error) {
			<-ctx.Done()
			return "", ctx.Err()
		}), func(cfg *Config) { cfg.Retry.MaxAttempts = 2 })
		begin := time.Now()
		err := errOf(c.Send(t.Context(), batchOf("a"), 1, rec))
		require.ErrorIs(t, err, context.DeadlineExceeded)
		assert.ErrorContains(t, err, "the source of the API key failed: nothing within 10s, which WithTimeout allows a request")
		assert.GreaterOrEqual(t, time.Since(begin), 20*time.Second)
	})
}

// However many batches wait for a key, the source is asked by one of them.
func TestSourceIsAskedOnceConcurrentSafe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := newLocked("second", 401)
		var asked, overlap atomic.Int32
		c, rec := newTestClient(t, l, withSource(func(context.Context) (string, error) {
			assert.EqualValues(t, 1, overlap.Add(1))
			defer overlap.Add(-1)
			<-time.After(time.Second)
			if asked.Add(1) == 1 {
				return "first", nil
			}
			return "second", nil
		}))
		var all sync.WaitGroup
		for range 8 {
			all.Go(func() { assert.NoError(t, errOf(c.Send(t.Context(), batchOf("a"), 1, rec))) })
		}
		all.Wait()
		assert.EqualValues(t, 2, asked.Load())
	})
}

// A server may repeat a key in other letters than it was sent in.
func TestKeyIsScrubbedInEverySpelling(t *testing.T) {
	for key, spellings := range map[string][]string{
		testKey: {`sk-0123456789abcdef`},
		`pa"ss wörd/1`: {
			`pa"ss wörd/1`, `pa\"ss wörd/1`, `pa\"ss w\u00f6rd/1`,
			`pa%22ss%20w%C3%B6rd%2F1`, `pa%22ss+w%C3%B6rd%2F1`, `pa%22ss%20w%c3%b6rd%2f1`, `pa%22ss+w%c3%b6rd%2f1`,
			`pa"ss wÃ¶rd/1`, `pa\"ss w\u00c3\u00b6rd/1`,
		},
		`a&<b>\c`:     {`a&<b>\c`, `a&<b>\\c`, `a\u0026\u003cb\u003e\\c`, `a%26%3Cb%3E%5Cc`, `a&%3Cb%3E%5Cc`},
		"caf\xe9 key": {"caf\xe9 key", "café key", "caf\uFFFD key", `caf\xe9 key`, `caf\u00e9 key`, `caf\ufffd key`, "caf%E9+key", "caf%e9%20key"},
	} {
		for _, spelling := range spellings {
			assert.Equal(t, "what is [API key]?", scrub("what is "+spelling+"?", key))
		}
	}
	assert.Len(t, spellings(testKey), 1)
	assert.Equal(t, "abc", scrub("abc", "abc"), "too short to hide")
}

func TestCheckKey(t *testing.T) {
	for _, good := range []string{"k", "sk-abc_DEF.123", "ünïcode", "a b"} {
		assert.NoError(t, CheckKey(good))
	}
	for _, bad := range []string{"", "a\nb", "a\x00", "a\x7f", "a\r\nx-evil: 1"} {
		err := CheckKey(bad)
		require.Error(t, err)
		if bad != "" {
			assert.NotContains(t, err.Error(), bad)
		}
	}
}
