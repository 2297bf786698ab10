package main

import (
	"fmt"
	"net/http"

	"github.com/otelsgp/otelsgp/examples/otel-app/internal/delivery"
)

// hint says what the page, which is at url, shows besides the service's own traces.
func (t *telemetry) hint(url string) string {
	switch {
	case t.exporter.Disabled():
		return "The page stays empty."
	case t.embedded == nil:
		return "The page shows this service's traces, as SGP has taken them."
	}
	return fmt.Sprintf("The page shows your own service's traces too, if that runs with\n"+
		"SGP_CLIENT_BASE_URL=%s SGP_API_KEY=any", url)
}

// notice says why the page shows less than it should, or nothing. It is "" when all is
// well.
func (t *telemetry) notice() string {
	if t.exporter.Disabled() {
		return "DISABLE_SCALE_TRACING is set: nothing is exported."
	}
	stats := t.processor.Stats()
	wait := "1 snapshot waits"
	if n := stats.Queued + stats.InFlight; n != 1 {
		wait = fmt.Sprintf("%d snapshots wait", n)
	}
	switch last := t.health.Last(); last {
	case 0, http.StatusOK:
		return ""
	case http.StatusBadRequest, http.StatusConflict, http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		return "" // that is about single spans
	case http.StatusUnauthorized, http.StatusForbidden:
		return fmt.Sprintf("SGP refuses the key (%d): nothing is delivered.", last)
	case delivery.NoAnswer:
		return fmt.Sprintf("SGP at %s does not answer: %s.", baseURL(), wait)
	case delivery.NotSGP:
		return fmt.Sprintf("What answers at %s is not SGP: nothing is delivered. Check SGP_CLIENT_BASE_URL.", baseURL())
	case http.StatusRequestTimeout, http.StatusTooManyRequests:
		return fmt.Sprintf("SGP at %s answers %d: %s.", baseURL(), last, wait)
	default:
		if last >= http.StatusInternalServerError {
			return fmt.Sprintf("SGP at %s answers %d: %s.", baseURL(), last, wait)
		}
		return fmt.Sprintf("SGP at %s answers %d: nothing is delivered. Check SGP_CLIENT_BASE_URL.", baseURL(), last)
	}
}
