package sgpexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
)

// reports tells the global OpenTelemetry error handler what nobody else would,
// or not as well: which span was rejected, that the key is refused, that
// requests have been failing for some time. What a call gives up in the end is in
// the error that it returns, and the processor's to report.
type reports struct {
	rejects limiter
	outages limiter
}

func newReports() *reports {
	return &reports{
		rejects: limiter{burst: 10, every: 10 * time.Second},
		outages: limiter{burst: 1, every: time.Minute},
	}
}

// rejected names a span that SGP refused.
func (r *reports) rejected(err *RejectedError) {
	suppressed, ok := r.rejects.allow(time.Now())
	switch {
	case !ok:
	case suppressed > 0:
		otel.Handle(fmt.Errorf("%w (and %d more since the last report)", err, suppressed))
	default:
		otel.Handle(err)
	}
}

// keyRefused says what to check. It is called once per refusal.
func (r *reports) keyRefused(err error, at destination) {
	otel.Handle(fmt.Errorf("sgpexporter: no spans are delivered: %w; check that the API key (%s) "+
		"is valid for the base URL %s (%s) and may write to the account",
		err, sourceOf(at.keyFrom, "SGP_API_KEY", "WithAPIKey"), at.baseURL, sourceOf(at.baseURLFrom, "SGP_CLIENT_BASE_URL", "WithBaseURL")))
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

// destination is where spans go and with which key, for a message: what says so,
// and not the key.
type destination struct{ baseURL, baseURLFrom, keyFrom string }

// failing says that spans wait for SGP.
func (r *reports) failing(err error, attempts int, since time.Time) {
	if _, ok := r.outages.allow(time.Now()); ok {
		otel.Handle(fmt.Errorf("sgpexporter: a request has failed %d times in %s and is tried again; spans wait in the queue meanwhile: %w",
			attempts, time.Since(since).Round(100*time.Millisecond), err))
	}
}

// flush tells of what was held back and that no later report would mention.
func (r *reports) flush() {
	switch n := r.rejects.take(); n {
	case 0:
	case 1:
		otel.Handle(errors.New("sgpexporter: SGP rejected 1 more span since the last report"))
	default:
		otel.Handle(fmt.Errorf("sgpexporter: SGP rejected %d more spans since the last report", n))
	}
}

// limiter lets burst events pass, and one more every interval.
type limiter struct {
	burst int
	every time.Duration

	mu         sync.Mutex // guards what follows
	used       int
	last       time.Time // when used last fell
	suppressed int
}

// allow says whether an event may pass, and how many did not since the last
// one that did.
func (l *limiter) allow(now time.Time) (suppressed int, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if regained := int(now.Sub(l.last) / l.every); regained > 0 {
		l.used = max(l.used-regained, 0)
		l.last = l.last.Add(time.Duration(regained) * l.every)
	}
	if l.used >= l.burst {
		l.suppressed++
		return 0, false
	}
	if l.used == 0 {
		l.last = now
	}
	l.used++
	suppressed, l.suppressed = l.suppressed, 0
	return suppressed, true
}

// take returns and forgets the number of events that did not pass.
func (l *limiter) take() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := l.suppressed
	l.suppressed = 0
	return n
}

// observer passes on what happens in the transport.
type observer struct {
	metrics *metrics
	reports *reports
	at      destination
}

func (o observer) Retried(ctx context.Context) { o.metrics.retried(ctx) }
func (o observer) Split(ctx context.Context)   { o.metrics.split(ctx) }
func (o observer) KeyRefused(err error)        { o.reports.keyRefused(err, o.at) }
func (o observer) Failing(err error, attempts int, since time.Time) {
	o.reports.failing(err, attempts, since)
}
