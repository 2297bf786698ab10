package asyncprocessor_test

import (
	"sync"
	"testing"

	"go.opentelemetry.io/otel"
	"go.uber.org/goleak"
)

// reports collects what reaches the global OpenTelemetry error handler, which is
// one for the whole test binary.
var reports errorLog

func TestMain(m *testing.M) {
	otel.SetErrorHandler(&reports)
	goleak.VerifyTestMain(m)
}

// errorLog is an otel.ErrorHandler that keeps errors until somebody looks.
type errorLog struct {
	mu     sync.Mutex
	errs   []error
	onEach func(error)
}

func (l *errorLog) Handle(err error) {
	l.mu.Lock()
	l.errs = append(l.errs, err)
	onEach := l.onEach
	l.mu.Unlock()
	if onEach != nil {
		onEach(err)
	}
}

// take returns what came since the last take.
func (l *errorLog) take() []error {
	l.mu.Lock()
	defer l.mu.Unlock()
	errs := l.errs
	l.errs = nil
	return errs
}

// collectReports starts a test with an empty log.
func collectReports(t *testing.T) *errorLog {
	t.Helper()
	otel.SetErrorHandler(&reports) // another test may have set one of its own
	reports.take()
	t.Cleanup(func() { reports.take() })
	return &reports
}

// onReport calls f, on the reporting goroutine, with each error of this test.
func onReport(t *testing.T, f func(error)) {
	t.Helper()
	set := func(f func(error)) {
		reports.mu.Lock()
		defer reports.mu.Unlock()
		reports.onEach = f
	}
	set(f)
	t.Cleanup(func() { set(nil) })
}
