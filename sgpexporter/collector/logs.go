package collector

import (
	"context"

	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/logrecords"
)

// pushLogs keeps the log records that belong to spans until these are written, as
// sgpexporter's LogProcessor does. Others are passed over: none is sent to SGP by itself.
func (e *sgpExporter) pushLogs(_ context.Context, ld plog.Logs) error {
	for _, rl := range ld.ResourceLogs().All() {
		for _, sl := range rl.ScopeLogs().All() {
			for _, r := range sl.LogRecords().All() {
				if record, ok := recordOf(r); ok {
					e.records.Add(trace.TraceID(r.TraceID()), trace.SpanID(r.SpanID()), record)
				}
			}
		}
	}
	return nil
}

// recordOf reads r, and says whether it belongs to a span that is exported.
func recordOf(r plog.LogRecord) (logrecords.Record, bool) {
	if !r.Flags().IsSampled() || r.TraceID().IsEmpty() || r.SpanID().IsEmpty() {
		return logrecords.Record{}, false
	}
	name := logrecords.NameOf(r.EventName(), func(yield func(attribute.KeyValue) bool) {
		for k, v := range r.Attributes().All() {
			if !yield(attribute.KeyValue{Key: attribute.Key(k), Value: value(v)}) {
				return
			}
		}
	})
	if name == "" {
		return logrecords.Record{}, false
	}
	at := r.Timestamp()
	if at == 0 {
		at = r.ObservedTimestamp()
	}
	record := logrecords.Record{EventName: name, Time: at.AsTime(), Attributes: attributes(r.Attributes())}
	if r.Body().Type() != pcommon.ValueTypeEmpty {
		record.Body = value(r.Body())
	}
	return record, true
}
