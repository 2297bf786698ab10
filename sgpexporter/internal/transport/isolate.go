package transport

import (
	"errors"
	"net/http"
	"slices"
	"sync"
)

// How the items at fault are found, when SGP refuses a request for something in it:
//
//   - Items that the answer names by their places, or one that it names by its id, are
//     altered, and the same request is sent again: at most 3 requests for each.
//   - After a 409, items whose parent is remote are suspects, since a caller of the
//     application chose it: all else is sent first. One suspect costs at most 3 requests.
//   - Else the first half is sent, and its answer tells which half has the fault, until
//     one item is left: log2(n) requests for one of n, and two more.
//   - With the second culprit, and each one after it, what is left goes on in two parts
//     with different traces, at the same time. Where the last batch had many that the
//     answers did not name, the next one is cut in as many parts at once.
//
// To alter an item is to leave its parent out, after a 409, or its payload, after a 413
// or 422. Only what is refused then too is rejected. It never is because others are.
//
// A request that fails for now while SGP takes others is halved likewise.

// goOn goes on after a request with the items ended with err, until each is stored,
// rejected or undelivered. culprits counts those that were found in what the items are
// left of.
func (s *sending) goOn(items []int, err error, culprits int) {
	for err != nil {
		again := s.alteredAll(items, err)
		items = s.sendable(s.resolve(items, err, culprits))
		if len(items) == 0 {
			return
		}
		if !again {
			culprits++
			if parts := s.byTrace(items, 2); culprits > 1 && len(parts) > 1 {
				s.parallel(parts, culprits)
				return
			}
		}
		err = s.put(items, false)
	}
	s.stored(items)
}

// alteredAll says that err, of a request with the items, names only some that have been
// altered: they were found before.
func (s *sending) alteredAll(items []int, err error) bool {
	refused := aboutItems(err)
	if refused == nil {
		return false
	}
	named := refused.named(items)
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(named) > 0 && !slices.ContainsFunc(named, func(i int) bool { return s.altered[i] == nil })
}

// deliver sends items that were not sent yet.
func (s *sending) deliver(items []int, culprits int) {
	if items = s.sendable(items); len(items) > 0 {
		s.goOn(items, s.put(items, false), culprits)
	}
}

// parallel delivers parts with different traces at the same time.
func (s *sending) parallel(parts [][]int, culprits int) {
	var all sync.WaitGroup
	for _, part := range parts {
		all.Go(func() { s.deliver(part, culprits) })
	}
	all.Wait()
}

// resolve does something about a request that failed, and returns those of its items
// that are still to be sent.
func (s *sending) resolve(items []int, err error, culprits int) []int {
	refused := aboutItems(err)
	if refused == nil && (len(items) == 1 || !errors.Is(err, errAlone)) {
		s.undelivered(items, err)
		return nil
	}
	if len(items) == 1 {
		s.single(items[0], err, true)
		return nil
	}
	s.client.cfg.Observer.Split(s.ctx)
	if refused == nil {
		return s.halve(items, err)
	}
	if refused.Code == http.StatusRequestEntityTooLarge {
		if parts := s.byTrace(items, 2); len(parts) > 1 {
			s.parallel(parts, culprits)
			return nil
		}
		s.deliver(items[:len(items)/2], culprits)
		return items[len(items)/2:]
	}
	named := refused.named(items)
	if len(named) == 0 && refused.Code == http.StatusConflict {
		named = s.mentioned(items, refused)
	}
	if len(named) > 0 {
		return s.alterAll(items, named, refused)
	}
	if refused.Code == http.StatusConflict {
		if suspects := s.suspects(items); len(suspects) > 0 {
			return s.trySuspects(items, suspects, err)
		}
	}
	if parts := s.byTrace(items, s.client.expected(len(items))); len(parts) > 1 {
		s.parallel(parts, culprits)
		return nil
	}
	return s.halve(items, err)
}

// maxParts bounds the parts in which a batch is cut at once.
const maxParts = 32

// expected returns in how many parts to cut items that were refused: as many as there
// were culprits among so many in the last batch that had some.
func (c *Client) expected(items int) int {
	return int(min(max(c.unnamed.Load()*int64(items)/1000, 1), maxParts))
}

// mentioned returns the item with a parent whose id is in the answer's text, if there is
// just one.
func (s *sending) mentioned(items []int, refused *StatusError) []int {
	var found []int
	for _, i := range items {
		if s.canDetach(i) && refused.mentions(s.batch.items[i].ID) {
			found = append(found, i)
		}
	}
	if len(found) != 1 {
		return nil
	}
	return found
}

// suspects returns the items that may be what a 409 is about.
func (s *sending) suspects(items []int) (suspects []int) {
	for _, i := range items {
		if s.batch.items[i].RemoteParent && s.canDetach(i) {
			suspects = append(suspects, i)
		}
	}
	return suspects
}

// fewSuspects is how many are sent each by itself.
const fewSuspects = 4

// trySuspects sends what need not wait for a suspect, and returns the others.
func (s *sending) trySuspects(items, suspects []int, err error) []int {
	var free, rest []int
	waits := make(map[string]bool)
	for _, i := range items {
		if slices.Contains(suspects, i) {
			waits[s.trace(i)] = true
		}
		if waits[s.trace(i)] {
			rest = append(rest, i)
		} else {
			free = append(free, i)
		}
	}
	if len(free) > 0 {
		if other := s.put(free, false); other != nil {
			s.goOn(free, other, 1)
			return rest // it may be free of faults
		}
		s.stored(free)
	}
	switch {
	case len(suspects) == 1:
		return s.alterAll(rest, suspects, aboutItems(err))
	case len(waits) > 1 && len(suspects) <= fewSuspects:
		var parts [][]int
		for trace := range waits {
			parts = append(parts, slices.DeleteFunc(slices.Clone(rest), func(i int) bool { return s.trace(i) != trace }))
		}
		s.parallel(parts, 1)
		return nil
	}
	return s.halve(rest, err)
}

// halve finds one of the items at fault, settles it, and returns those that are not
// settled. It relies on the fault being in one item, whatever others there are.
func (s *sending) halve(items []int, err error) (rest []int) {
	bad, certain := items, false
	once := aboutItems(err) == nil
	for len(bad) > 1 {
		first, second := bad[:len(bad)/2], bad[len(bad)/2:]
		answer := s.put(first, once)
		switch refused := aboutItems(answer); {
		case answer == nil:
			s.stored(first)
			bad, certain = second, false // the fault is there: it is in what was refused
		case refused != nil && len(first) > 1 && len(refused.named(first)) > 0:
			first = s.alterAll(first, refused.named(first), refused)
			return slices.Concat(first, second, rest)
		case refused != nil || once && Retryable(answer):
			rest = slices.Concat(second, rest)
			bad, certain, err = first, true, answer
		default:
			s.undelivered(slices.Concat(bad, rest), answer)
			return nil
		}
	}
	s.unnamed.Add(1)
	s.single(bad[0], err, certain)
	return rest
}

// single settles one item, after a request that ended with err, of it alone if that is
// certain.
func (s *sending) single(i int, err error, certain bool) {
	one := []int{i}
	for {
		refused := aboutItems(err)
		switch {
		case refused != nil && s.alter(i, refused):
		case refused != nil && certain:
			s.rejected(i, refused)
			return
		case certain:
			s.undelivered(one, err)
			return
		}
		if err = s.put(one, refused == nil); err == nil {
			s.stored(one)
			return
		}
		certain = true
	}
}

// byTrace returns the items in n parts with different traces, of about the same size, or in
// fewer when there are fewer traces.
func (s *sending) byTrace(items []int, n int) [][]int {
	part := make(map[string]int)
	parts := make([][]int, n)
	for _, i := range items {
		p, found := part[s.trace(i)]
		if !found {
			for q := range parts {
				if len(parts[q]) < len(parts[p]) {
					p = q
				}
			}
			part[s.trace(i)] = p
		}
		parts[p] = append(parts[p], i)
	}
	return slices.DeleteFunc(parts, func(part []int) bool { return len(part) == 0 })
}
