package transport

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// RetryConfig says how a request that failed for now is repeated. The context
// ends it in any case.
type RetryConfig struct {
	Enabled         bool
	InitialInterval time.Duration
	MaxInterval     time.Duration
	MaxElapsedTime  time.Duration // 0: no bound
	MaxAttempts     int           // the first included; 0: no bound
}

// reportAfter is the number of failed attempts after which the Observer hears of
// it: some three seconds with the default intervals. A blip is not worth a line.
const reportAfter = 4

// put sends items as one request, until it is answered for good or
// given up. All attempts send the same bytes. code is the last status code, 0 if
// there was none.
func (c *Client) put(ctx context.Context, items []byte) (code int, err error) {
	if ctx.Err() != nil {
		return 0, fmt.Errorf("not sent: %w", ended(ctx))
	}
	var p payload
	if c.cfg.Gzip {
		p = gzipPayload(items)
	} else {
		p = plainPayload(items)
	}
	defer p.release()

	var key string
	defer func() {
		if value := recover(); value != nil {
			err = fmt.Errorf("%w: %s", ErrPanic, shorten(scrub(fmt.Sprint(value), key)))
		}
	}()

	try := newAttempts(c)
	defer func() { c.failures.over(try.last != nil, err != nil && errors.Is(ctx.Err(), context.Canceled)) }()
	for {
		key, err = c.keyFor(ctx)
		if err == nil {
			code, err = c.attempt(ctx, &p, key, items)
		}
		if err == nil {
			c.refused.over()
			c.limit.stored()
			return code, nil
		}
		wait, again := transient(err)
		if errors.Is(err, ErrUnauthorized) {
			again = c.cfg.KeyCanChange
			if again {
				another, keyErr := c.replaceKey(ctx, key)
				if another && !try.newKey {
					try.newKey = true
					continue // at once, but once
				}
				if keyErr != nil {
					err = fmt.Errorf("%w; %w", err, keyErr)
				}
			}
			c.refused.report(c.cfg.Observer, err)
		}
		if !again {
			return code, err
		}
		if err = try.wait(ctx, err, wait); err != nil {
			return code, err
		}
	}
}

// attempts is how often, and for how long, one request has failed for now.
type attempts struct {
	client *Client
	since  time.Time
	failed int
	last   error // of the last attempt that was not cut off
	newKey bool  // one was tried at once
	waits  *backoff.ExponentialBackOff
}

func newAttempts(c *Client) *attempts {
	return &attempts{client: c, since: time.Now(), waits: c.cfg.Retry.backOff()}
}

// wait waits until the request may be sent again, for at least as long as the
// server asks. It returns err, and why, when there is to be no other attempt.
func (a *attempts) wait(ctx context.Context, err error, asked time.Duration) error {
	retry, observer := a.client.cfg.Retry, a.client.cfg.Observer
	a.failed++
	if !cutOff(ctx, err) {
		a.client.failures.failed(err, a.last == nil)
		a.last = err
	} else if a.last != nil {
		err = a.last // what ctx cut off says nothing of SGP
	}
	switch {
	case ctx.Err() != nil:
		return gaveUp(err, a.failed, a.since, ended(ctx))
	case !retry.Enabled:
		return err
	case a.failed == retry.MaxAttempts:
		return gaveUp(err, a.failed, a.since, "as many as are allowed")
	}
	if a.failed >= reportAfter && !errors.Is(err, ErrUnauthorized) {
		observer.Failing(err, a.failed, a.since)
	}
	wait := max(asked, a.waits.NextBackOff())
	if retry.MaxElapsedTime > 0 && time.Since(a.since)+wait > retry.MaxElapsedTime {
		return gaveUp(err, a.failed, a.since, "the time for retries is over")
	}
	// What comes after the deadline is not worth waiting for.
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) <= wait {
		return gaveUp(err, a.failed, a.since, context.DeadlineExceeded)
	}
	observer.Retried(ctx)
	if !sleep(ctx, wait) {
		return gaveUp(err, a.failed, a.since, ended(ctx))
	}
	return nil
}

// cutOff says whether err is that ctx is over, and nothing else.
func cutOff(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
}

// keyFor returns the key to send. Not to get one is a failure for now.
func (c *Client) keyFor(ctx context.Context) (string, error) {
	ctx, cancel := c.keyContext(ctx)
	defer cancel()
	key, err := c.keys.get(ctx)
	if err != nil {
		return "", &unansweredError{kind: "api_key_source", err: err}
	}
	return key, nil
}

// replaceKey asks for another key than the one that was refused, and says
// whether there is one.
func (c *Client) replaceKey(ctx context.Context, refused string) (bool, error) {
	ctx, cancel := c.keyContext(ctx)
	defer cancel()
	key, err := c.keys.replace(ctx, refused)
	return err == nil && key != refused, err
}

func (c *Client) keyContext(ctx context.Context) (context.Context, context.CancelFunc) {
	if c.cfg.Timeout > 0 {
		return context.WithTimeout(ctx, c.cfg.Timeout)
	}
	return ctx, func() {}
}

func (r RetryConfig) backOff() *backoff.ExponentialBackOff {
	b := &backoff.ExponentialBackOff{
		InitialInterval:     r.InitialInterval,
		MaxInterval:         r.MaxInterval,
		Multiplier:          2,
		RandomizationFactor: backoff.DefaultRandomizationFactor,
	}
	b.Reset()
	return b
}

// sleep waits and says whether the whole wait passed before ctx ended.
func sleep(ctx context.Context, wait time.Duration) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// refusal makes one report of the many requests that a refused key fails.
type refusal struct{ reported atomic.Bool }

func (r *refusal) report(observer Observer, err error) {
	if r.reported.CompareAndSwap(false, true) {
		observer.KeyRefused(err)
	}
}

// over notes that a key was accepted.
func (r *refusal) over() {
	if r.reported.Load() {
		r.reported.Store(false)
	}
}
