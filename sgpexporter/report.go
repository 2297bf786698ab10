package sgpexporter

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"
)

// reports tells the global OpenTelemetry error handler what nobody else would,
// or not as well: which span was rejected, that the key is refused, that
// requests have been failing for some time. All else that a call gives up is in
// the error that it returns, and the processor's to report.
type reports struct {
	rejects limiter
	outages limiter
	key     keyReport
}

func newReports(at destination) *reports {
	return &reports{
		rejects: limiter{burst: 10, every: 10 * time.Second},
		outages: limiter{burst: 1, every: time.Minute},
		key:     keyReport{at: at},
	}
}

// rejected names a span that SGP refused, unless too many were named of late, and
// says whether it did.
func (r *reports) rejected(err *RejectedError) bool {
	told := r.rejects.allow(time.Now())
	if told {
		otel.Handle(err)
	}
	return told
}

// failing says that spans wait for SGP.
func (r *reports) failing(err error, attempts int, since time.Time) {
	if r.outages.allow(time.Now()) {
		otel.Handle(fmt.Errorf("sgpexporter: a request has failed %d times in %s and is tried again; spans wait in the queue meanwhile: %w",
			attempts, time.Since(since).Round(100*time.Millisecond), err))
	}
}

// limiter lets burst events pass, and one more every interval.
type limiter struct {
	burst int
	every time.Duration

	mu   sync.Mutex // guards what follows
	used int
	last time.Time // when used last fell
}

// allow says whether an event may pass.
func (l *limiter) allow(now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if regained := int(now.Sub(l.last) / l.every); regained > 0 {
		l.used = max(l.used-regained, 0)
		l.last = l.last.Add(time.Duration(regained) * l.every)
	}
	if l.used >= l.burst {
		return false
	}
	if l.used == 0 {
		l.last = now
	}
	l.used++
	return true
}

// observer passes on what happens in the transport.
type observer struct {
	metrics *metrics
	reports *reports
}

func (o observer) Retried(ctx context.Context) { o.metrics.retried(ctx) }
func (o observer) Split(ctx context.Context)   { o.metrics.split(ctx) }
func (o observer) KeyRefused(err error)        { o.reports.key.refused(err) }
func (o observer) Failing(err error, attempts int, since time.Time) {
	o.reports.failing(err, attempts, since)
}
