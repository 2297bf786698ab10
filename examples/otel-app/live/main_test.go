package live

import (
	"testing"

	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/examples/otel-app/browser"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(browser.M{M: m}) }
