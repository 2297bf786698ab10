package transport

import "errors"

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
