package transport

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"
)

// Config is what a Client needs. The caller has checked it.
type Config struct {
	// URL is the whole address of the batch upsert. It holds no credentials.
	URL *url.URL
	// Header is sent with every request, beside what the Client sets itself.
	Header http.Header
	// APIKey gives the key.
	APIKey KeySource
	// KeyCanChange says that asking APIKey again may give another key.
	KeyCanChange bool
	// HTTPClient is copied, never changed. nil stands for a client of our own.
	HTTPClient *http.Client
	// Timeout bounds one request; 0 means no bound.
	Timeout time.Duration
	// Retry says how a request that failed for now is repeated.
	Retry RetryConfig
	// Gzip compresses requests.
	Gzip bool
	// MaxBytes bounds the body of a request of several items, before
	// compression.
	MaxBytes int64
	// LosesAlone says that, when the process is about to end, what fails alone while SGP
	// takes others is not retryable any more: it holds up the rest of its trace.
	LosesAlone bool
	// Observer hears what happens on the way.
	Observer Observer
}

// Observer hears what happens while requests are sent. Its methods are called
// from the goroutines of Send, with its context, and must not block.
type Observer interface {
	// Retried: a request is about to wait and be sent again.
	Retried(ctx context.Context)
	// Split: a request was refused whole, and what is in it is sent again in parts.
	Split(ctx context.Context)
	// KeyRefused: the server refuses the key, for the first time since it
	// last accepted one.
	KeyRefused(ctx context.Context, err error)
	// Failing: a request has failed for some time, or will have before it is tried
	// again.
	Failing(ctx context.Context, err error, attempts int, since time.Time)
}

// Client sends batches to one address. It is safe for concurrent use.
type Client struct {
	cfg      Config
	http     *http.Client
	own      *connections  // of http, nil if the application gave one
	template *http.Request // all but context, body and key
	keys     *keyring
	limit    sizeLimit // by 413
	passes   sizeLimit // by requests that failed and may be too large: see mayBeTooLarge
	health   health
	parents  spanSet // that were refused
	lost     spanSet // of which a write failed alone, for now
	refused  refusal
	failures failures
	requests atomic.Uint64
	wasSGP   atomic.Bool  // SGP answered once
	unnamed  atomic.Int64 // culprits in 1,000 items of the last batch that the answers did not name
	apart    atomic.Bool  // altered items that were sent together were refused: the next ones go apart
}

// NewClient returns a Client for cfg.
func NewClient(cfg Config) *Client {
	c := &Client{cfg: cfg, keys: newKeyring(cfg.APIKey)}
	c.limit.init(cfg.MaxBytes, growAfter)
	c.passes.init(cfg.MaxBytes, growSoon)
	c.health.renew = func() {}
	c.refused.waits = cfg.Retry.backOff()
	if cfg.HTTPClient != nil {
		copied := *cfg.HTTPClient
		c.http = &copied
	} else {
		c.own = &connections{current: newTransport()}
		c.health.renew = c.own.renew
		c.http = &http.Client{Transport: c.own}
	}
	c.http.CheckRedirect = redirectPolicy(c.http.CheckRedirect)
	c.http.Transport = readable{c.http.Transport}

	header := cfg.Header.Clone()
	if header == nil {
		header = http.Header{}
	}
	header.Set("Content-Type", "application/json")
	header.Set("Accept", "application/json")
	// Set by us, so that net/http does not decompress an echo nobody reads.
	header.Set("Accept-Encoding", "gzip")
	if c.own != nil {
		// An upsert and a search can be repeated. Without a value this is not sent: it tells net/http so, which
		// sends a request again at once when the server closed a connection that is used again, and did not answer.
		header["Idempotency-Key"] = nil
	}
	if cfg.Gzip {
		header.Set("Content-Encoding", "gzip")
	}
	c.template = &http.Request{
		Method: http.MethodPut, URL: cfg.URL, Host: cfg.URL.Host, Header: header,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
	}
	return c
}

// MaxBodyBytes is the size, before compression, above which no request should be
// made of several items: what is configured, or what the server's 413, or requests that
// got no answer, taught.
func (c *Client) MaxBodyBytes() int { return int(min(c.limit.get(), c.passes.get())) }

// Requests returns the number of requests with items, each attempt one.
func (c *Client) Requests() uint64 { return c.requests.Load() }

// CloseIdleConnections closes the connections of our own HTTP client. Those of
// a client that the application gave are the application's.
func (c *Client) CloseIdleConnections() {
	if c.own != nil {
		c.own.CloseIdleConnections()
	}
}

// errTimeout is why a request ends that took longer than Config.Timeout.
type errTimeout struct{ after time.Duration }

func (e errTimeout) Error() string {
	return fmt.Sprintf("nothing within %v, which WithTimeout allows a request", e.after)
}
func (e errTimeout) Is(target error) bool { return target == context.DeadlineExceeded }

// errRestart is why a request ends that nothing answers while others are answered again,
// or when the process is about to end: it is sent once more.
var errRestart = errors.New("given up for another try on a new connection")

// attempt sends one request and says what its answer means. items is what p holds,
// before compression; code is 0 if there was no answer. Where it had to wait for longer than
// the attempts have left until it may be sent, it is not.
func (c *Client) attempt(ctx context.Context, p *payload, key string, items []byte, try *attempts) (code int, err error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	restart := cancel
	if try.restarted {
		restart = nil
	}
	f, err := c.health.send(ctx, restart, try.left())
	if err != nil {
		return 0, err
	}
	how := gone
	defer func() { c.health.done(f, how) }()

	if c.cfg.Timeout > 0 {
		var timeUp context.CancelFunc
		ctx, timeUp = context.WithTimeoutCause(ctx, c.cfg.Timeout, errTimeout{c.cfg.Timeout})
		defer timeUp()
	}
	l := &lease{parts: p.parts}
	defer l.end()

	req := c.template.WithContext(ctx)
	// A cookie jar or an instrumented transport may add to it.
	req.Header = c.template.Header.Clone()
	req.Header["X-Api-Key"] = []string{key}
	req.ContentLength = p.size
	req.GetBody = l.open
	req.Body, _ = l.open()

	c.requests.Add(1)
	resp, err := c.http.Do(req)
	if err != nil {
		how, err = c.unanswered(ctx, err, key)
		return 0, err
	}
	// The answer is known: what is left of it, a reason or the echo, must not hold
	// up what comes after.
	defer time.AfterFunc(maxBodyTime, func() { cancel(nil) }).Stop()
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusSwitchingProtocols {
		defer drain(resp.Body, int64(len(items)))
	}
	if resp.Request == nil {
		resp.Request = req // a RoundTripper need not set it
	}
	err = judge(resp, key, items)
	how = failed
	if err == nil || aboutItems(err) != nil {
		how = accepted
		c.wasSGP.Store(true)
	}
	return resp.StatusCode, err
}

// unanswered describes a request that got no answer, and what that says about SGP.
func (c *Client) unanswered(ctx context.Context, err error, key string) (outcome, error) {
	kind, how := "connection_error", failed
	cause := context.Cause(ctx)
	var ours errTimeout
	switch {
	case errors.As(cause, &ours):
		kind, how, err = "timeout", timedOut, cause
	case errors.Is(cause, errRestart):
		kind, how, err = "timeout", timedOut, cause
	case errors.Is(ctx.Err(), context.Canceled):
		kind, how = "canceled", gone
	case ctx.Err() != nil:
		kind, how = "timeout", gone
	case isTimeout(err): // of the application's client
		kind, how = "timeout", timedOut
	}
	var urlErr *url.Error
	if errors.As(err, &urlErr) {
		err = urlErr.Err // the address is named below, in one form
	}
	return how, &unansweredError{
		kind: kind,
		err:  fmt.Errorf("no answer from %s: %w", origin(c.cfg.URL), scrubError(err, key)),
	}
}

func isTimeout(err error) bool {
	var netErr net.Error
	return errors.As(err, &netErr) && netErr.Timeout()
}
