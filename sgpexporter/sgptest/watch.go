package sgptest

import (
	"context"
	"fmt"
	"iter"
)

// notify wakes all who wait for a change. s.mu must be held.
func (s *Server) notify() {
	close(s.news)
	s.news = make(chan struct{})
}

// nextNews returns what is closed at the next change. Take it before looking at
// the state, so that no change falls in between.
func (s *Server) nextNews() <-chan struct{} {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.news
}

// WaitFor returns nil as soon as condition holds for the stored spans, in
// first-stored order. It asks at once and after every request, on the caller's
// goroutine; states in between may be missed. It returns an error that wraps
// ctx's cause when ctx is done first, and [ErrClosed] when the server is closed.
func (s *Server) WaitFor(ctx context.Context, condition func(spans []Span) bool) error {
	return s.wait(ctx, func() bool { return condition(s.Spans()) })
}

// WaitForRequests is WaitFor with a condition for the recorded requests.
func (s *Server) WaitForRequests(ctx context.Context, condition func(requests []Request) bool) error {
	return s.wait(ctx, func() bool { return condition(s.Requests()) })
}

func (s *Server) wait(ctx context.Context, holds func() bool) error {
	for {
		news := s.nextNews()
		if holds() {
			return nil
		}
		select {
		case <-news:
			continue
		case <-ctx.Done():
		case <-s.ctx.Done():
			if !holds() {
				return ErrClosed
			}
			return nil
		}
		stats := s.Stats()
		return fmt.Errorf("sgptest: condition not met (%d spans, %d requests, %d of them rejected): %w",
			stats.Spans, stats.Requests, stats.Rejected, context.Cause(ctx))
	}
}

// Changes yields the spans stored by now, if any, and then again and again those
// whose stored state has changed since, each once in its latest state, in the
// order in which they changed. It ends with ctx or the server. A slow loop body
// holds up nobody: it gets fewer, larger slices, in which states in between are
// skipped. What is evicted or reset before it is yielded is not seen.
func (s *Server) Changes(ctx context.Context) iter.Seq[[]Span] {
	return func(yield func([]Span) bool) {
		var cursor uint64
		closed := false
		for ctx.Err() == nil {
			s.mu.Lock()
			news := s.news
			spans, next := s.store.changedSince(cursor)
			s.mu.Unlock()
			cursor = next
			if len(spans) > 0 {
				if !yield(spans) {
					return
				}
				continue
			}
			if closed {
				return
			}
			select {
			case <-news:
			case <-ctx.Done():
			case <-s.ctx.Done():
				closed = true // what was stored last is still due
			}
		}
	}
}

// OnStored calls fn with what [Server.Changes] yields, one call at a time, on a
// goroutine of its own that ends with the server or with stop. Requests never
// wait for fn. stop does not wait for a call that is under way, so fn may call
// it; Close does wait.
func (s *Server) OnStored(fn func(spans []Span)) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	if !s.begin() {
		cancel()
		return cancel
	}
	go func() {
		defer s.active.Done()
		defer cancel()
		for spans := range s.Changes(ctx) {
			if ctx.Err() != nil {
				return
			}
			fn(spans)
		}
	}()
	return cancel
}
