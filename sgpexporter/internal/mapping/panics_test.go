package mapping

import (
	"errors"
	"runtime"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// badSpan panics in one of its getters.
type badSpan struct {
	sdktrace.ReadOnlySpan
	in string
}

func get[T any](s badSpan, name string, getter func(sdktrace.ReadOnlySpan) T) T {
	if s.in == name {
		panic("secret prompt")
	}
	return getter(s.ReadOnlySpan)
}

func (s badSpan) Name() string { return get(s, "Name", sdktrace.ReadOnlySpan.Name) }
func (s badSpan) SpanContext() trace.SpanContext {
	return get(s, "SpanContext", sdktrace.ReadOnlySpan.SpanContext)
}
func (s badSpan) Parent() trace.SpanContext { return get(s, "Parent", sdktrace.ReadOnlySpan.Parent) }
func (s badSpan) SpanKind() trace.SpanKind {
	return get(s, "SpanKind", sdktrace.ReadOnlySpan.SpanKind)
}
func (s badSpan) StartTime() time.Time { return get(s, "StartTime", sdktrace.ReadOnlySpan.StartTime) }
func (s badSpan) EndTime() time.Time   { return get(s, "EndTime", sdktrace.ReadOnlySpan.EndTime) }
func (s badSpan) Attributes() []attribute.KeyValue {
	return get(s, "Attributes", sdktrace.ReadOnlySpan.Attributes)
}
func (s badSpan) Links() []sdktrace.Link   { return get(s, "Links", sdktrace.ReadOnlySpan.Links) }
func (s badSpan) Events() []sdktrace.Event { return get(s, "Events", sdktrace.ReadOnlySpan.Events) }
func (s badSpan) Status() sdktrace.Status  { return get(s, "Status", sdktrace.ReadOnlySpan.Status) }
func (s badSpan) InstrumentationScope() instrumentation.Scope {
	return get(s, "InstrumentationScope", sdktrace.ReadOnlySpan.InstrumentationScope)
}
func (s badSpan) Resource() *resource.Resource {
	return get(s, "Resource", sdktrace.ReadOnlySpan.Resource)
}
func (s badSpan) DroppedAttributes() int {
	return get(s, "DroppedAttributes", sdktrace.ReadOnlySpan.DroppedAttributes)
}
func (s badSpan) DroppedLinks() int {
	return get(s, "DroppedLinks", sdktrace.ReadOnlySpan.DroppedLinks)
}
func (s badSpan) DroppedEvents() int {
	return get(s, "DroppedEvents", sdktrace.ReadOnlySpan.DroppedEvents)
}
func (s badSpan) ChildSpanCount() int {
	return get(s, "ChildSpanCount", sdktrace.ReadOnlySpan.ChildSpanCount)
}

// A span that panics is named as far as it is known.
func TestFromSpanThatPanics(t *testing.T) {
	m := New(Config{})
	for _, getter := range []string{
		"Name", "SpanContext", "Parent", "SpanKind", "StartTime", "EndTime", "Attributes", "Links", "Events", "Status",
		"InstrumentationScope", "Resource", "DroppedAttributes", "DroppedLinks", "DroppedEvents", "ChildSpanCount",
	} {
		in := Input{Name: "from before"}
		err := m.FromSpan(&in, PhaseEnd, badSpan{stub().Snapshot(), getter})
		var panicked *PanicError
		require.ErrorAs(t, err, &panicked, getter)
		assert.Equal(t, "secret prompt", panicked.Value)
		assert.Contains(t, string(panicked.Stack), "badSpan")
		if getter == "SpanContext" || getter == "Parent" {
			assert.EqualError(t, err, "sgpexporter: mapping the END of a span (id unknown, trace unknown) panicked with a string")
			assert.Equal(t, Item{Phase: PhaseEnd}, panicked.Item)
		} else {
			assert.EqualError(t, err, "sgpexporter: mapping the END of a span "+
				"(id 00f067aa0ba902b7, trace 4bf92f3577b34da6a3ce929d0e0e4736) panicked with a string")
			assert.Equal(t, Item{
				TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", ID: "00f067aa0ba902b7", Phase: PhaseEnd,
			}, panicked.Item)
		}
	}
}

func TestFromNoSpan(t *testing.T) {
	err := New(Config{}).FromSpan(new(Input), PhaseStart, nil)
	var fault runtime.Error
	require.True(t, errors.As(err, &fault))
	assert.EqualError(t, err, "sgpexporter: mapping the START of a span (id unknown, trace unknown) panicked: "+
		"runtime error: invalid memory address or nil pointer dereference")
}

// What cannot be mapped leaves nothing behind, neither in the buffer nor in the span
// that is mapped next with the same memory.
func TestMappingThatPanics(t *testing.T) {
	m := New(Config{})
	good := goldens["genai_chat_message_events"]()
	want, _, err := m.Append(nil, good)
	require.NoError(t, err)
	w := m.Writer()
	defer w.Close()
	broken := Writer{nil, w.sc} // stands for any fault of the mapping
	out, item, err := broken.Append([]byte("before"), new(Input))
	assert.Equal(t, "before", string(out))
	assert.Equal(t, Item{}, item)
	var panicked *PanicError
	require.ErrorAs(t, err, &panicked)

	out, _, err = w.Append(nil, good)
	require.NoError(t, err)
	assert.Equal(t, string(want), string(out))
}
