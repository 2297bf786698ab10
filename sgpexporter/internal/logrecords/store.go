package logrecords

import (
	"container/list"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// Limits bound a [Store].
type Limits struct {
	// Records and Bytes, an estimate of memory, are of all spans together. Above them
	// the spans that got no record for longest lose theirs.
	Records int
	Bytes   int64
	// SpanRecords and SpanBytes are of one span, and not more than those of all. What
	// comes above them is refused.
	SpanRecords int
	SpanBytes   int64
	// Age is how long a span's records are kept after its last one.
	Age time.Duration
}

// DefaultLimits are those of the exporter.
var DefaultLimits = Limits{
	Records: 10_000, Bytes: 32 << 20,
	SpanRecords: 1000, SpanBytes: 8 << 20,
	Age: time.Hour,
}

// Stats counts records. Added = Taken + Refused + Evicted + Expired + Held.
type Stats struct {
	// Added is all of them.
	Added uint64
	// Taken were handed over with their span's END.
	Taken uint64
	// Refused were too many, or too large, for one span.
	Refused uint64
	// Evicted were lost for want of room, Expired because their span did not end.
	Evicted, Expired uint64
	// Held are kept now, in so many bytes.
	Held      int64
	HeldBytes int64
}

// Store keeps records by span. All methods may be called concurrently, and none waits
// for anything but a short lock.
type Store struct {
	limits Limits
	// held is the number of records, read without the lock by who asks for those of a span.
	held atomic.Int64

	mu    sync.Mutex
	spans map[spanKey]*spanRecords
	// byAge has the spans, the one that got no record for longest first.
	byAge *list.List
	stats Stats
}

type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

type spanRecords struct {
	key     spanKey
	records []Record
	bytes   int64
	last    time.Time // of the last addition
	element *list.Element
}

// NewStore returns an empty store.
func NewStore(limits Limits) *Store {
	return &Store{limits: limits, spans: map[spanKey]*spanRecords{}, byAge: list.New()}
}

// Add keeps a record of a span.
func (s *Store) Add(traceID trace.TraceID, spanID trace.SpanID, record Record) {
	size := record.size()
	now := time.Now()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.stats.Added++
	s.expire(now)
	key := spanKey{traceID, spanID}
	span := s.spans[key]
	if span == nil {
		span = &spanRecords{key: key}
	}
	if len(span.records) >= s.limits.SpanRecords || span.bytes+size > s.limits.SpanBytes {
		s.stats.Refused++
		return
	}
	if span.element == nil {
		s.spans[key] = span
		span.element = s.byAge.PushBack(span)
	}
	s.byAge.MoveToBack(span.element)
	span.records = append(span.records, record)
	span.bytes += size
	span.last = now
	s.hold(1, size)
	for int(s.stats.Held) > s.limits.Records || s.stats.HeldBytes > s.limits.Bytes {
		s.stats.Evicted += s.remove(s.byAge.Front().Value.(*spanRecords))
	}
}

// Peek returns the records that a span has so far, in the order of Add. The span
// keeps them.
func (s *Store) Peek(traceID trace.TraceID, spanID trace.SpanID) []Record {
	if s.Empty() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	span := s.spans[spanKey{traceID, spanID}]
	if span == nil {
		return nil
	}
	return slices.Clip(span.records) // what is added later is not seen
}

// Empty reports whether there are no records, of any span.
func (s *Store) Empty() bool { return s.held.Load() == 0 }

// Take is Peek, and the store forgets them: the span has ended.
func (s *Store) Take(traceID trace.TraceID, spanID trace.SpanID) []Record {
	if s.Empty() {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(time.Now())
	span := s.spans[spanKey{traceID, spanID}]
	if span == nil {
		return nil
	}
	s.stats.Taken += s.remove(span)
	return span.records
}

// Stats returns the counts.
func (s *Store) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.expire(time.Now())
	return s.stats
}

// expire forgets the records of spans that got none for too long. s.mu must be held.
func (s *Store) expire(now time.Time) {
	for el := s.byAge.Front(); el != nil; el = s.byAge.Front() {
		span := el.Value.(*spanRecords)
		if now.Sub(span.last) < s.limits.Age {
			return
		}
		s.stats.Expired += s.remove(span)
	}
}

// remove forgets a span, and returns the number of its records.
func (s *Store) remove(span *spanRecords) uint64 {
	delete(s.spans, span.key)
	s.byAge.Remove(span.element)
	s.hold(-len(span.records), -span.bytes)
	return uint64(len(span.records))
}

func (s *Store) hold(records int, bytes int64) {
	s.stats.Held += int64(records)
	s.stats.HeldBytes += bytes
	s.held.Store(s.stats.Held)
}
