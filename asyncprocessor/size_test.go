package asyncprocessor

import (
	"context"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/internal/sdkspan"
)

func TestAttributesSize(t *testing.T) {
	const key = len("key")
	for name, c := range map[string]struct {
		value attribute.Value
		want  int
	}{
		"string":       {attribute.StringValue("value"), 5},
		"empty string": {attribute.StringValue(""), 0},
		"int":          {attribute.IntValue(1 << 40), 0},
		"float":        {attribute.Float64Value(1.5), 0},
		"bool":         {attribute.BoolValue(true), 0},
		"nothing":      {attribute.Value{}, 0},
		"strings":      {attribute.StringSliceValue([]string{"ab", "c"}), 16 + 2 + 16 + 1},
		"ints":         {attribute.IntSliceValue([]int{1, 2, 3}), 3 * 8},
		"floats":       {attribute.Float64SliceValue([]float64{1}), 8},
		"bools":        {attribute.BoolSliceValue([]bool{true, false}), 2},
		"bytes":        {attribute.ByteSliceValue([]byte("bytes")), 5},
		"values":       {attribute.SliceValue(attribute.StringValue("four"), attribute.ByteSliceValue([]byte{1}), attribute.IntValue(1)), 3*48 + 4 + 1},
		"map":          {attribute.MapValue(attribute.String("k", "vv"), attribute.Int("n", 1)), 64 + 1 + 2 + 64 + 1},
	} {
		attrs := []attribute.KeyValue{{Key: "key", Value: c.value}, attribute.String("a", "b")}
		assert.Equal(t, 64+key+c.want+64+1+1, attrsSize(attrs), name)
		assert.Equal(t, 64+key+c.want+64+1+1, attrsSizeCopied(attrs), "%s, by its getters", name)
	}
	assert.Zero(t, attrsSize(nil))
	assert.Zero(t, attrsSizeCopied(nil))
}

type onEnd func(sdktrace.ReadOnlySpan)

func (onEnd) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (f onEnd) OnEnd(s sdktrace.ReadOnlySpan)                 { f(s) }
func (onEnd) ForceFlush(context.Context) error                { return nil }
func (onEnd) Shutdown(context.Context) error                  { return nil }

// What is read where it lies makes the same entry as what is read by getters.
func TestEntryBothWays(t *testing.T) {
	state, err := trace.ParseTraceState("vendor=value")
	require.NoError(t, err)
	ctx := trace.ContextWithRemoteSpanContext(t.Context(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled, TraceState: state,
	}))
	var s sdktrace.ReadOnlySpan
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(onEnd(func(ended sdktrace.ReadOnlySpan) { s = ended })))
	_, span := tp.Tracer("t").Start(ctx, "name", trace.WithAttributes(attribute.String("k", "v")),
		trace.WithLinks(trace.Link{Attributes: []attribute.KeyValue{attribute.String("in", "link")}}))
	span.AddEvent("event", trace.WithAttributes(attribute.Int("n", 1)))
	span.SetStatus(codes.Error, "failed")
	span.End()

	seed := newShardSeed()
	peeked := sdkspan.PeekEnded(s)
	require.NotNil(t, peeked)
	var copied sdkspan.Ended
	copied.CopyIdentity(s)
	copied.CopyState(s)
	e := newEntry(PhaseEnd, s, &peeked.SpanContext, seed, endSize(peeked))
	assert.Equal(t, e, newEntry(PhaseEnd, s, &copied.SpanContext, seed, endSize(&copied)))
	const name, attrs, events, links, description, members = 4, 64 + 1 + 1, 80 + 5 + 64 + 1, 96 + 64 + 2 + 4, 6, 32 + 6 + 5
	assert.Equal(t, uint32(704+name+attrs+events+links+description+members), e.bytes)
}
