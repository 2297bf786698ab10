package metrics

import (
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

// TestSetup: both the processor and the exporter are on /metrics, and the environment
// configures the queue all the same. A scrape makes no span.
func TestSetup(t *testing.T) {
	sgp := sgptest.NewServer()
	defer sgp.Close()
	t.Setenv("SGP_API_KEY", "key")
	t.Setenv("SGP_CLIENT_BASE_URL", sgp.URL)
	t.Setenv("AGENTEX_SPAN_QUEUE_MAX_SIZE", "4321")
	telemetry, err := Setup(http.NotFoundHandler())
	require.NoError(t, err)
	get := func(path string) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		telemetry.Handler.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
		return w
	}
	get("/metrics")
	get("/work")
	require.NoError(t, telemetry.Traces.ForceFlush(t.Context()))
	w := get("/metrics")
	require.Equal(t, http.StatusOK, w.Code)
	assert.Regexp(t, `(?m)^otel_sdk_processor_span_processed_total\{.*\} 1$`, w.Body.String())
	assert.Regexp(t, `(?m)^otel_sdk_exporter_span_exported_total\{.*\} 1$`, w.Body.String())
	assert.Regexp(t, `(?m)^otel_sdk_processor_span_queue_capacity\{.*\} 4321$`, w.Body.String())

	require.NoError(t, telemetry.Traces.Shutdown(t.Context()))
	assert.Len(t, sgp.Spans(), 1, "of the request, not of the scrapes")
	require.NoError(t, telemetry.Meters.Shutdown(t.Context()))
}

// TestSetupFails: without a key there is nothing to set up.
func TestSetupFails(t *testing.T) {
	_, err := Setup(http.NotFoundHandler())
	require.ErrorContains(t, err, "no API key")
}
