//go:build !purego

package sdkspan

import (
	"fmt"
	"math"
	"slices"
	"sync"
	"testing"
	"time"
	"unsafe"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"go.opentelemetry.io/otel/trace/noop"
	"pgregory.net/rapid"
)

// newLive returns a span that runs, with a remote parent.
func newLive(tb testing.TB, opts ...trace.SpanStartOption) sdktrace.ReadWriteSpan {
	tb.Helper()
	return newLiveOf(tb, sdktrace.NewTracerProvider(), opts...)
}

func newLiveOf(tb testing.TB, tp *sdktrace.TracerProvider, opts ...trace.SpanStartOption) sdktrace.ReadWriteSpan {
	tb.Helper()
	opts = append(opts, trace.WithSpanKind(trace.SpanKindConsumer), trace.WithTimestamp(time.Unix(10, 11)))
	_, span := tp.Tracer("t").Start(trace.ContextWithRemoteSpanContext(tb.Context(), remoteParent), "live", opts...)
	tb.Cleanup(func() { span.End() })
	return span.(sdktrace.ReadWriteSpan)
}

// watchAnew makes the package forget what it knows of the getter, and learn it again at the end.
func watchAnew(tb testing.TB) {
	tb.Helper()
	getter.Store(0)
	tb.Cleanup(func() { getter.Store(known) })
}

func init() { getter.Store(known) }

func withInts(n int) trace.SpanStartEventOption {
	attrs := make([]attribute.KeyValue, n)
	for i := range attrs {
		attrs[i] = attribute.Int(fmt.Sprintf("key%d", i), i)
	}
	return trace.WithAttributes(attrs...)
}

func TestLiveIsWhatTheGettersSay(t *testing.T) {
	s := newLive(t, withInts(3))
	l := PeekLive(s)
	assert.Equal(t, CopyContext(s.SpanContext()), l.SpanContext)
	assert.Equal(t, CopyContext(remoteParent), l.Parent)
	assert.Equal(t, trace.SpanKindConsumer, l.SpanKind)
	assert.Equal(t, time.Unix(10, 11), l.StartTime)

	name, attrs, ok := l.Read(s)
	assert.True(t, ok)
	assert.Equal(t, "live", name)
	assert.Equal(t, []attribute.KeyValue{attribute.Int("key0", 0), attribute.Int("key1", 1), attribute.Int("key2", 2)}, attrs)
	s.SetName("another")
	name, _, ok = l.Read(s)
	assert.True(t, ok)
	assert.Equal(t, "another", name)
}

// Of what has more than attributes the getters tell.
func TestALiveSpanIsNotBare(t *testing.T) {
	for what, set := range map[string]func(sdktrace.ReadWriteSpan){
		"an event":           func(s sdktrace.ReadWriteSpan) { s.AddEvent("event") },
		"a link":             func(s sdktrace.ReadWriteSpan) { s.AddLink(trace.Link{SpanContext: remoteParent}) },
		"a status":           func(s sdktrace.ReadWriteSpan) { s.SetStatus(codes.Ok, "") },
		"an error's message": func(s sdktrace.ReadWriteSpan) { s.SetStatus(codes.Error, "message") },
	} {
		s := newLive(t)
		set(s)
		_, _, ok := PeekLive(s).Read(s)
		assert.False(t, ok, what)
	}
}

// step is something that an application does to a span.
type step struct {
	what string
	do   func(sdktrace.ReadWriteSpan)
}

func drawSteps(t *rapid.T, keys int) []step {
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) step {
		switch kind := rapid.IntRange(0, 9).Draw(t, "kind"); kind {
		case 0:
			return step{"name", func(s sdktrace.ReadWriteSpan) { s.SetName("other") }}
		case 1:
			return step{"get", func(s sdktrace.ReadWriteSpan) { s.Attributes() }}
		case 2:
			return step{"invalid", func(s sdktrace.ReadWriteSpan) { s.SetAttributes(attribute.KeyValue{}) }}
		default:
			drawn := rapid.SliceOfN(rapid.IntRange(0, keys), 1, 9).Draw(t, "keys")
			value := rapid.Int().Draw(t, "value")
			attrs := make([]attribute.KeyValue, len(drawn))
			for i, k := range drawn {
				attrs[i] = attribute.Int(fmt.Sprintf("key%d", k), value+i)
			}
			return step{fmt.Sprint("set", drawn), func(s sdktrace.ReadWriteSpan) { s.SetAttributes(attrs...) }}
		}
	}), 0, 6).Draw(t, "steps")
}

// state is what Read and the getter of attributes may change.
type state struct {
	Attrs         []attribute.KeyValue
	Cap, Dropped  int
	Dirty, Shared bool
}

func stateOf(l *Live) state {
	return state{slices.Clone(l.attributes), cap(l.attributes), l.droppedAttributes, l.attributesDirty, l.attributesShared}
}

// Whatever was done to a span before, Read leaves it as the SDK's getter leaves one like it,
// and says the same, or leaves it alone. Whatever is done afterwards, what was read stays as
// it was, and the span ends as the other does.
func TestReadLeavesASpanAsTheGetterDoes(t *testing.T) {
	var read, left int
	rapid.Check(t, func(rt *rapid.T) {
		keys := rapid.SampledFrom([]int{3, 60}).Draw(rt, "keys")
		limits := sdktrace.NewSpanLimits()
		limits.AttributeCountLimit = rapid.SampledFrom([]int{-1, 4, 128}).Draw(rt, "limit")
		k := new(keeper)
		tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(k), sdktrace.WithRawSpanLimits(limits))
		ours, theirs := newLiveOf(t, tp), newLiveOf(t, tp)
		for _, s := range drawSteps(rt, keys) {
			s.do(ours)
			s.do(theirs)
		}
		l := PeekLive(ours)
		before := stateOf(l)
		if !before.equal(stateOf(PeekLive(theirs))) {
			rt.Fatalf("the two are not alike")
		}

		_, attrs, ok := l.Read(ours)
		if ok {
			read++
		} else {
			left++
			if after := stateOf(l); !after.equal(before) {
				rt.Fatalf("left it as %+v, it was %+v", after, before)
			}
			attrs = ours.Attributes()
		}
		want := theirs.Attributes()
		if !slices.Equal(attrs, want) {
			rt.Fatalf("read %v, the getter says %v", attrs, want)
		}
		if a, b := stateOf(l), stateOf(PeekLive(theirs)); !a.equal(b) {
			rt.Fatalf("left it as %+v, the getter as %+v", a, b)
		}

		held := slices.Clone(attrs)
		for _, s := range drawSteps(rt, keys) {
			s.do(ours)
			s.do(theirs)
		}
		ours.End()
		theirs.End()
		if !slices.Equal(attrs, held) {
			rt.Fatalf("what was read became %v, it was %v", attrs, held)
		}
		if a, b := k.ended[0], k.ended[1]; !slices.Equal(a.Attributes(), b.Attributes()) || a.DroppedAttributes() != b.DroppedAttributes() {
			rt.Fatalf("it ends with %v, the other with %v", a.Attributes(), b.Attributes())
		}
	})
	assert.NotZero(t, read)
	assert.NotZero(t, left)
}

func (s state) equal(o state) bool {
	return slices.Equal(s.Attrs, o.Attrs) && s.Cap == o.Cap && s.Dropped == o.Dropped && s.Dirty == o.Dirty && s.Shared == o.Shared
}

// Few keys are compared; for many, or where two are alike, the getter is asked.
func TestDistinct(t *testing.T) {
	several := func(n int) []attribute.KeyValue {
		attrs := make([]attribute.KeyValue, n)
		for i := range attrs {
			attrs[i] = attribute.Int(fmt.Sprintf("%03d", i), 1)
		}
		return attrs
	}
	assert.True(t, distinct(nil))
	assert.True(t, distinct(several(maxCompared)))
	assert.False(t, distinct(several(maxCompared+1)))
	for i := range maxCompared {
		for j := range i {
			attrs := several(maxCompared)
			attrs[i].Key = attrs[j].Key
			assert.False(t, distinct(attrs), "%d and %d", i, j)
		}
	}
}

// Before the getter has been seen to leave a span as Read does, Read writes nothing.
func TestTheGetterIsWatchedFirst(t *testing.T) {
	watchAnew(t)
	none := newLive(t)
	_, attrs, ok := PeekLive(none).Read(none)
	assert.True(t, ok, "there is nothing to write")
	assert.Empty(t, attrs)
	double := newLive(t, trace.WithAttributes(attribute.Int("a", 1), attribute.Int("a", 2)))
	_, _, ok = PeekLive(double).Read(double)
	assert.False(t, ok)
	assert.Zero(t, getter.Load(), "neither tells anything")

	s := newLive(t, withInts(5))
	_, _, ok = PeekLive(s).Read(s)
	assert.False(t, ok)
	assert.Equal(t, int32(known), getter.Load(), "and that one did")
	_, attrs, ok = PeekLive(s).Read(s)
	assert.True(t, ok)
	assert.Len(t, attrs, 5)
}

// otherSDK is a span of an SDK with another getter.
type otherSDK struct {
	live Live
	more int

	sdktrace.ReadOnlySpan

	get  func(*otherSDK) []attribute.KeyValue
	gets *int
}

func newOtherSDK(gets *int, get func(*otherSDK) []attribute.KeyValue) *otherSDK {
	s := &otherSDK{gets: gets, get: get}
	s.live.attributes, s.live.attributesDirty = []attribute.KeyValue{attribute.Int("a", 1)}, true
	return s
}

func (s *otherSDK) Attributes() []attribute.KeyValue {
	*s.gets++
	return s.get(s)
}

func settled(s *otherSDK) []attribute.KeyValue {
	s.live.attributesDirty, s.live.attributesShared = false, true
	return s.live.attributes
}

// A getter that does anything else is not taken for what it is not.
func TestAnotherGetterIsNotImitated(t *testing.T) {
	for name, c := range map[string]struct {
		get  func(*otherSDK) []attribute.KeyValue
		want bool
	}{
		"the same": {settled, true},
		"does not look for doubles": {func(s *otherSDK) []attribute.KeyValue {
			settled(s)
			s.live.attributesDirty = true
			return s.live.attributes
		}, false},
		"does not share": {func(s *otherSDK) []attribute.KeyValue {
			settled(s)
			s.live.attributesShared = false
			return s.live.attributes
		}, false},
		"returns a copy": {func(s *otherSDK) []attribute.KeyValue { return slices.Clone(settled(s)) }, false},
		"keeps a copy": {func(s *otherSDK) []attribute.KeyValue {
			attrs := settled(s)
			s.live.attributes = slices.Clone(attrs)
			return attrs
		}, false},
		"changes attributes": {func(s *otherSDK) []attribute.KeyValue {
			s.live.attributes[0].Value = attribute.IntValue(2)
			return settled(s)
		}, false},
		"returns less":             {func(s *otherSDK) []attribute.KeyValue { return settled(s)[:0] }, false},
		"writes to what is known":  {func(s *otherSDK) []attribute.KeyValue { s.live.childSpanCount++; return settled(s) }, false},
		"writes to what is before": {func(s *otherSDK) []attribute.KeyValue { s.live.Span = noop.Span{}; return settled(s) }, false},
		"writes to what is behind": {func(s *otherSDK) []attribute.KeyValue { s.more++; return settled(s) }, false},
	} {
		t.Run(name, func(t *testing.T) {
			watchAnew(t)
			gets := 0
			for i := range maxWatched + 3 {
				s := newOtherSDK(&gets, c.get)
				require.Equal(t, unsafe.Pointer(s), unsafe.Pointer(&s.live))
				_, _, ok := s.live.Read(s)
				assert.Equal(t, c.want && i > 0, ok)
				if !c.want {
					assert.NotEqual(t, int32(known), getter.Load())
				}
			}
			if c.want {
				assert.Equal(t, 1, gets)
			} else {
				assert.Equal(t, maxWatched, gets, "then it is let be")
			}
		})
	}
}

// What the SDK does not leave behind is not touched: attributes that are shared, and may be
// double. And it takes some that may be double to tell what the getter does.
func TestOddStates(t *testing.T) {
	gets := 0
	odd := newOtherSDK(&gets, settled)
	odd.live.attributesShared = true
	_, _, ok := odd.live.Read(odd)
	assert.False(t, ok)
	assert.True(t, odd.live.attributesDirty)

	watchAnew(t)
	odd.live.Read(odd)
	clean := newOtherSDK(&gets, settled)
	clean.live.attributesDirty = false
	clean.live.Read(clean)
	assert.Zero(t, getter.Load())
	assert.Zero(t, gets)
}

// One that changed for another reason while the getter was watched is no reason to give up.
func TestOneThatWasDisturbedIsWatchedAgain(t *testing.T) {
	watchAnew(t)
	gets := 0
	for i := range 2 {
		s := newOtherSDK(&gets, settled)
		if i == 0 {
			s.get = func(s *otherSDK) []attribute.KeyValue { s.live.childSpanCount++; return settled(s) }
		}
		s.live.Read(s)
	}
	assert.Equal(t, int32(known), getter.Load())
}

// It is the span's own lock that is taken: the race detector says so.
func TestReadConcurrently(t *testing.T) {
	for _, first := range []string{"known", "watched"} {
		t.Run(first, func(t *testing.T) {
			if first == "watched" {
				watchAnew(t)
			}
			s := newLive(t, withInts(5))
			var wg sync.WaitGroup
			for g := range 4 {
				wg.Go(func() {
					for i := range 100 {
						s.SetName("another")
						s.SetAttributes(attribute.Int("key1", i), attribute.Int(fmt.Sprint("more", g), i))
						s.AddEvent("event")
						s.AddLink(trace.Link{SpanContext: remoteParent})
						s.SetStatus(codes.Error, "message")
					}
				})
				wg.Go(func() {
					for range 100 {
						one := newLive(t, withInts(5))
						for range 2 {
							if name, attrs, ok := PeekLive(one).Read(one); ok {
								assert.Equal(t, "live", name)
								assert.Len(t, attrs, 5)
							}
						}
						if name, attrs, ok := PeekLive(s).Read(s); ok {
							assert.Contains(t, []string{"live", "another"}, name)
							for _, kv := range attrs {
								assert.Less(t, kv.Value.AsInt64(), int64(math.MaxInt32))
							}
						}
					}
				})
			}
			wg.Wait()
		})
	}
}

func TestReadAllocatesNothing(t *testing.T) {
	spans := make([]sdktrace.ReadWriteSpan, 101)
	for i := range spans {
		spans[i] = newLive(t, withInts(5))
	}
	assert.Zero(t, testing.AllocsPerRun(len(spans)-1, func() {
		s := spans[0]
		spans = spans[1:]
		if _, _, ok := PeekLive(s).Read(s); !ok {
			t.Error("not read")
		}
	}))
}
