//go:build !purego

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
