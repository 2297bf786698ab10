package collector

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/plog"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// recordFor returns a record that says what a model answered in span 1 of spansOf.
func recordFor(change func(r plog.LogRecord)) plog.Logs {
	ld := plog.NewLogs()
	r := ld.ResourceLogs().AppendEmpty().ScopeLogs().AppendEmpty().LogRecords().AppendEmpty()
	r.SetTraceID(pcommon.TraceID{15: 1})
	r.SetSpanID(pcommon.SpanID{7: 1})
	r.SetFlags(plog.DefaultLogRecordFlags.WithIsSampled(true))
	r.SetEventName("gen_ai.choice")
	r.SetTimestamp(pcommon.NewTimestampFromTime(began))
	r.Body().SetEmptyMap().PutStr("content", "forty-two")
	change(r)
	return ld
}

func outputWith(t *testing.T, change func(r plog.LogRecord)) map[string]any {
	t.Helper()
	p := newPipeline(t, nil, nil, withoutQueue)
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), recordFor(change)))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), spansOf(1)))
	return p.sgp.Spans()[0].Output
}

func TestARecordIsJoinedToItsSpan(t *testing.T) {
	joined := outputWith(t, func(plog.LogRecord) {})
	assert.Contains(t, joined, "messages")
	assert.Equal(t, joined, outputWith(t, func(r plog.LogRecord) {
		r.SetEventName("")
		r.Attributes().PutStr("event.name", "gen_ai.choice")
		r.SetTimestamp(0)
		r.SetObservedTimestamp(pcommon.NewTimestampFromTime(began))
	}))
}

func TestOtherRecordsArePassedOver(t *testing.T) {
	for name, change := range map[string]func(r plog.LogRecord){
		"not GenAI":     func(r plog.LogRecord) { r.SetEventName("http.request") },
		"no name":       func(r plog.LogRecord) { r.SetEventName("") },
		"no span":       func(r plog.LogRecord) { r.SetSpanID(pcommon.SpanID{}) },
		"another trace": func(r plog.LogRecord) { r.SetTraceID(pcommon.TraceID{1}) },
		"not sampled":   func(r plog.LogRecord) { r.SetFlags(0) },
	} {
		t.Run(name, func(t *testing.T) { assert.Empty(t, outputWith(t, change)) })
	}
}

// The records of a span that comes back from a failure are still there.
func TestRecordsStayUntilTheSpanIsStored(t *testing.T) {
	p := newPipeline(t, nil, nil, withoutQueue)
	require.NoError(t, p.logs.ConsumeLogs(t.Context(), recordFor(func(plog.LogRecord) {})))
	p.sgp.Inject(sgptest.Status(503), sgptest.Status(503))
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), spansOf(1)))
	assert.Contains(t, p.sgp.Spans()[0].Output, "messages")
	assert.Equal(t, int64(0), p.traces.(*arrival).exp.records.Stats().Held)
	assert.Equal(t, int64(1), p.counter(t, "otelcol_exporter_sgp_log_records"))
}
