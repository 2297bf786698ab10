package transport

import (
	"context"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

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
		return context.WithTimeoutCause(ctx, c.cfg.Timeout, errTimeout{c.cfg.Timeout})
	}
	return ctx, func() {}
}

// refusal makes one report of the many requests that a refused key fails, and says how
// long to wait for a key that is accepted.
type refusal struct {
	reported atomic.Bool

	mu    sync.Mutex // guards waits
	waits *backoff.ExponentialBackOff
}

// next returns how long no request is sent.
func (r *refusal) next() time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.waits.NextBackOff()
}

func (r *refusal) report(ctx context.Context, observer Observer, err error) {
	if r.reported.CompareAndSwap(false, true) {
		observer.KeyRefused(ctx, err)
	}
}

// over notes that a key was accepted.
func (r *refusal) over() {
	if r.reported.Load() {
		r.reported.Store(false)
		r.mu.Lock()
		defer r.mu.Unlock()
		r.waits.Reset()
	}
}
