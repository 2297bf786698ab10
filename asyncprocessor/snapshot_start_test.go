package asyncprocessor_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

var (
	// startedAt and endedAt are when the spans of these tests start and end.
	startedAt = time.Date(2026, 1, 2, 3, 4, 5, 6, time.UTC)
	endedAt   = startedAt.Add(7 * time.Second)

	linked = trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{2}, TraceFlags: trace.FlagsSampled,
	})
	linkedLater = trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{3}, SpanID: trace.SpanID{4}, TraceFlags: trace.FlagsSampled,
	})
)

// hook is a SpanProcessor that does something in OnStart.
type hook func(ctx context.Context, s sdktrace.ReadWriteSpan)

func (h hook) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) { h(ctx, s) }
func (hook) OnEnd(sdktrace.ReadOnlySpan)                             {}
func (hook) Shutdown(context.Context) error                          { return nil }
func (hook) ForceFlush(context.Context) error                        { return nil }

// change changes all that an application can change of a live span.
func change(s trace.Span) {
	s.SetName("changed")
	s.SetAttributes(attribute.String("given", "overwritten"), attribute.Int("later", 1))
	s.AddEvent("later", trace.WithAttributes(attribute.Int("n", 1)))
	s.AddLink(trace.Link{SpanContext: linkedLater})
	s.SetStatus(codes.Error, "failed")
	s.RecordError(context.Canceled)
}

// parked returns options under which nothing is exported before a flush.
func parked(opts ...asyncprocessor.Option) []asyncprocessor.Option {
	return append([]asyncprocessor.Option{asyncprocessor.WithBatchTimeout(time.Hour)}, opts...)
}

func TestStartIsTheSpanAtOnStart(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked(asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))...)
	res := resource.NewSchemaless(attribute.String("service.name", "shop"))
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(p), sdktrace.WithResource(res))
	tracer := tp.Tracer("scope", trace.WithInstrumentationVersion("v1"))

	parentCtx, parent := tracer.Start(t.Context(), "parent")
	_, span := tracer.Start(parentCtx, "child",
		trace.WithTimestamp(startedAt),
		trace.WithSpanKind(trace.SpanKindClient),
		trace.WithAttributes(attribute.String("given", "at start"), attribute.Int("n", 5)),
		trace.WithLinks(trace.Link{SpanContext: linked, Attributes: []attribute.KeyValue{attribute.Bool("b", true)}}),
	)
	change(span)
	require.NoError(t, p.ForceFlush(t.Context()))

	s := exp.snapshot(t, "START child")
	assert.Equal(t, "child", s.Name())
	assert.Equal(t, span.SpanContext(), s.SpanContext())
	assert.Equal(t, parent.SpanContext(), s.Parent())
	assert.Equal(t, trace.SpanKindClient, s.SpanKind())
	assert.Equal(t, startedAt, s.StartTime())
	assert.True(t, s.EndTime().IsZero())
	assert.Equal(t, []attribute.KeyValue{attribute.String("given", "at start"), attribute.Int("n", 5)}, s.Attributes())
	assert.Empty(t, s.Events())
	assert.Equal(t, []sdktrace.Link{{SpanContext: linked, Attributes: []attribute.KeyValue{attribute.Bool("b", true)}}}, s.Links())
	assert.Equal(t, sdktrace.Status{}, s.Status())
	assert.Equal(t, "scope", s.InstrumentationScope().Name)
	assert.Equal(t, "v1", s.InstrumentationScope().Version)
	assert.Equal(t, "scope", s.InstrumentationLibrary().Name) //nolint:staticcheck // part of the interface
	assert.Contains(t, s.Resource().Attributes(), attribute.String("service.name", "shop"))
	span.End()
	parent.End()
}

// An ended span is what a START refers to when it is exported late.
func TestStartHasNoEndTimeAndZeroCountsAfterTheSpanEnded(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked(asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))...)
	limits := sdktrace.NewSpanLimits()
	limits.AttributeCountLimit, limits.EventCountLimit, limits.LinkCountLimit = 1, 1, 1
	events := hook(func(_ context.Context, s sdktrace.ReadWriteSpan) {
		s.AddEvent("dropped")
		s.AddEvent("kept")
	})
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(events), sdktrace.WithSpanProcessor(p),
		sdktrace.WithRawSpanLimits(limits))

	ctx, span := tp.Tracer("t").Start(t.Context(), "a",
		trace.WithAttributes(attribute.Int("kept", 1), attribute.Int("dropped", 2)),
		trace.WithLinks(trace.Link{SpanContext: linked}, trace.Link{SpanContext: linkedLater}))
	_, child := tp.Tracer("t").Start(ctx, "child")
	child.End()
	span.End(trace.WithTimestamp(endedAt))
	require.NoError(t, p.ForceFlush(t.Context()))

	s := exp.snapshot(t, "START a")
	assert.Equal(t, time.Time{}, s.EndTime())
	assert.Equal(t, 0, s.DroppedAttributes())
	assert.Equal(t, 0, s.DroppedEvents())
	assert.Equal(t, 0, s.DroppedLinks())
	assert.Equal(t, 0, s.ChildSpanCount())
	assert.Equal(t, []attribute.KeyValue{attribute.Int("kept", 1)}, s.Attributes())
	require.Len(t, s.Events(), 1)
	assert.Equal(t, "kept", s.Events()[0].Name)

	e := exp.snapshot(t, "END a")
	assert.Equal(t, endedAt, e.EndTime())
	assert.Equal(t, 1, e.DroppedAttributes())
	assert.Equal(t, 1, e.DroppedEvents())
	assert.Equal(t, 1, e.DroppedLinks())
	assert.Equal(t, 1, e.ChildSpanCount())
}

// callerSlices are what a caller passes to the SDK and may use again.
type callerSlices struct{ attrs, link, event []attribute.KeyValue }

func newSlices() callerSlices {
	return callerSlices{
		attrs: []attribute.KeyValue{attribute.String("a", "before")},
		link:  []attribute.KeyValue{attribute.String("l", "before")},
		event: []attribute.KeyValue{attribute.String("e", "before")},
	}
}

func (s callerSlices) overwrite() {
	s.attrs[0] = attribute.String("a", "after")
	s.link[0] = attribute.String("l", "after")
	s.event[0] = attribute.String("e", "after")
}

func (s callerSlices) options() []trace.SpanStartOption {
	return []trace.SpanStartOption{
		trace.WithAttributes(s.attrs...),
		trace.WithLinks(trace.Link{SpanContext: linked, Attributes: s.link}),
	}
}

// requireBefore asserts that a snapshot shows the slices as they were.
func requireBefore(t *testing.T, s sdktrace.ReadOnlySpan) {
	t.Helper()
	assert.Contains(t, s.Attributes(), attribute.String("a", "before"))
	require.Len(t, s.Links(), 1)
	assert.Equal(t, []attribute.KeyValue{attribute.String("l", "before")}, s.Links()[0].Attributes)
	require.Len(t, s.Events(), 1)
	assert.Equal(t, []attribute.KeyValue{attribute.String("e", "before")}, s.Events()[0].Attributes)
}

func TestStartDoesNotShareTheCallersSlices(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked()...)
	own := newSlices()
	enrich := hook(func(_ context.Context, s sdktrace.ReadWriteSpan) {
		s.AddEvent("event", trace.WithAttributes(own.event...))
	})
	_, span := provider(enrich, p).Tracer("t").Start(t.Context(), "a", own.options()...)
	own.overwrite()
	require.NoError(t, p.ForceFlush(t.Context()))
	requireBefore(t, exp.snapshot(t, "START a"))
	span.End()
}

// A processor registered before ours enriches, and START shows it; what one after
// ours does is later, and START does not show it.
// wrapped is a span of another type than the SDK's.
type wrapped struct{ sdktrace.ReadWriteSpan }

func TestStartAmongOtherProcessors(t *testing.T) {
	for name, wrap := range map[string]func(sdktrace.ReadWriteSpan) sdktrace.ReadWriteSpan{
		"the SDK's span":   func(s sdktrace.ReadWriteSpan) sdktrace.ReadWriteSpan { return s },
		"one of another's": func(s sdktrace.ReadWriteSpan) sdktrace.ReadWriteSpan { return wrapped{s} },
	} {
		t.Run(name, func(t *testing.T) {
			exp := new(recorder)
			p := newProcessor(t, exp, parked(asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))...)
			enrich := hook(func(_ context.Context, s sdktrace.ReadWriteSpan) {
				s.SetName("enriched")
				s.SetAttributes(attribute.String("tenant", "a1"))
				s.AddEvent("early")
				s.AddLink(trace.Link{SpanContext: linked})
				s.SetStatus(codes.Error, "early")
			})
			start := hook(func(ctx context.Context, s sdktrace.ReadWriteSpan) { p.OnStart(ctx, wrap(s)) })
			after := hook(func(_ context.Context, s sdktrace.ReadWriteSpan) { change(s) })
			_, span := provider(enrich, start, after).Tracer("t").Start(t.Context(), "a")
			require.NoError(t, p.ForceFlush(t.Context()))

			s := exp.snapshot(t, "START enriched")
			assert.Equal(t, []attribute.KeyValue{attribute.String("tenant", "a1")}, s.Attributes())
			require.Len(t, s.Events(), 1)
			assert.Equal(t, "early", s.Events()[0].Name)
			assert.Equal(t, []sdktrace.Link{{SpanContext: linked}}, s.Links())
			assert.Equal(t, sdktrace.Status{Code: codes.Error, Description: "early"}, s.Status())
			assert.Equal(t, span.SpanContext(), s.SpanContext())
			span.End()
		})
	}
}

// readAll reads all of a snapshot, attributes of events and links included.
func readAll(s sdktrace.ReadOnlySpan) (n int) {
	n += len(s.Name()) + len(s.Status().Description) + s.StartTime().Nanosecond() + s.EndTime().Nanosecond()
	n += s.DroppedAttributes() + s.DroppedEvents() + s.DroppedLinks() + s.ChildSpanCount()
	n += len(s.InstrumentationScope().Name) + s.Resource().Len() + int(s.SpanKind())
	n += len(s.SpanContext().TraceID()) + len(s.Parent().TraceID())
	count := func(attrs []attribute.KeyValue) {
		for _, kv := range attrs {
			n += len(kv.Key) + len(kv.Value.String())
		}
	}
	count(s.Attributes())
	for _, l := range s.Links() {
		count(l.Attributes)
	}
	for _, e := range s.Events() {
		count(e.Attributes)
	}
	return n
}

// What the exporter reads races with nothing that the application does, as -race
// sees it, and does not change between two reads.
func TestSnapshotsConcurrentSafe(t *testing.T) {
	exp := new(recorder)
	exp.export = func(_ context.Context, _ int, snapshots []asyncprocessor.Snapshot) error {
		for _, s := range snapshots {
			if first, second := readAll(s.Span), readAll(s.Span); first != second {
				t.Errorf("%s %s changed under the exporter", s.Phase, s.Span.Name())
			}
		}
		return nil
	}
	p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchSize(1), asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))
	tracer := provider(p).Tracer("t")
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for range 100 {
				own := newSlices()
				ctx, span := tracer.Start(context.Background(), "a", own.options()...)
				own.attrs[0] = attribute.String("a", "after")
				change(span)
				_, child := tracer.Start(ctx, "child")
				child.End()
				span.AddEvent("event", trace.WithAttributes(own.event...))
				span.End()
				own.overwrite()
				change(span)
			}
		})
	}
	wg.Wait()
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, uint64(1600), balanced(t, p).Exported)
}
