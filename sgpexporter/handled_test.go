package sgpexporter

import (
	"slices"
	"sync"
	"testing"

	"go.opentelemetry.io/otel"
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
