package logrecords

import (
	"testing"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// BenchmarkRecordOfASpan is what one record costs the application: it is read, kept, and
// taken with the END of its span.
func BenchmarkRecordOfASpan(b *testing.B) {
	r := made(b, func(f *emitted) {
		f.Body = attribute.MapValue(attribute.String("role", "user"), attribute.String("content", "What is the weather in Oslo?"))
	})
	s := NewStore(DefaultLimits)
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		span := trace.SpanID{byte(i), byte(i >> 8), 1}
		record, _ := FromSDK(r)
		s.Add(trace.TraceID{1}, span, record)
		s.Take(trace.TraceID{1}, span)
	}
}

// BenchmarkSpanWithoutRecords is what every span costs where there are none.
func BenchmarkSpanWithoutRecords(b *testing.B) {
	s := NewStore(DefaultLimits)
	b.ReportAllocs()
	for b.Loop() {
		s.Take(trace.TraceID{1}, trace.SpanID{1})
	}
}
