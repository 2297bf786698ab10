package collector

import (
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/otel/attribute"
)

func attributes(from pcommon.Map) []attribute.KeyValue {
	if from.Len() == 0 {
		return nil
	}
	all := make([]attribute.KeyValue, 0, from.Len())
	for k, v := range from.All() {
		all = append(all, attribute.KeyValue{Key: attribute.Key(k), Value: value(v)})
	}
	return all
}

func value(v pcommon.Value) attribute.Value {
	switch v.Type() {
	case pcommon.ValueTypeStr:
		return attribute.StringValue(v.Str())
	case pcommon.ValueTypeBool:
		return attribute.BoolValue(v.Bool())
	case pcommon.ValueTypeInt:
		return attribute.Int64Value(v.Int())
	case pcommon.ValueTypeDouble:
		return attribute.Float64Value(v.Double())
	case pcommon.ValueTypeBytes:
		return attribute.ByteSliceValue(v.Bytes().AsRaw())
	case pcommon.ValueTypeMap:
		return attribute.MapValue(attributes(v.Map())...)
	case pcommon.ValueTypeSlice:
		return slice(v.Slice())
	}
	return attribute.Value{}
}

// slice returns a slice of one type where all elements have that type, as the SDK's
// setters make them, and otherwise one of mixed values.
func slice(from pcommon.Slice) attribute.Value {
	switch elementType(from) {
	case pcommon.ValueTypeStr:
		return attribute.StringSliceValue(each(from, pcommon.Value.Str))
	case pcommon.ValueTypeBool:
		return attribute.BoolSliceValue(each(from, pcommon.Value.Bool))
	case pcommon.ValueTypeInt:
		return attribute.Int64SliceValue(each(from, pcommon.Value.Int))
	case pcommon.ValueTypeDouble:
		return attribute.Float64SliceValue(each(from, pcommon.Value.Double))
	}
	return attribute.SliceValue(each(from, value)...)
}

// elementType returns the type that all elements have, and ValueTypeEmpty when they have
// several, or there is none.
func elementType(from pcommon.Slice) pcommon.ValueType {
	if from.Len() == 0 {
		return pcommon.ValueTypeEmpty
	}
	first := from.At(0).Type()
	for _, v := range from.All() {
		if v.Type() != first {
			return pcommon.ValueTypeEmpty
		}
	}
	return first
}

func each[T any](from pcommon.Slice, as func(pcommon.Value) T) []T {
	all := make([]T, 0, from.Len())
	for _, v := range from.All() {
		all = append(all, as(v))
	}
	return all
}
