package logrecords

import (
	"context"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/trace"
)

var (
	occurred = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	observed = time.Date(2026, 3, 1, 12, 0, 1, 0, time.UTC)
)

// emitted is what an application says of a record.
type emitted struct {
	TraceID    trace.TraceID
	SpanID     trace.SpanID
	TraceFlags trace.TraceFlags
	EventName  string
	Timestamp  time.Time
	Body       attribute.Value
	Attributes []attribute.KeyValue
}

// made is a record as the SDK hands it over, by default of a sampled span.
func made(t testing.TB, change func(f *emitted)) *sdklog.Record {
	f := emitted{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
		EventName: "gen_ai.choice", Timestamp: occurred,
	}
	change(&f)
	var r log.Record
	r.SetEventName(f.EventName)
	r.SetTimestamp(f.Timestamp)
	r.SetObservedTimestamp(observed)
	r.SetBody(f.Body)
	r.AddAttributes(f.Attributes...)
	var last lastRecord
	ctx := trace.ContextWithSpanContext(t.Context(), trace.NewSpanContext(
		trace.SpanContextConfig{TraceID: f.TraceID, SpanID: f.SpanID, TraceFlags: f.TraceFlags}))
	sdklog.NewLoggerProvider(sdklog.WithProcessor(&last)).Logger("test").Emit(ctx, r)
	return last.record
}

// lastRecord is a processor that keeps the last record.
type lastRecord struct{ record *sdklog.Record }

func (l *lastRecord) OnEmit(_ context.Context, r *sdklog.Record) error {
	l.record = r
	return nil
}

func (*lastRecord) Enabled(context.Context, sdklog.EnabledParameters) bool { return true }
func (*lastRecord) Shutdown(context.Context) error                         { return nil }
func (*lastRecord) ForceFlush(context.Context) error                       { return nil }

func TestRecordIsRead(t *testing.T) {
	got, ok := FromSDK(made(t, func(f *emitted) {
		f.Body = attribute.MapValue(attribute.String("content", "hi"))
		f.Attributes = []attribute.KeyValue{attribute.String("gen_ai.system", "x"), attribute.Int("n", 1)}
	}))
	assert.True(t, ok)
	assert.Equal(t, Record{
		EventName: "gen_ai.choice", Time: occurred,
		Attributes: []attribute.KeyValue{attribute.String("gen_ai.system", "x"), attribute.Int("n", 1)},
		Body:       attribute.MapValue(attribute.String("content", "hi")),
	}, got)

	got, _ = FromSDK(made(t, func(f *emitted) { f.Timestamp = time.Time{} }))
	assert.Equal(t, observed, got.Time)
}

func TestWhichRecordsBelongToASpan(t *testing.T) {
	for _, tt := range []struct {
		what   string
		change func(f *emitted)
		want   string // the event's name, "" if it does not
	}{
		{"choice", func(*emitted) {}, "gen_ai.choice"},
		{"system", func(f *emitted) { f.EventName = "gen_ai.system.message" }, "gen_ai.system.message"},
		{"a message of any role", func(f *emitted) { f.EventName = "gen_ai.critic.message" }, "gen_ai.critic.message"},
		{"details", func(f *emitted) { f.EventName = "gen_ai.client.inference.operation.details" }, "gen_ai.client.inference.operation.details"},
		{"evaluation", func(f *emitted) { f.EventName = "gen_ai.evaluation.result" }, "gen_ai.evaluation.result"},
		{"exception", func(f *emitted) { f.EventName = "exception" }, "exception"},
		{"an exception of a model's client", func(f *emitted) { f.EventName = "gen_ai.client.operation.exception" }, "gen_ai.client.operation.exception"},
		{"an error that was logged", func(f *emitted) {
			f.EventName = ""
			f.Attributes = []attribute.KeyValue{attribute.String("user", "u"), attribute.String("exception.type", "*net.OpError")}
		}, "exception"},
		{"an error's message", func(f *emitted) {
			f.EventName = ""
			f.Attributes = []attribute.KeyValue{attribute.String("exception.message", "no")}
		}, "exception"},
		{"a name in an attribute", func(f *emitted) {
			f.EventName = ""
			f.Attributes = []attribute.KeyValue{attribute.String("exception.type", "e"), attribute.String("event.name", "gen_ai.user.message")}
		}, "gen_ai.user.message"},

		{"another event", func(f *emitted) { f.EventName = "session.start" }, ""},
		{"another GenAI event", func(f *emitted) { f.EventName = "gen_ai.message.sent" }, ""},
		{"another message", func(f *emitted) { f.EventName = "mail.message" }, ""},
		{"a line of a log", func(f *emitted) { f.EventName = ""; f.Body = attribute.StringValue("started") }, ""},
		{"not sampled", func(f *emitted) { f.TraceFlags = 0 }, ""},
		{"no trace", func(f *emitted) { f.TraceID = trace.TraceID{} }, ""},
		{"no span", func(f *emitted) { f.SpanID = trace.SpanID{} }, ""},
	} {
		t.Run(tt.what, func(t *testing.T) {
			got, ok := FromSDK(made(t, tt.change))
			assert.Equal(t, tt.want, got.EventName)
			assert.Equal(t, tt.want != "", ok)
		})
	}
}

func TestSizeOfARecord(t *testing.T) {
	for want, r := range map[int64]Record{
		160:                {},
		160 + 4:            {EventName: "name"},
		160 + 5:            {Body: attribute.StringValue("12345")},
		160 + 3:            {Body: attribute.ByteSliceValue([]byte{1, 2, 3})},
		160 + 16:           {Body: attribute.Int64SliceValue([]int64{1, 2})},
		160 + 24:           {Body: attribute.Float64SliceValue([]float64{1, 2, 3})},
		160 + 2:            {Body: attribute.BoolSliceValue([]bool{true, true})},
		160 + 2*16 + 5:     {Body: attribute.StringSliceValue([]string{"ab", "cde"})},
		160 + 2*48 + 7:     {Body: attribute.SliceValue(attribute.IntValue(1), attribute.StringValue("7 bytes"))},
		160 + 64 + 1 + 9:   {Body: attribute.MapValue(attribute.String("k", "the value"))},
		160 + 2*64 + 3 + 2: {Attributes: []attribute.KeyValue{attribute.Bool("a", true), attribute.String("bc", "de")}},
	} {
		assert.Equal(t, want, r.size())
	}
}
