//go:build !purego

package sdkspan

import (
	"context"
	"math"
	"reflect"
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
)

// keeper keeps what the SDK hands to OnEnd.
type keeper struct{ ended []sdktrace.ReadOnlySpan }

func (*keeper) OnStart(context.Context, sdktrace.ReadWriteSpan) {}
func (k *keeper) OnEnd(s sdktrace.ReadOnlySpan)                 { k.ended = append(k.ended, s) }
func (*keeper) ForceFlush(context.Context) error                { return nil }
func (*keeper) Shutdown(context.Context) error                  { return nil }

var remoteParent = func() trace.SpanContext {
	state, err := trace.ParseTraceState("vendor=v1,other=a:b")
	if err != nil {
		panic(err)
	}
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1, 2, 3}, SpanID: trace.SpanID{4, 5}, TraceFlags: trace.FlagsSampled, TraceState: state, Remote: true,
	})
}()

// newEnded returns a span of which nothing is zero, or like another thing.
func newEnded(tb testing.TB) sdktrace.ReadOnlySpan {
	tb.Helper()
	k := new(keeper)
	limits := sdktrace.NewSpanLimits()
	limits.AttributeCountLimit, limits.EventCountLimit, limits.LinkCountLimit = 2, 3, 4
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(k), sdktrace.WithRawSpanLimits(limits),
		sdktrace.WithResource(resource.NewSchemaless(attribute.String("service.name", "test"))))
	tracer := tp.Tracer("scope", trace.WithInstrumentationVersion("v9"), trace.WithSchemaURL("schema"),
		trace.WithInstrumentationAttributes(attribute.Bool("b", true)))
	ctx, span := tracer.Start(trace.ContextWithRemoteSpanContext(tb.Context(), remoteParent), "name",
		trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(time.Unix(10, 11)),
		trace.WithAttributes(attribute.String("a", "text"), attribute.Int("n", 7), attribute.Bool("dropped", true)))
	for range 3 + 2 {
		span.AddEvent("event", trace.WithAttributes(attribute.String("in", "event")))
	}
	for range 4 + 3 {
		span.AddLink(trace.Link{SpanContext: remoteParent, Attributes: []attribute.KeyValue{attribute.Int("in", 1)}})
	}
	for range 6 {
		_, child := tracer.Start(ctx, "child")
		defer child.End()
	}
	span.SetStatus(codes.Error, "description")
	span.End(trace.WithTimestamp(time.Unix(20, 21)))
	require.Len(tb, k.ended, 1)
	return k.ended[0]
}

// When the SDK or the API changes what it keeps, this fails: everything still works,
// but slower. Then Ended, Live, SpanContext, KeyValue or Value has to follow.
func TestTheLayoutsAreKnown(t *testing.T) {
	s := newEnded(t)
	require.NotNil(t, PeekEnded(s))
	require.NotNil(t, PeekLive(newLive(t)))
	require.NotNil(t, PeekAttributes(s.Attributes()))
}

func TestPeekedIsWhatTheGettersSay(t *testing.T) {
	s := newEnded(t)
	peeked := PeekEnded(s)
	for i, v := 0, reflect.ValueOf(*peeked); i < v.NumField(); i++ {
		assert.False(t, v.Field(i).IsZero(), "%s: the test does not tell it from nothing", v.Type().Field(i).Name)
	}
	assert.Equal(t, []int{6, 1, 2, 3}, []int{
		peeked.ChildSpanCount, peeked.DroppedAttributeCount, peeked.DroppedEventCount, peeked.DroppedLinkCount,
	})
	var copied Ended
	copied.CopyIdentity(s)
	copied.CopyState(s)
	assert.Equal(t, copied, *peeked)

	assert.Equal(t, s.Name(), peeked.Name)
	assert.Equal(t, s.SpanContext().SpanID(), peeked.SpanContext.SpanID)
	assert.Equal(t, remoteParent.TraceID(), peeked.Parent.TraceID)
	assert.Equal(t, remoteParent.SpanID(), peeked.Parent.SpanID)
	assert.Equal(t, trace.FlagsSampled, peeked.Parent.TraceFlags)
	assert.True(t, peeked.Parent.Remote)
	assert.Equal(t, []Member{{"vendor", "v1"}, {"other", "a:b"}}, peeked.SpanContext.TraceState.List)
	assert.Equal(t, "vendor=v1,other=a:b", peeked.SpanContext.TraceState.String())
	assert.Equal(t, s.StartTime(), peeked.StartTime)
	assert.Equal(t, s.EndTime(), peeked.EndTime)
	assert.Equal(t, s.Links(), peeked.Links)
	assert.Equal(t, s.Events(), peeked.Events)
	assert.Equal(t, "scope", peeked.InstrumentationScope.Name)
	assert.Same(t, s.Resource(), peeked.Resource)
}

// foreign is a span of another type.
type foreign struct{ sdktrace.ReadOnlySpan }

type foreignPointer struct{ sdktrace.ReadOnlySpan }

func TestWhatIsNotTheSDKsIsNotPeekedAt(t *testing.T) {
	s := newEnded(t)
	l := newLive(t)
	for range 2 { // known by then
		assert.Nil(t, PeekEnded(nil))
		assert.Nil(t, PeekEnded(foreign{s}))
		assert.Nil(t, PeekEnded(&foreignPointer{s}))
		assert.Nil(t, PeekEnded((*foreignPointer)(nil)))
		assert.Nil(t, PeekEnded(l))
		assert.NotNil(t, PeekEnded(s))

		assert.Nil(t, PeekLive(nil))
		assert.Nil(t, PeekLive(foreign{l}))
		assert.Nil(t, PeekLive(&foreignPointer{l}))
		assert.Nil(t, PeekLive((*foreignPointer)(nil)))
		assert.Nil(t, PeekLive(s))
		assert.NotNil(t, PeekLive(l))
	}
}

// Types of which one is met after the other, from many goroutines.
func TestPeekConcurrently(t *testing.T) {
	s := newEnded(t)
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				assert.Nil(t, PeekEnded(foreign{s}))
				assert.Equal(t, "name", PeekEnded(s).Name)
				assert.Nil(t, PeekEnded(&foreignPointer{s}))
			}
		})
	}
	wg.Wait()
}

func TestContextWithoutAnything(t *testing.T) {
	var sc trace.SpanContext
	assert.Equal(t, SpanContext{}, CopyContext(sc))
	assert.Empty(t, TraceState{}.String())
}

func TestSameLayout(t *testing.T) {
	type inner struct{ X, Y int }
	type real struct {
		name  string
		inner inner
		list  []inner
	}
	_ = real{}.name
	_ = real{}.inner
	_ = real{}.list
	type member struct{ X, Y int }
	for name, c := range map[string]struct {
		mirror any
		want   bool
	}{
		"the same": {struct {
			Name  string
			Inner member
			List  []member
		}{}, true},
		"renamed": {struct {
			Title string
			Inner member
			List  []member
		}{}, false},
		"another order": {struct {
			Name  string
			List  []member
			Inner member
		}{}, false},
		"another type of the same size": {struct {
			Name  []byte
			Inner member
			List  []member
		}{}, false},
		"another kind of number": {struct {
			Name  string
			Inner struct {
				X int
				Y uint
			}
			List []member
		}{}, false},
		"another element": {struct {
			Name  string
			Inner member
			List  []struct{ X int }
		}{}, false},
		"one less": {struct {
			Name  string
			Inner member
		}{}, false},
		"one more": {struct {
			Name  string
			Inner member
			List  []member
			More  struct{}
		}{}, false},
		"no struct": {0, false},
	} {
		assert.Equal(t, c.want, sameLayout(reflect.TypeFor[real](), reflect.TypeOf(c.mirror)), name)
		// The beginning of one that has more fields, or of one that has fewer.
		assert.Equal(t, c.want || name == "one less", beginsAs(reflect.TypeFor[real](), reflect.TypeOf(c.mirror)), name)
	}
	assert.False(t, beginsAs(reflect.TypeFor[int](), reflect.TypeFor[struct{}]()))
}

// Whatever a value is, it is found where it lies.
func FuzzPeekAttributes(f *testing.F) {
	f.Add("key", "text", int64(7), 1.5)
	f.Add("", "\x00\xff", int64(-1), math.Inf(-1))
	f.Fuzz(func(t *testing.T, key, text string, n int64, x float64) {
		attrs := []attribute.KeyValue{
			{}, attribute.String(key, text), attribute.Int64(key, n), attribute.Float64(key, x), attribute.Bool(key, n < 0),
			attribute.StringSlice(key, []string{text, key}), attribute.Int64Slice(key, []int64{n}),
			attribute.ByteSlice(key, []byte(text)),
		}
		peeked := PeekAttributes(attrs)
		require.Len(t, peeked, len(attrs))
		for i, kv := range attrs {
			got := peeked[i]
			assert.Equal(t, kv.Key, got.Key)
			assert.Equal(t, kv.Value.Type(), got.Value.VType)
			switch kv.Value.Type() {
			case attribute.STRING:
				assert.Equal(t, text, got.Value.Stringly)
			case attribute.BYTESLICE:
				assert.Equal(t, kv.Value.AsByteSlice(), []byte(got.Value.Stringly))
			case attribute.INT64:
				assert.Equal(t, uint64(n), got.Value.Numeric)
			case attribute.FLOAT64:
				assert.Equal(t, math.Float64bits(x), got.Value.Numeric)
			case attribute.STRINGSLICE, attribute.INT64SLICE:
				assert.NotNil(t, got.Value.Slice)
				continue
			}
			assert.Nil(t, got.Value.Slice)
		}
	})
}

func TestPeekNoAttributes(t *testing.T) {
	assert.Empty(t, PeekAttributes(nil))
	assert.Empty(t, PeekAttributes([]attribute.KeyValue{}))
}
