package transport

import (
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
//   - Else the request is sent again in two parts, with different traces where there are
//     several. In a part that is refused the first half is sent, and its answer tells which
//     half has the fault, until one item is left. That item costs one request, and what is
//     left of the part one: of 512 items 10 for each culprit. A part in which two
//     were found, and that is refused again, is cut in two once more. Where the last batch had
//     many that the answers did not name, the next one is cut in as many parts at once.
//
// Parts with different traces are on their way at the same time.
//
// To alter an item is to leave its parent out, after a 409, or its payload, after a 413
// or 422: see aside.go. Only what is refused then too is rejected. It never is because others
// are.
//
// A request that fails for now while SGP takes others is halved likewise.

// uncut says of items that they were sent as they came, in one request.
const uncut = -1

// goOn goes on after a request with the items ended with err, until each is stored, set
// aside, rejected or undelivered. found counts the culprits that were found in what the
// items are left of, since it was cut.
func (s *sending) goOn(items []int, err error, found int) {
	for err != nil {
		again := s.alteredAll(items, err)
		items = s.sendable(s.resolve(items, err, found))
		if len(items) == 0 {
			return
		}
		if !again {
			found++
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
	return len(named) > 0 && !slices.ContainsFunc(named, func(i int) bool { return !s.isAltered(i) })
}

// deliver sends items that were not sent yet.
func (s *sending) deliver(items []int, found int) {
	if items = s.sendable(items); len(items) > 0 {
		s.goOn(items, s.put(items, false), found)
	}
}

// parallel delivers parts with different traces at the same time.
func (s *sending) parallel(parts [][]int, found int) {
	var all sync.WaitGroup
	for _, part := range parts {
		all.Go(func() { s.deliver(part, found) })
	}
	all.Wait()
}

// resolve does something about a request that failed, and returns those of its items
// that are still to be sent.
func (s *sending) resolve(items []int, err error, found int) []int {
	refused := aboutItems(err)
	if refused == nil && len(items) == 1 {
		s.failedAlone(items[0], err)
		return nil
	}
	if refused == nil && !FailedAlone(err) {
		items, err = s.probe(items, err)
		if len(items) == 1 {
			s.single(items[0], err, false)
		}
		if len(items) <= 1 {
			return nil
		}
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
			s.parallel(parts, found)
			return nil
		}
		s.deliver(items[:len(items)/2], found)
		return items[len(items)/2:]
	}
	named := refused.named(items)
	if len(named) == 0 && refused.Code == http.StatusConflict {
		named = s.mentioned(items, refused)
	}
	if len(named) > 0 {
		return s.withoutNamed(items, named, refused, found)
	}
	if refused.Code == http.StatusConflict {
		if suspects := s.suspects(items); len(suspects) > 0 {
			return s.trySuspects(items, suspects, err)
		}
	}
	switch {
	case found == uncut:
		s.cut(items, err, 0)
		return nil
	case found >= 2:
		s.cut(items, err, 1)
		return nil
	}
	return s.halve(items, err)
}

// withoutNamed alters the items that an answer names, and returns what is still to be sent.
// From the second time on it goes on in two parts with different traces.
func (s *sending) withoutNamed(items, named []int, refused *StatusError, found int) []int {
	known := !slices.ContainsFunc(named, func(i int) bool { return !s.isAltered(i) })
	items = s.sendable(s.alterAll(items, named, refused))
	if found >= 0 && !known {
		if parts := s.byTrace(items, 2); len(parts) > 1 {
			s.parallel(parts, found+1)
			return nil
		}
	}
	return items
}

// cut goes on with items that were refused in parts: with different traces, or with one
// trace one after the other. The first is sent before the other of two: when SGP takes it,
// the fault is in the other. found is what they begin with.
func (s *sending) cut(items []int, err error, found int) {
	parts := s.byTrace(items, s.client.expected(len(items)))
	if len(parts) > 2 {
		s.parallel(parts, found)
		return
	}
	first, second := items[:len(items)/2], items[len(items)/2:]
	if len(parts) == 2 {
		first, second = parts[0], parts[1]
	}
	answer := s.put(first, false)
	switch {
	case answer == nil && len(second) == 1:
		s.stored(first)
		s.unnamed.Add(1)
		s.single(second[0], err, false)
	case answer == nil:
		s.stored(first)
		s.goOn(second, err, found)
	case aboutItems(answer) == nil && !FailedAlone(answer):
		s.undelivered(items, answer)
	case len(parts) == 2:
		var other sync.WaitGroup
		other.Go(func() { s.deliver(second, found) })
		s.goOn(first, answer, found)
		other.Wait()
	default:
		s.goOn(first, answer, found)
		s.deliver(second, found)
	}
}

// maxParts bounds the parts in which a batch is cut at once.
const maxParts = 32

// expected returns in how many parts to cut items that were refused: as many as there
// were culprits among so many in the last batch that had some, but two at least.
func (c *Client) expected(items int) int {
	return int(min(max(c.unnamed.Load()*int64(items)/1000, 2), maxParts))
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
			s.goOn(free, other, uncut)
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
		s.parallel(parts, uncut)
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

// single sets one item aside, or settles it, after a request that ended with err, of it
// alone if that is certain.
func (s *sending) single(i int, err error, certain bool) {
	if refused := aboutItems(err); refused != nil && s.alter(i, refused) {
		s.setAside(i)
		return
	}
	s.settle(i, err, certain)
}

// settle settles one item, after a request that ended with err, of it alone if that is
// certain.
func (s *sending) settle(i int, err error, certain bool) {
	one := []int{i}
	for {
		refused := aboutItems(err)
		switch {
		case refused != nil && s.alter(i, refused):
		case refused != nil && certain:
			s.rejected(i, refused)
			return
		case certain:
			s.failedAlone(i, err)
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
