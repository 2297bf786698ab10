//go:build !purego

package sdkspan

import (
	"unsafe"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// words is an interface in memory.
type words struct {
	typ  uintptr
	data unsafe.Pointer
}

// PeekEnded returns s, if that is the SDK's own snapshot of a span that has ended, and its
// layout is known, and else nil. It must not be written to.
func PeekEnded(s sdktrace.ReadOnlySpan) *Ended {
	w := (*words)(unsafe.Pointer(&s)) //nolint:gosec // any interface with methods is two such words
	if endedTypes.know(s, w.typ) {
		return (*Ended)(w.data)
	}
	return nil
}

// PeekLive returns s, if that is the SDK's own span, and its layout is known, and else nil.
func PeekLive(s sdktrace.ReadOnlySpan) *Live {
	w := (*words)(unsafe.Pointer(&s)) //nolint:gosec // as above
	if liveTypes.know(s, w.typ) {
		return (*Live)(w.data)
	}
	return nil
}

// PeekAttributes returns attrs, if their layout is known, and else nil.
func PeekAttributes(attrs []attribute.KeyValue) []KeyValue {
	if !knowsAttributes {
		return nil
	}
	return unsafe.Slice((*KeyValue)(unsafe.Pointer(unsafe.SliceData(attrs))), len(attrs)) //nolint:gosec // of the same layout
}
