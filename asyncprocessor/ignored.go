package asyncprocessor

import (
	"context"
	"sync"
	"sync/atomic"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// exportMark is the key of the mark that the contexts of all exports carry.
//
// It is one for all Processors: two of them with instrumented exporters on one
// provider would otherwise feed each other for ever.
type exportMark struct{}

// SuppressContext returns a context under which spans are ignored by every Processor of this
// package, as under the contexts of an exporter's calls. An exporter that sends in the background, with
// contexts of its own, makes them with it: else the spans of an instrumented HTTP client would be exported,
// and make more of them, for ever.
func SuppressContext(ctx context.Context) context.Context {
	return context.WithValue(ctx, exportMark{}, true)
}

func isExport(ctx context.Context) bool {
	return ctx != nil && ctx.Value(exportMark{}) != nil
}

// maxIgnored bounds the spans that ignoredSpans remembers. The oldest is forgotten first.
const maxIgnored = 8192

// ignoredSpans remembers the spans that are not delivered: those that an exporter made, since
// OnEnd gets no context that would tell, and those that the filter left out, since
// their children hang on their nearest ancestor that was kept. Mostly there are few or none, so
// all other spans pay one load for it.
type ignoredSpans struct {
	filtering bool // there is a filter: else only those that an exporter made are ignored
	count     atomic.Int64

	mu sync.Mutex // guards what follows, and writes to count
	// parents has the parent of each ignored span, or the nearest ancestor that was kept; it is
	// not valid if there is none.
	parents map[spanKey]trace.SpanContext
	oldest  []spanKey // in the order in which they were added; some are removed already
}

// add remembers that a span is ignored.
func (s *ignoredSpans) add(key spanKey, parent trace.SpanContext) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.parents == nil {
		s.parents = make(map[spanKey]trace.SpanContext)
	}
	if above, ok := s.parents[keyOf(parent)]; ok {
		parent = above
	}
	s.parents[key] = parent
	s.oldest = append(s.oldest, key)
	for len(s.parents) > maxIgnored || len(s.oldest) > 2*maxIgnored {
		delete(s.parents, s.oldest[0])
		s.oldest = s.oldest[1:]
	}
	s.count.Store(int64(len(s.parents)))
}

// ended reports whether a span that ended was ignored. Without a filter it is forgotten: nobody asks for the parent of
// one that an exporter made.
func (s *ignoredSpans) ended(key spanKey) bool {
	if s.count.Load() == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := s.parents[key]; !ok {
		return false
	}
	if !s.filtering {
		delete(s.parents, key)
		s.count.Store(int64(len(s.parents)))
	}
	return true
}

// keptParent returns the parent on which a span hangs whose own parent the filter left out, nil for others.
func (s *ignoredSpans) keptParent(span sdktrace.ReadOnlySpan) *trace.SpanContext {
	if !s.filtering || s.count.Load() == 0 {
		return nil
	}
	parent := keyOf(span.Parent())
	s.mu.Lock()
	defer s.mu.Unlock()
	if kept, ok := s.parents[parent]; ok {
		return &kept
	}
	return nil
}
