package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
)

func TestReadSpanReadsEverything(t *testing.T) {
	s := ptrace.NewSpan()
	s.SetTraceID(pcommon.TraceID{1})
	s.SetSpanID(pcommon.SpanID{2})
	s.SetParentSpanID(pcommon.SpanID{3})
	s.SetFlags(0x301)
	s.TraceState().FromRaw("vendor=1")
	s.SetName("name")
	s.SetKind(ptrace.SpanKindClient)
	s.SetStartTimestamp(pcommon.NewTimestampFromTime(began))
	s.SetEndTimestamp(pcommon.NewTimestampFromTime(began.Add(time.Second)))
	s.Attributes().PutStr("a", "b")
	s.SetDroppedAttributesCount(4)
	s.SetDroppedEventsCount(5)
	s.SetDroppedLinksCount(6)
	event := s.Events().AppendEmpty()
	event.SetName("event")
	event.SetTimestamp(pcommon.NewTimestampFromTime(began.Add(time.Millisecond)))
	event.SetDroppedAttributesCount(7)
	link := s.Links().AppendEmpty()
	link.SetTraceID(pcommon.TraceID{8})
	link.SetSpanID(pcommon.SpanID{9})
	link.SetFlags(0x301)
	link.TraceState().FromRaw("not a trace state")
	s.Status().SetCode(ptrace.StatusCodeError)
	s.Status().SetMessage("broken")

	var in mapping.Input
	readSpan(&in, s)
	assert.Equal(t, mapping.PhaseEnd, in.Phase)
	assert.Equal(t, trace.TraceID{1}, in.TraceID)
	assert.Equal(t, trace.SpanID{2}, in.SpanID)
	assert.Equal(t, trace.SpanID{3}, in.ParentSpanID)
	assert.True(t, in.ParentIsRemote)
	assert.Equal(t, "vendor=1", in.TraceState.String())
	assert.Equal(t, "name", in.Name)
	assert.Equal(t, trace.SpanKindClient, in.Kind)
	assert.Equal(t, began, in.StartTime)
	assert.Equal(t, began.Add(time.Second), in.EndTime)
	assert.Equal(t, []attribute.KeyValue{attribute.String("a", "b")}, in.Attributes)
	assert.Equal(t, [3]int{4, 5, 6}, [3]int{in.DroppedAttributes, in.DroppedEvents, in.DroppedLinks})
	assert.Equal(t, "event", in.Events[0].Name)
	assert.Equal(t, began.Add(time.Millisecond), in.Events[0].Time)
	assert.Equal(t, 7, in.Events[0].DroppedAttributeCount)
	assert.Equal(t, trace.TraceID{8}, in.Links[0].SpanContext.TraceID())
	assert.Equal(t, trace.SpanID{9}, in.Links[0].SpanContext.SpanID())
	assert.True(t, in.Links[0].SpanContext.IsSampled())
	assert.True(t, in.Links[0].SpanContext.IsRemote())
	assert.Empty(t, in.Links[0].SpanContext.TraceState().String())
	assert.Equal(t, codes.Error, in.Status.Code)
	assert.Equal(t, "broken", in.Status.Description)
}

func TestAParentIsRemoteOnlyWhereTheSpanSaysSo(t *testing.T) {
	for flags, remote := range map[uint32]bool{0: false, 0x1: false, 0x100: false, 0x200: false, 0x300: true} {
		s := ptrace.NewSpan()
		s.SetFlags(flags)
		var in mapping.Input
		readSpan(&in, s)
		assert.Equal(t, remote, in.ParentIsRemote, "%#x", flags)
	}
}

func TestValuesOfEveryType(t *testing.T) {
	m := pcommon.NewMap()
	assert.NoError(t, m.FromRaw(map[string]any{
		"string": "s", "bool": true, "int": int64(1), "double": 2.5, "bytes": []byte{3}, "empty": nil,
		"map":     map[string]any{"a": "b"},
		"strings": []any{"a", "b"}, "bools": []any{true, false}, "ints": []any{int64(1)}, "doubles": []any{1.5},
		"mixed": []any{"a", int64(1)}, "maps": []any{map[string]any{"a": "b"}}, "none": []any{},
	}))
	got := map[string]attribute.Value{}
	for _, kv := range attributes(m) {
		got[string(kv.Key)] = kv.Value
	}
	assert.Equal(t, map[string]attribute.Value{
		"string": attribute.StringValue("s"), "bool": attribute.BoolValue(true), "int": attribute.Int64Value(1),
		"double": attribute.Float64Value(2.5), "bytes": attribute.ByteSliceValue([]byte{3}), "empty": {},
		"map":     attribute.MapValue(attribute.String("a", "b")),
		"strings": attribute.StringSliceValue([]string{"a", "b"}), "bools": attribute.BoolSliceValue([]bool{true, false}),
		"ints": attribute.Int64SliceValue([]int64{1}), "doubles": attribute.Float64SliceValue([]float64{1.5}),
		"mixed": attribute.SliceValue(attribute.StringValue("a"), attribute.Int64Value(1)),
		"maps":  attribute.SliceValue(attribute.MapValue(attribute.String("a", "b"))),
		"none":  attribute.SliceValue(),
	}, got)
}

// The mapping knows resources by their pointer.
func TestEqualResourcesHaveOnePointer(t *testing.T) {
	known := newResources()
	of := func(service string) pcommon.Resource {
		r := pcommon.NewResource()
		r.Attributes().PutStr("service.name", service)
		return r
	}
	a := known.of(of("a"), "schema")
	assert.Same(t, a, known.of(of("a"), "schema"))
	assert.NotSame(t, a, known.of(of("b"), "schema"))
	assert.NotSame(t, a, known.of(of("a"), "another schema"))
}
