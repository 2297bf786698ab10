package collector

import (
	"context"

	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/metric"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/logrecords"
)

// telemetry is the exporter's own metrics, beside those of exporterhelper. README.md
// lists them.
type telemetry struct {
	refused, lostSpans, retries, splits metric.Int64Counter
	registration                        metric.Registration
}

func newTelemetry(set component.TelemetrySettings, records *logrecords.Store) (*telemetry, error) {
	m := &meter{Meter: set.MeterProvider.Meter(scopeName)}
	t := &telemetry{
		refused:   m.counter("otelcol_exporter_sgp_rejected_spans", "{span}", "Spans that SGP refused for good; they fail nothing else."),
		lostSpans: m.counter("otelcol_exporter_sgp_lost_spans", "{span}", "Spans that were lost and are in no count of exporterhelper, by reason."),
		retries:   m.counter("otelcol_exporter_sgp_retries", "{request}", "Requests that were sent again after they failed for now."),
		splits:    m.counter("otelcol_exporter_sgp_splits", "{request}", "Requests that were refused whole and sent again in parts."),
	}
	joined := m.observable("otelcol_exporter_sgp_log_records", "{record}", "Log records of spans, by what became of them.")
	if m.err != nil {
		return nil, m.err
	}
	var err error
	t.registration, err = m.RegisterCallback(func(_ context.Context, o metric.Observer) error {
		s := records.Stats()
		for outcome, n := range map[string]uint64{"joined": s.Taken, "refused": s.Refused, "evicted": s.Evicted, "expired": s.Expired} {
			o.ObserveInt64(joined, int64(n), metric.WithAttributes(attribute.String("outcome", outcome)))
		}
		return nil
	}, joined)
	return t, err
}

func (t *telemetry) rejected(ctx context.Context, status int) {
	t.refused.Add(ctx, 1, metric.WithAttributes(attribute.Int("http.response.status_code", status)))
}

func (t *telemetry) lost(ctx context.Context, spans int, reason string) {
	t.lostSpans.Add(ctx, int64(spans), metric.WithAttributes(attribute.String("reason", reason)))
}

func (t *telemetry) shutdown() error { return t.registration.Unregister() }

// meter makes instruments, and keeps the first error.
type meter struct {
	metric.Meter
	err error
}

func (m *meter) counter(name, unit, description string) metric.Int64Counter {
	c, err := m.Int64Counter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if m.err == nil {
		m.err = err
	}
	return c
}

func (m *meter) observable(name, unit, description string) metric.Int64ObservableCounter {
	c, err := m.Int64ObservableCounter(name, metric.WithUnit(unit), metric.WithDescription(description))
	if m.err == nil {
		m.err = err
	}
	return c
}
