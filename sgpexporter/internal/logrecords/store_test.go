package logrecords

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
	"go.uber.org/goleak"
	"pgregory.net/rapid"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// limits have room for three records in all, two of a span; 1,000 bytes in all, 600 of
// a span.
var limits = Limits{Records: 3, Bytes: 1000, SpanRecords: 2, SpanBytes: 600, Age: time.Hour}

func named(name string) Record { return Record{EventName: name} }

func add(s *Store, span byte, names ...string) {
	for _, name := range names {
		s.Add(trace.TraceID{1}, trace.SpanID{span}, named(name))
	}
}

func peek(s *Store, span byte) []string {
	return eventNames(s.Peek(trace.TraceID{1}, trace.SpanID{span}))
}

func take(s *Store, span byte) []string {
	return eventNames(s.Take(trace.TraceID{1}, trace.SpanID{span}))
}

func eventNames(records []Record) []string {
	var all []string
	for _, r := range records {
		all = append(all, r.EventName)
	}
	return all
}

func TestRecordsAreKeptUntilTaken(t *testing.T) {
	s := NewStore(DefaultLimits)
	assert.Nil(t, peek(s, 1))
	assert.Nil(t, take(s, 1))
	add(s, 1, "a", "b")
	add(s, 2, "c")
	s.Add(trace.TraceID{2}, trace.SpanID{1}, named("of another trace"))
	assert.Equal(t, []string{"a", "b"}, peek(s, 1))
	assert.Equal(t, []string{"a", "b"}, peek(s, 1))
	add(s, 1, "d")
	assert.Equal(t, []string{"a", "b", "d"}, take(s, 1))
	assert.Nil(t, take(s, 1))
	assert.Nil(t, peek(s, 1))
	assert.Equal(t, []string{"c"}, take(s, 2))
	assert.Equal(t, Stats{Added: 5, Taken: 4, Held: 1, HeldBytes: 176}, s.Stats())
}

func TestWhatWasSeenDoesNotChange(t *testing.T) {
	s := NewStore(DefaultLimits)
	add(s, 1, "a")
	before := s.Peek(trace.TraceID{1}, trace.SpanID{1})
	add(s, 1, "b", "c")
	_ = append(before, named("the caller's"))
	assert.Equal(t, []string{"a", "b", "c"}, take(s, 1))
	assert.Equal(t, []string{"a"}, eventNames(before))
}

func TestOneSpanHasItsShare(t *testing.T) {
	s := NewStore(limits)
	add(s, 1, "a", "b", "c")
	assert.Equal(t, []string{"a", "b"}, peek(s, 1))
	s.Add(trace.TraceID{1}, trace.SpanID{2}, Record{EventName: "large", Body: attribute.StringValue(string(make([]byte, 600)))})
	assert.Nil(t, peek(s, 2))
	assert.Equal(t, Stats{Added: 4, Refused: 2, Held: 2, HeldBytes: 322}, s.Stats())
}

func TestAboveTheBoundsTheStalestSpanLosesItsRecords(t *testing.T) {
	s := NewStore(limits)
	add(s, 1, "a")
	add(s, 2, "b")
	add(s, 1, "c") // 2 is the stalest now
	add(s, 3, "d")
	assert.Nil(t, peek(s, 2))
	assert.Equal(t, []string{"a", "c"}, peek(s, 1))
	assert.Equal(t, []string{"d"}, peek(s, 3))

	s.Add(trace.TraceID{1}, trace.SpanID{4}, Record{Body: attribute.StringValue(string(make([]byte, 400)))})
	assert.Nil(t, peek(s, 1), "the bytes of it make room")
	assert.Equal(t, []string{""}, peek(s, 4))
	assert.Equal(t, Stats{Added: 5, Evicted: 3, Held: 2, HeldBytes: 721}, s.Stats())
}

func TestRecordsOfASpanThatDoesNotEndExpire(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := NewStore(limits)
		add(s, 1, "a")
		time.Sleep(59 * time.Minute)
		add(s, 1, "b") // it lives: the hour begins again
		add(s, 2, "c")
		time.Sleep(59 * time.Minute)
		assert.Equal(t, int64(3), s.Stats().Held)
		assert.Equal(t, []string{"a", "b"}, peek(s, 1))
		time.Sleep(time.Minute)
		assert.Nil(t, take(s, 2))
		assert.Equal(t, Stats{Added: 3, Expired: 3}, s.Stats())
	})
}

func TestStoreConcurrentSafe(t *testing.T) {
	s := NewStore(DefaultLimits)
	var all sync.WaitGroup
	for span := range byte(4) {
		all.Go(func() {
			for range 100 {
				add(s, span%2, "a", "b")
				peek(s, span%2)
				s.Stats()
				take(s, span%2)
			}
		})
	}
	all.Wait()
	stats := s.Stats()
	assert.Equal(t, uint64(800), stats.Added)
	assert.Equal(t, uint64(800), stats.Taken+uint64(stats.Held))
}

// Nothing is lost without being counted, and no bound is passed.
func TestPropertyOfTheCounts(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := NewStore(limits)
		t.Repeat(map[string]func(t *rapid.T){
			"add": func(t *rapid.T) {
				s.Add(trace.TraceID{1}, trace.SpanID{rapid.Byte().Draw(t, "span") % 4},
					Record{Body: attribute.StringValue(rapid.StringN(0, 100, 500).Draw(t, "body"))})
			},
			"take": func(t *rapid.T) { take(s, rapid.Byte().Draw(t, "span")%4) },
			"": func(t *rapid.T) {
				n := s.Stats()
				if n.Added != n.Taken+n.Refused+n.Evicted+n.Expired+uint64(n.Held) {
					t.Fatalf("not conserved: %+v", n)
				}
				held := 0
				for span := range byte(4) {
					of := len(peek(s, span))
					held += of
					if of > limits.SpanRecords {
						t.Fatalf("span %d has %d", span, of)
					}
				}
				if int64(held) != n.Held || held > limits.Records || n.HeldBytes > limits.Bytes || n.HeldBytes < 160*n.Held {
					t.Fatalf("held %d: %+v", held, n)
				}
			},
		})
	})
}
