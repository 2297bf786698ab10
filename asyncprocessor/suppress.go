package asyncprocessor

import (
	"context"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/internal/sdkspan"
)

// exportMark is the key of the mark that the contexts of all exports carry.
//
// It is one for all Processors: two of them with instrumented exporters on one
// provider would otherwise feed each other for ever.
type exportMark struct{}

func markExport(ctx context.Context) context.Context {
	return context.WithValue(ctx, exportMark{}, true)
}

func isExport(ctx context.Context) bool {
	return ctx != nil && ctx.Value(exportMark{}) != nil
}

// maxIgnored bounds the spans that ignoredSpans remembers. An exporter whose
// instrumentation never ends its spans would fill it otherwise.
const maxIgnored = 4096

// ignoredSpans remembers the live spans that an exporter made, since OnEnd gets
// no context that would tell. There are a few of them while exports are
// under way, so all other spans pay one load for it.
type ignoredSpans struct {
	count atomic.Int64

	mu sync.Mutex // guards live, and writes to count
	// live holds what OnStart ignored and OnEnd has not seen yet.
	live map[ignoredSpan]struct{}
}

type ignoredSpan struct {
	trace trace.TraceID
	span  trace.SpanID
}

func (s *ignoredSpans) add(sc *sdkspan.SpanContext) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.live == nil {
		s.live = make(map[ignoredSpan]struct{})
	}
	if len(s.live) >= maxIgnored {
		for k := range s.live { // any one
			delete(s.live, k)
			break
		}
	}
	s.live[ignoredSpan{sc.TraceID, sc.SpanID}] = struct{}{}
	s.count.Store(int64(len(s.live)))
}

// remove reports whether the span was ignored at its start, and forgets it.
func (s *ignoredSpans) remove(sc *sdkspan.SpanContext) bool {
	if s.count.Load() == 0 {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	k := ignoredSpan{sc.TraceID, sc.SpanID}
	if _, ok := s.live[k]; !ok {
		return false
	}
	delete(s.live, k)
	s.count.Store(int64(len(s.live)))
	return true
}
