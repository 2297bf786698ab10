//go:build browser

package live

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

// tests are those of the package; the browser that they share is closed at the end.
func tests(m *testing.M) goleak.TestingM { return browser.M{M: m} }
