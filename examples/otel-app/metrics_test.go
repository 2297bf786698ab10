package main

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

// samples reads /metrics: the values by name, of series with all the labels that
// are given.
func samples(t *testing.T, url string, labels ...string) map[string]string {
	t.Helper()
	status, body := get(t, url+"/metrics")
	require.Equal(t, http.StatusOK, status)
	values := map[string]string{}
lines:
	for line := range strings.Lines(body) {
		series, value, ok := strings.Cut(strings.TrimSpace(line), "} ")
		if strings.HasPrefix(line, "#") || !ok {
			continue
		}
		for _, label := range labels {
			if !strings.Contains(series, label) {
				continue lines
			}
		}
		name, _, _ := strings.Cut(series, "{")
		values[name] = value
	}
	return values
}

// TestMetrics: /metrics has what the processor and the exporter counted of a
// question's spans.
func TestMetrics(t *testing.T) {
	clearEnv(t)
	t.Setenv("AGENTEX_SPAN_QUEUE_MAX_SIZE", "5000")
	p := start(t, "-port", "0")
	url := p.url(t)
	status, body := read(t, post(t, url, `{"question":"how do I cancel an HTTP request?"}`))
	require.Equal(t, http.StatusOK, status, body)
	require.Eventually(t, func() bool {
		return samples(t, url)["asyncprocessor_delivery_lag_seconds_count"] == "44"
	}, time.Minute, 5*time.Millisecond, "the 40 spans of the question and the 4 of the index are not delivered")

	processor := samples(t, url, `otel_component_name="github.com/otelsgp/otelsgp/asyncprocessor.Processor/`)
	assert.Equal(t, "44", processor["otel_sdk_processor_span_processed_total"])
	assert.Equal(t, "0", processor["otel_sdk_processor_span_queue_size"])
	assert.Equal(t, "5000", processor["otel_sdk_processor_span_queue_capacity"])
	assert.Equal(t, "0", processor["asyncprocessor_snapshot_queued"])
	assert.Equal(t, "6.7108864e+07", processor["asyncprocessor_queue_bytes_capacity"])
	assert.GreaterOrEqual(t, number(t, processor["asyncprocessor_snapshot_exported_total"])+number(t, processor["asyncprocessor_snapshot_coalesced_total"]), 88,
		"two of each span, and updates")
	assert.Equal(t, "0", processor["asyncprocessor_snapshot_dropped_total"], "nothing was lost")

	exporter := samples(t, url, `otel_component_name="github.com/otelsgp/otelsgp/sgpexporter.Exporter/`, `server_address="127.0.0.1"`)
	assert.Equal(t, "44", exporter["otel_sdk_exporter_span_exported_total"])
	assert.Equal(t, "0", exporter["otel_sdk_exporter_span_inflight"])
	assert.Contains(t, exporter, "otel_sdk_exporter_operation_duration_seconds_count")

	assert.Equal(t, "1", samples(t, url, `service_name="otel-app"`)["target_info"])
	p.stop()
	require.Equal(t, 0, p.wait(t), p.stderr.String())
}
