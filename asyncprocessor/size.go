package asyncprocessor

import (
	"math"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// The estimate of a snapshot's memory, in bytes. The fixed parts are what the
// SDK and this package allocate on a 64-bit machine, rounded up.
const (
	startBytes = 832 // the live span, or the START and its trace's queue, and its item
	endBytes   = 704 // the SDK's snapshot of an ended span, its entry
	attrBytes  = 64  // an attribute.KeyValue
	eventBytes = 80  // an event without its attributes
	linkBytes  = 96  // a link without its attributes

	memberBytes = 32 // a member of a trace state without its key and value
)

// bounded returns an estimate as the queue keeps it. No real span comes near 4 GiB.
func bounded(size int) uint32 { return uint32(min(uint64(size), math.MaxUint32)) }

// sizeOf is the estimate for a span, of which the fixed part is base.
func sizeOf(base int, name string, attrs []attribute.KeyValue, events []sdktrace.Event, links []sdktrace.Link,
	status sdktrace.Status, sc trace.SpanContext,
) int {
	return base + len(name) + attrsSize(attrs) + eventsSize(events) + linksSize(links) +
		len(status.Description) + traceStateSize(sc.TraceState())
}

func eventsSize(events []sdktrace.Event) int {
	n := len(events) * eventBytes
	for i := range events {
		n += len(events[i].Name) + attrsSize(events[i].Attributes)
	}
	return n
}

func linksSize(links []sdktrace.Link) int {
	n := len(links) * linkBytes
	for i := range links {
		n += attrsSize(links[i].Attributes)
	}
	return n
}

// traceStateSize is what the sender of a remote parent can make a span keep.
func traceStateSize(state trace.TraceState) int {
	n := 0
	state.Walk(func(key, value string) bool {
		n += memberBytes + len(key) + len(value)
		return true
	})
	return n
}

func attrsSize(attrs []attribute.KeyValue) int {
	n := len(attrs) * attrBytes
	for i := range attrs {
		n += len(attrs[i].Key)
		switch v := &attrs[i].Value; v.Type() { // most are one of these, and need no call
		case attribute.EMPTY, attribute.BOOL, attribute.INT64, attribute.FLOAT64:
		case attribute.STRING:
			n += len(v.AsString())
		default:
			n += valueSize(v)
		}
	}
	return n
}

// valueSize estimates what a value keeps beside itself.
func valueSize(v *attribute.Value) (n int) {
	switch v.Type() {
	case attribute.STRING, attribute.BYTESLICE:
		return len(v.AsString()) // of bytes too, without a copy
	case attribute.BOOLSLICE:
		return len(v.AsBoolSlice())
	case attribute.INT64SLICE:
		return 8 * len(v.AsInt64Slice())
	case attribute.FLOAT64SLICE:
		return 8 * len(v.AsFloat64Slice())
	case attribute.STRINGSLICE:
		for _, s := range v.AsStringSlice() {
			n += 16 + len(s)
		}
	case attribute.SLICE:
		for _, e := range v.AsSlice() {
			n += 48 + valueSize(&e)
		}
	case attribute.MAP:
		return attrsSize(v.AsMap())
	}
	return n
}
