package transport

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net"
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

const (
	// reportAfter is how long a request fails before the Observer hears of it. A blip is
	// not worth a line.
	reportAfter = 2 * time.Second
	// patience is how long a request is tried again within one call, unless RetryConfig
	// bounds the attempts: a blip is over by then, and what lasts longer waits in the
	// queue of who called, where it takes no place of a call, can be kept elsewhere, and
	// what ends meanwhile need not be sent as started.
	patience = 5 * time.Second
	// maxClosingWait bounds a wait when the process is about to end.
	maxClosingWait = time.Second
	// aloneAfter is how often a request fails, each time after SGP took another one,
	// until it is clear that SGP is there and the fault is in the request.
	aloneAfter = 2
	// probeAfter is how often a request of several items is answered 500 until one of them
	// may be at fault: see probe.
	probeAfter = 3
)

// put sends items as one request, until it is answered for good or given up. All
// attempts send the same bytes, of n items. code is the last status code, 0 if there was
// none. With once there is one attempt, for a part of what failed while SGP took others.
//
// After a few attempts, within patience, what failed for now is given back, to be tried
// again by who called. The first request that SGP takes wakes all that wait here.
func (c *Client) put(ctx context.Context, items []byte, n int, once bool) (code int, err error) {
	if ctx.Err() != nil {
		return 0, &laterError{fmt.Errorf("not sent: %w", ended(ctx))}
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
			err = c.panicked(value, key)
		}
	}()

	try := newAttempts(ctx, c, n)
	defer func() {
		if err == nil || !Retryable(err) {
			c.failures.note(nil)
		}
	}()
	for {
		try.begin()
		key, err = c.keyFor(ctx)
		if err == nil {
			var answered int
			if answered, err = c.attempt(ctx, &p, key, items, try); answered != 0 {
				code = answered
			}
			if n > 1 && len(items) >= 2*minLearned && ctx.Err() == nil && mayBeTooLarge(err) {
				c.passes.refused(int64(len(items)), n)
			}
		}
		if err == nil {
			c.refused.over()
			c.limit.stored()
			c.passes.stored()
			return code, nil
		}
		if aboutItems(err) != nil {
			return code, err
		}
		if errors.Is(err, errHeld) {
			return code, try.held(err)
		}
		if errors.Is(err, ErrUnauthorized) {
			if c.cfg.KeyCanChange {
				another, keyErr := c.replaceKey(ctx, key)
				if another && !try.newKey {
					try.newKey = true
					continue // at once, but once
				}
				if keyErr != nil {
					err = fmt.Errorf("%w; %w", err, keyErr)
				}
			}
			c.refused.report(ctx, c.cfg.Observer, err)
			c.health.hold(c.refused.next(), err)
		}
		c.health.hold(asked(err), err)
		if err = try.again(ctx, err, once); err != nil {
			return code, err
		}
	}
}

// panicked is the error for a panic of the application's HTTP client or key source.
func (c *Client) panicked(value any, key string) error {
	return fmt.Errorf("%w: %s", ErrPanic, shorten(scrub(scrub(fmt.Sprint(value), key), c.keys.inUse())))
}

// attempts is how often, and for how long, one request has failed for now.
type attempts struct {
	client    *Client
	items     int
	begun     <-chan struct{} // the process is about to end
	ending    bool            // it was when this attempt began
	since     time.Time
	failed    int
	last      error  // of the last attempt that was not cut off
	newKey    bool   // one was tried at once
	restarted bool   // it was sent once more because it hung
	taken     uint64 // requests that SGP had taken at the last failure
	alone     int    // failures before which SGP had taken others
	hurry     bool   // the last wait was cut for the deadline
	waits     *backoff.ExponentialBackOff
}

func newAttempts(ctx context.Context, c *Client, items int) *attempts {
	return &attempts{client: c, items: items, begun: closing(ctx), since: time.Now(), waits: c.cfg.Retry.backOff()}
}

func (a *attempts) begin() { a.ending = isClosed(a.begun) }

// again waits until the request may be sent again. It returns err, and why, when there
// is to be no other attempt.
func (a *attempts) again(ctx context.Context, err error, once bool) error {
	retry, observer := a.client.cfg.Retry, a.client.cfg.Observer
	a.failed++
	if !cutOff(ctx, err) {
		a.client.failures.note(err)
		a.last = err
	} else if a.last != nil {
		err = a.last // what ctx cut off says nothing of SGP
	}
	a.compare()
	switch {
	case ctx.Err() != nil:
		return &laterError{gaveUp(err, a.failed, a.since, ended(ctx))}
	case !retry.Enabled:
		return err
	case a.failed == retry.MaxAttempts:
		return gaveUp(err, a.failed, a.since, "as many as are allowed")
	case a.ending && a.client.hopeless(err):
		return gaveUp(err, a.failed, a.since, "the process ends")
	case once || a.alone >= aloneAfter:
		return &laterError{gaveUp(err, a.failed, a.since, errAlone)}
	case a.items > 1 && a.failed >= probeAfter && isInternal(err) && a.left() != math.MaxInt64:
		a.tell(ctx, err, reportAfter)
		return &laterError{gaveUp(err, a.failed, a.since, "for now")}
	case errors.Is(err, errRestart):
		a.restarted = true
		return nil // at once
	case a.client.hopeless(err) && isClosed(a.begun):
		return nil // at once
	}
	wait := max(asked(err), a.waits.NextBackOff())
	if isClosed(a.begun) {
		wait = min(wait, maxClosingWait)
	}
	if retry.MaxElapsedTime > 0 && time.Since(a.since)+wait > retry.MaxElapsedTime {
		return gaveUp(err, a.failed, a.since, "the time for retries is over")
	}
	if left, ok := timeLeft(ctx); ok && left <= min(wait, a.left()) {
		if a.hurry {
			return &laterError{gaveUp(err, a.failed, a.since, errNoTime)}
		}
		// One more try, with half of the time that is left.
		a.hurry = true
		wait = left / 2
	}
	if wait > a.left() {
		a.tell(ctx, err, wait)
		return &laterError{gaveUp(err, a.failed, a.since, "for now")}
	}
	a.tell(ctx, err, wait)
	observer.Retried(ctx)
	if !a.wait(ctx, wait) {
		return &laterError{gaveUp(err, a.failed, a.since, ended(ctx))}
	}
	return nil
}

// timeLeft returns how long it is until the deadline of ctx, if that has one.
func timeLeft(ctx context.Context) (time.Duration, bool) {
	deadline, ok := ctx.Deadline()
	return time.Until(deadline), ok
}

// left is how long the next attempt may wait before it is sent, until what fails for now
// is given back.
func (a *attempts) left() time.Duration {
	if retry := a.client.cfg.Retry; retry.MaxAttempts > 0 || retry.MaxElapsedTime > 0 {
		return math.MaxInt64 // it is lost then
	}
	return max(patience-time.Since(a.since), 0)
}

// tell tells the Observer of a request that has failed for some time, or will have.
func (a *attempts) tell(ctx context.Context, err error, wait time.Duration) {
	if time.Since(a.since)+wait >= reportAfter && !errors.Is(err, ErrUnauthorized) {
		a.client.cfg.Observer.Failing(ctx, err, a.failed, a.since)
	}
}

// held is err, of a request that was not sent, with the last failure if there was one.
func (a *attempts) held(err error) error {
	if a.last != nil {
		err = gaveUp(a.last, a.failed, a.since, err)
	}
	return &laterError{err}
}

// errAlone is why a request is given up that fails while SGP takes others.
var errAlone = errors.New("while SGP took other requests")

// errNoTime is why a request is given up shortly before its context ends.
var errNoTime = fmt.Errorf("the time of the call is nearly over: %w", context.DeadlineExceeded)

// compare notes whether SGP took other requests since the last failure.
func (a *attempts) compare() {
	taken, _ := a.client.health.state()
	if a.failed > 1 && taken > a.taken {
		a.alone++
	}
	a.taken = taken
}

// wait waits, until SGP takes another request or the process is about to end, and says
// whether ctx goes on. A request that failed again after that waits to the end.
func (a *attempts) wait(ctx context.Context, wait time.Duration) bool {
	begun := a.begun
	if isClosed(begun) {
		begun = nil // wait was cut for it
	}
	for over := time.Now().Add(wait); ; {
		taken, news := a.client.health.state()
		if a.alone > 0 {
			news = nil
		} else if taken > a.taken {
			return ctx.Err() == nil
		}
		left := time.Until(over)
		if left <= 0 || sleep(ctx, left, news, begun) || isClosed(begun) {
			return ctx.Err() == nil
		}
		if ctx.Err() != nil {
			return false
		}
	}
}

// hopeless says that the same request is not worth the time that a process has when it
// ends: the key is refused, or the address never was SGP's.
func (c *Client) hopeless(err error) bool {
	if errors.Is(err, ErrUnauthorized) {
		return true
	}
	var status *StatusError
	var dns *net.DNSError
	elsewhere := errors.As(err, &status) && status.Foreign() || errors.As(err, &dns) && dns.IsNotFound
	return elsewhere && !c.wasSGP.Load()
}

// cutOff says whether err is that ctx is over, and nothing else.
func cutOff(ctx context.Context, err error) bool {
	return ctx.Err() != nil && (errors.Is(err, ctx.Err()) || errors.Is(err, context.Cause(ctx)))
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
