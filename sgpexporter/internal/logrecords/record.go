// Package logrecords keeps the log records that belong to spans until the spans are
// exported. GenAI instrumentations say in log records what a model was asked and what it answered.
package logrecords

import (
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdklog "go.opentelemetry.io/otel/sdk/log"
)

// Record is a log record that belongs to a span. It is immutable.
type Record struct {
	// EventName is the name of the event, "exception" for a record that describes one
	// and has no name.
	EventName string
	// Time is when the event occurred, or else when it was observed.
	Time time.Time
	// Attributes are the record's.
	Attributes []attribute.KeyValue
	// Body is the record's body, empty if it has none.
	Body attribute.Value
}

// The names of events that belong to a span, beside gen_ai.*.message; those of
// OpenTelemetry's semantic conventions for generative AI, and the exception of
// those for logs.
const (
	choiceEvent     = "gen_ai.choice"
	detailsEvent    = "gen_ai.client.inference.operation.details"
	evaluationEvent = "gen_ai.evaluation.result"
	exceptionEvent  = "exception"
	failureEvent    = "gen_ai.client.operation.exception"
)

func isOfSpan(eventName string) bool {
	switch eventName {
	case choiceEvent, detailsEvent, evaluationEvent, exceptionEvent, failureEvent:
		return true
	}
	return strings.HasPrefix(eventName, "gen_ai.") && strings.HasSuffix(eventName, ".message")
}

// FromSDK reads r, and says whether it belongs to a span that is exported: it carries
// the ids of a sampled span, and is a GenAI event or an exception.
func FromSDK(r *sdklog.Record) (Record, bool) {
	if !r.TraceFlags().IsSampled() || !r.TraceID().IsValid() || !r.SpanID().IsValid() {
		return Record{}, false
	}
	name := NameOf(r.EventName(), r.WalkAttributes)
	if name == "" {
		return Record{}, false
	}
	record := Record{EventName: name, Time: r.Timestamp(), Body: r.Body()}
	if record.Time.IsZero() {
		record.Time = r.ObservedTimestamp()
	}
	record.Attributes = make([]attribute.KeyValue, 0, r.AttributesLen())
	r.WalkAttributes(func(kv attribute.KeyValue) bool {
		record.Attributes = append(record.Attributes, kv)
		return true
	})
	return record, true
}

// NameOf returns the name of a record that belongs to a span, and "" for any other
// record. Where eventName is "" the attributes tell it: older instrumentations give it as
// event.name, and a bridge of a logging library makes a record of an error with
// exception.type or exception.message.
func NameOf(eventName string, attributes func(yield func(attribute.KeyValue) bool)) string {
	if eventName == "" {
		eventName = nameByAttributes(attributes)
	}
	if !isOfSpan(eventName) {
		return ""
	}
	return eventName
}

func nameByAttributes(attributes func(yield func(attribute.KeyValue) bool)) (name string) {
	attributes(func(kv attribute.KeyValue) bool {
		switch kv.Key {
		case "event.name":
			name = kv.Value.AsString()
			return false
		case "exception.type", "exception.message":
			name = exceptionEvent
		}
		return true
	})
	return name
}

// The estimate of what a record takes in memory, in bytes on a 64-bit machine.
const (
	recordBytes    = 160 // the Record, its place in the store
	attributeBytes = 64  // an attribute.KeyValue
	elementBytes   = 48  // an attribute.Value within another
)

func (r *Record) size() int64 {
	return recordBytes + int64(len(r.EventName)) + attributesSize(r.Attributes) + valueSize(r.Body)
}

func attributesSize(attributes []attribute.KeyValue) int64 {
	n := int64(len(attributes)) * attributeBytes
	for _, kv := range attributes {
		n += int64(len(kv.Key)) + valueSize(kv.Value)
	}
	return n
}

// valueSize estimates what a value keeps beside itself.
func valueSize(v attribute.Value) int64 {
	switch v.Type() {
	case attribute.STRING, attribute.BYTESLICE:
		return int64(len(v.AsString())) // of bytes too, without a copy
	case attribute.BOOLSLICE:
		return int64(len(v.AsBoolSlice()))
	case attribute.INT64SLICE:
		return 8 * int64(len(v.AsInt64Slice()))
	case attribute.FLOAT64SLICE:
		return 8 * int64(len(v.AsFloat64Slice()))
	case attribute.STRINGSLICE:
		var n int64
		for _, s := range v.AsStringSlice() {
			n += 16 + int64(len(s))
		}
		return n
	case attribute.SLICE:
		var n int64
		for _, e := range v.AsSlice() {
			n += elementBytes + valueSize(e)
		}
		return n
	case attribute.MAP:
		return attributesSize(v.AsMap())
	default:
		return 0
	}
}
