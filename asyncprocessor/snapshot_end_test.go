package asyncprocessor_test

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

func TestEndIsTheSpanAtOnEndAndComplete(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked()...)
	tracer := provider(p).Tracer("scope")

	parentCtx, parent := tracer.Start(t.Context(), "parent")
	ctx, span := tracer.Start(parentCtx, "child",
		trace.WithTimestamp(startedAt),
		trace.WithSpanKind(trace.SpanKindServer),
		trace.WithAttributes(attribute.String("given", "at start"), attribute.Int("n", 5)),
		trace.WithLinks(trace.Link{SpanContext: linked}),
	)
	_, grandchild := tracer.Start(ctx, "grandchild")
	span.SetName("renamed")
	span.SetAttributes(attribute.String("given", "overwritten"), attribute.Int("later", 1))
	span.AddEvent("later", trace.WithTimestamp(startedAt), trace.WithAttributes(attribute.Int("n", 1)))
	span.AddLink(trace.Link{SpanContext: linkedLater})
	span.SetStatus(codes.Error, "failed")
	span.End(trace.WithTimestamp(endedAt))
	change(span)
	require.NoError(t, p.ForceFlush(t.Context()))

	s := exp.snapshot(t, "END renamed")
	assert.Equal(t, span.SpanContext(), s.SpanContext())
	assert.Equal(t, parent.SpanContext(), s.Parent())
	assert.Equal(t, trace.SpanKindServer, s.SpanKind())
	assert.Equal(t, startedAt, s.StartTime())
	assert.Equal(t, endedAt, s.EndTime())
	assert.ElementsMatch(t, []attribute.KeyValue{
		attribute.String("given", "overwritten"), attribute.Int("n", 5), attribute.Int("later", 1),
	}, s.Attributes())
	assert.Equal(t, []sdktrace.Event{
		{Name: "later", Time: startedAt, Attributes: []attribute.KeyValue{attribute.Int("n", 1)}},
	}, s.Events())
	assert.Equal(t, []sdktrace.Link{{SpanContext: linked}, {SpanContext: linkedLater}}, s.Links())
	assert.Equal(t, sdktrace.Status{Code: codes.Error, Description: "failed"}, s.Status())
	assert.Equal(t, "scope", s.InstrumentationScope().Name)
	assert.Equal(t, 1, s.ChildSpanCount())
	assert.NotNil(t, s.Resource())
	grandchild.End()
	parent.End()
}

// The SDK's own snapshot of an ended span keeps the caller's slice of link
// attributes.
func TestEndDoesNotShareTheCallersSlices(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked()...)
	own := newSlices()
	_, span := provider(p).Tracer("t").Start(t.Context(), "a", own.options()...)
	span.AddEvent("event", trace.WithAttributes(own.event...))
	span.End()
	own.overwrite()
	require.NoError(t, p.ForceFlush(t.Context()))
	requireBefore(t, exp.snapshot(t, "END a"))
}

// Another processor gets the SDK's snapshot in its OnEnd, not ours, and what we
// copy for ourselves does not show there.
func TestEndLeavesTheSnapshotOfOthersAlone(t *testing.T) {
	exp, other := new(recorder), new(endKeeper)
	p := newProcessor(t, exp, parked()...)
	own := newSlices()
	_, span := provider(p, other).Tracer("t").Start(t.Context(), "a", own.options()...)
	span.End()
	own.link[0] = attribute.String("l", "after")
	require.Len(t, other.spans, 1)
	assert.Equal(t, attribute.String("l", "after"), other.spans[0].Links()[0].Attributes[0])
}

// Exporters may keep spans: later batches do not change them.
func TestKeptSnapshotsDoNotChange(t *testing.T) {
	exp := new(recorder) // keeps the snapshots of every call
	p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(3), asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))
	tracer := provider(p).Tracer("t")
	var want []string
	for i := range 200 {
		name := string(rune('A' + i%26))
		_, span := tracer.Start(t.Context(), name)
		span.SetName(name + "'")
		span.End()
		require.NoError(t, p.ForceFlush(t.Context()))
		want = append(want, "START "+name, "END "+name+"'")
	}
	assert.Equal(t, want, exp.names())
}

// noResource is a span of another type, one of whose methods panics.
type noResource struct{ sdktrace.ReadOnlySpan }

func (noResource) Resource() *resource.Resource { panic("no resource") }

// OnEnd asks a span that is not the SDK's own for what it needs, in the application's
// goroutine, and for nothing else.
func TestEndOfAnotherType(t *testing.T) {
	exp, other := new(recorder), new(endKeeper)
	own := newSlices()
	_, span := provider(other).Tracer("t").Start(t.Context(), "a", own.options()...)
	span.AddEvent("event", trace.WithAttributes(own.event...))
	span.End()
	p := newProcessor(t, exp, parked()...)
	p.OnEnd(noResource{other.spans[0]})
	own.overwrite()
	require.NoError(t, p.ForceFlush(t.Context()))
	requireBefore(t, exp.snapshot(t, "END a"))
}
