package transport

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
)

// A span of which a write always fails, with a 500 say, while SGP takes others, is tried
// again as long as the process lives. It holds up what follows in its trace. When the
// process is about to end, that would be lost with it: then it is given up after one more
// try, and the rest of its trace goes on.

// failedAlone notes that item i failed for now, in a request of it alone.
func (s *sending) failedAlone(i int, err error) {
	var later *laterError
	var answer *StatusError // an outage's end may be near
	if !errors.As(err, &later) || !FailedAlone(err) || !errors.As(err, &answer) || !s.client.cfg.LosesAlone {
		s.undelivered([]int{i}, err)
		return
	}
	s.client.lost.add(s.span(i))
	if !isClosed(closing(s.ctx)) {
		s.undelivered([]int{i}, err)
		return
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.failed = append(s.failed, Failed{Items: []int{i}, Err: later.err})
}

// isLost says whether one try more is all that is due to item i.
func (s *sending) isLost(i int) bool {
	return isClosed(closing(s.ctx)) && !s.client.lost.empty() && s.client.lost.has(s.span(i))
}

// probes is how many items are sent, each by itself, to find out whether SGP takes any.
const probes = 2

// probe finds out whether a request of several items, which failed for now, did so for one
// of them, where no other request was there to tell: SGP answered it with 500 again and
// again, and takes one of the items alone. It returns the items that are left then, and an
// error of a request that failed alone; otherwise all are undelivered.
func (s *sending) probe(items []int, err error) ([]int, error) {
	if !isInternal(err) || !Retryable(err) || s.ctx.Err() != nil {
		s.undelivered(items, err)
		return nil, err
	}
	firsts := s.firsts(items)
	for range min(probes, len(firsts)) {
		n := rand.IntN(len(firsts))
		one := []int{firsts[n]}
		firsts = slices.Delete(firsts, n, n+1)
		if s.put(one, true) == nil {
			s.stored(one)
			items = slices.DeleteFunc(slices.Clone(items), func(i int) bool { return i == one[0] })
			return items, &laterError{fmt.Errorf("%w: %w", errAlone, err)}
		}
	}
	s.undelivered(items, err)
	return nil, err
}

// firsts returns the first item of each trace.
func (s *sending) firsts(items []int) (firsts []int) {
	seen := make(map[string]bool)
	for _, i := range items {
		if trace := s.trace(i); !seen[trace] {
			seen[trace] = true
			firsts = append(firsts, i)
		}
	}
	return firsts
}
