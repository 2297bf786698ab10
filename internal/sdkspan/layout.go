//go:build !purego

package sdkspan

import (
	"reflect"
	"strings"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

var (
	knowsAttributes = sameLayout(reflect.TypeFor[attribute.KeyValue](), reflect.TypeFor[KeyValue]())

	// What the SDK hands to OnEnd and to OnStart. It exports no name of either.
	endedTypes = types{same: func(t reflect.Type) bool { return sameLayout(t, reflect.TypeFor[Ended]()) }}
	liveTypes  = types{same: func(t reflect.Type) bool { return beginsAs(t, reflect.TypeFor[Live]()) }}
)

// types tells whether what spans point to is of a layout that is known.
type types struct {
	same func(reflect.Type) bool
	// known is the first word of an interface with one that is, and other that of one with
	// something else, the last that came.
	known, other atomic.Uintptr
}

// know reports whether s points to such a type.
func (ts *types) know(s sdktrace.ReadOnlySpan, typ uintptr) bool {
	return typ == ts.known.Load() || ts.learn(s, typ)
}

// learn is for the first of a type.
func (ts *types) learn(s sdktrace.ReadOnlySpan, typ uintptr) bool {
	if s == nil || typ == ts.other.Load() {
		return false
	}
	if t := reflect.TypeOf(s); t.Kind() == reflect.Pointer && ts.same(t.Elem()) {
		ts.known.Store(typ)
		return true
	}
	ts.other.Store(typ)
	return false
}

// sameLayout reports whether what lies at a pointer to a can be read by one to b.
func sameLayout(a, b reflect.Type) bool {
	if a == b {
		return true
	}
	if a.Kind() != b.Kind() || a.Size() != b.Size() {
		return false
	}
	switch a.Kind() {
	case reflect.Slice:
		return sameLayout(a.Elem(), b.Elem())
	case reflect.Struct:
		return beginsAs(a, b) && a.NumField() == b.NumField()
	default:
		return false
	}
}

// beginsAs reports whether the fields of struct a begin with those of struct b.
func beginsAs(a, b reflect.Type) bool {
	if a.Kind() != reflect.Struct || b.Kind() != reflect.Struct || a.NumField() < b.NumField() {
		return false
	}
	for i := range b.NumField() {
		f, g := a.Field(i), b.Field(i)
		if !strings.EqualFold(f.Name, g.Name) || f.Offset != g.Offset || !sameLayout(f.Type, g.Type) {
			return false
		}
	}
	return true
}
