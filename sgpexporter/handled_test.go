package sgpexporter

import (
	"context"
	"slices"
	"sync"
	"testing"

	"go.opentelemetry.io/otel"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// HandledErrors is what was reported to the global error handler during a test,
// whichever goroutine reported it.
type HandledErrors struct {
	mu   sync.Mutex // guards errs
	errs []error
}

// Handled gathers what is reported until the test ends.
func Handled(t *testing.T) *HandledErrors {
	t.Helper()
	h := new(HandledErrors)
	old := otel.GetErrorHandler()
	otel.SetErrorHandler(h)
	t.Cleanup(func() { otel.SetErrorHandler(old) })
	return h
}

// Handle is the error handler.
func (h *HandledErrors) Handle(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errs = append(h.errs, err)
}

// All is what was reported so far.
func (h *HandledErrors) All() []error {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Clone(h.errs)
}

// Forget starts anew.
func (h *HandledErrors) Forget() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.errs = nil
}

// Told is what an Exporter told during its calls.
type Told struct {
	mu        sync.Mutex // guards what follows
	warnings  []string
	delivered [][]int
	lost      []*asyncprocessor.ExportError
}

// Listen gathers what exp tells from now on.
func Listen(exp *Exporter) *Told {
	told := new(Told)
	exp.warn = func(_ context.Context, err error) {
		told.mu.Lock()
		defer told.mu.Unlock()
		told.warnings = append(told.warnings, err.Error())
	}
	exp.progress = func(_ context.Context, delivered []int, err *asyncprocessor.ExportError) {
		told.mu.Lock()
		defer told.mu.Unlock()
		if len(delivered) > 0 {
			told.delivered = append(told.delivered, slices.Clone(delivered))
		}
		if err != nil {
			told.lost = append(told.lost, err)
		}
	}
	return told
}

// Warnings are those handed to Warn.
func (l *Told) Warnings() []string { l.mu.Lock(); defer l.mu.Unlock(); return slices.Clone(l.warnings) }

// Delivered are the parts that Progress was told of.
func (l *Told) Delivered() [][]int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.delivered)
}

// Lost are the losses that Progress was told of.
func (l *Told) Lost() []*asyncprocessor.ExportError {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.lost)
}
