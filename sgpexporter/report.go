package sgpexporter

import (
	"context"
	"fmt"
	"sync"
	"time"
)

// warnInterval is the least time between two warnings of one kind.
const warnInterval = time.Minute

// observer passes on what happens in the transport: to the metrics, and, as warnings, to
// the processor, whose reporter tells the global OpenTelemetry error handler. What a
// call gives up is in the error that it returns.
type observer struct {
	*Exporter
	outage limiter
	key    limiter
}

// Retried implements transport.Observer.
func (o *observer) Retried(ctx context.Context) {
	o.metrics.retried(ctx)
	slowed(ctx)
}

// Split implements transport.Observer.
func (o *observer) Split(ctx context.Context) { o.metrics.split(ctx) }

// KeyRefused implements transport.Observer.
func (o *observer) KeyRefused(ctx context.Context, err error) {
	if o.key.allow(time.Now()) {
		o.tell(ctx, fmt.Errorf("sgpexporter: no spans are delivered, they wait in %s: %w", o.waitIn(), o.at.unauthorized(err)))
	}
}

// Failing implements transport.Observer.
func (o *observer) Failing(ctx context.Context, err error, attempts int, since time.Time) {
	if !o.outage.allow(time.Now()) {
		return
	}
	times := "once"
	if attempts > 1 {
		times = fmt.Sprintf("%d times in %s", attempts, time.Since(since).Round(100*time.Millisecond))
	}
	o.tell(ctx, fmt.Errorf("sgpexporter: a request has failed %s and is tried again; spans wait in %s meanwhile: %w", times, o.waitIn(), err))
}

func (o *observer) waitIn() string {
	if o.spool != nil {
		return "the queue and the spool"
	}
	return "the queue"
}

// limiter lets one event pass in warnInterval.
type limiter struct {
	mu   sync.Mutex // guards what follows
	last time.Time
}

func (l *limiter) allow(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.last.IsZero() && now.Sub(l.last) < warnInterval {
		return false
	}
	l.last = now
	return true
}

// destination is where spans go and with which key, for a message: what says so,
// and not the key.
type destination struct{ baseURL, baseURLFrom, keyFrom string }

// unauthorized is err, of a key that SGP refuses, with what to check.
func (d destination) unauthorized(err error) error {
	return fmt.Errorf("%w; check that the API key (%s) is valid for the base URL %s (%s) and may write to the account", err,
		sourceOf(d.keyFrom, "SGP_API_KEY", "WithAPIKey"), d.baseURL,
		sourceOf(d.baseURLFrom, "SGP_CLIENT_BASE_URL", "WithBaseURL"))
}

// sourceOf says where a setting comes from and what else sets it.
func sourceOf(from, variable, option string) string {
	switch from {
	case variable:
		return "from " + from + "; or use " + option
	case option:
		return "from " + from + "; or set " + variable
	}
	return "from " + from + "; or set " + variable + " or use " + option
}
