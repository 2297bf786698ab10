package asyncprocessor

import (
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/internal/sdkspan"
)

// The estimate of a snapshot's memory, in bytes. The fixed parts are what the
// SDK and this package allocate on a 64-bit machine, rounded up.
const (
	startBytes = 768 // the live span that a START keeps, its record, its entry
	endBytes   = 704 // the SDK's snapshot of an ended span, its entry
	attrBytes  = 64  // an attribute.KeyValue
	eventBytes = 80  // an event without its attributes
	linkBytes  = 96  // a link without its attributes

	memberBytes = 32 // a member of a trace state without its key and value
)

func (s *startSpan) size() int {
	n := startBytes + len(s.name) + attrsSize(s.attrs)
	if s.more != nil {
		n += eventsSize(s.more.events) + linksSize(s.more.links) + len(s.more.status.Description)
	}
	return n
}

func endSize(s *sdkspan.Ended) int {
	n := endBytes + len(s.Name) + attrsSize(s.Attributes) + len(s.Status.Description)
	return n + eventsSize(s.Events) + linksSize(s.Links)
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
func traceStateSize(state *sdkspan.TraceState) int {
	n := 0
	for i := range state.List {
		n += memberBytes + len(state.List[i].Key) + len(state.List[i].Value)
	}
	return n
}

func attrsSize(attrs []attribute.KeyValue) int {
	peek := sdkspan.PeekAttributes(attrs)
	if peek == nil {
		return attrsSizeCopied(attrs)
	}
	n := len(attrs) * attrBytes
	for i := range peek {
		n += len(peek[i].Key) + len(peek[i].Value.Stringly)
		if peek[i].Value.Slice != nil {
			n += compositeSize(attrs[i].Value)
		}
	}
	return n
}

// attrsSizeCopied is attrsSize by getters, which copy every value.
func attrsSizeCopied(attrs []attribute.KeyValue) int {
	n := len(attrs) * attrBytes
	for i := range attrs {
		n += len(attrs[i].Key)
		switch v := &attrs[i].Value; v.Type() {
		case attribute.STRING, attribute.BYTESLICE:
			n += len(v.AsString()) // of bytes too, without another copy
		case attribute.EMPTY, attribute.BOOL, attribute.INT64, attribute.FLOAT64:
		default:
			n += compositeSize(*v)
		}
	}
	return n
}

// compositeSize estimates what a value keeps beside itself.
func compositeSize(v attribute.Value) int {
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
		n := 0
		for _, s := range v.AsStringSlice() {
			n += 16 + len(s)
		}
		return n
	case attribute.SLICE:
		n := 0
		for _, e := range v.AsSlice() {
			n += 48 + compositeSize(e)
		}
		return n
	case attribute.MAP:
		return attrsSize(v.AsMap())
	default:
		return 0
	}
}
