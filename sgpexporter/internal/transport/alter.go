package transport

import (
	"net/http"
	"slices"
)

// alteration is an item that is not sent as it was encoded: without its parent, after a
// 409, or without its payload, after a 413 or 422.
type alteration struct {
	json              []byte
	detached, reduced bool
}

// alterAll alters the culprits among the items, and returns the items without those that
// it can only reject.
func (s *sending) alterAll(items, culprits []int, refused *StatusError) []int {
	gone := make(map[int]bool)
	for _, i := range culprits {
		if !s.alter(i, refused) {
			gone[i] = true
			s.rejected(i, refused)
		}
	}
	return slices.DeleteFunc(slices.Clone(items), func(i int) bool { return gone[i] })
}

func (s *sending) canDetach(i int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.altered[i]
	return s.batch.items[i].hasParent() && (a == nil || !a.detached)
}

func (s *sending) isAltered(i int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.altered[i] != nil
}

// alter leaves out of an item what may be refused, and says whether there was anything.
func (s *sending) alter(i int, refused *StatusError) bool {
	detach := refused.Code == http.StatusConflict && s.canDetach(i)
	s.mu.Lock()
	defer s.mu.Unlock()
	a := alteration{}
	if s.altered[i] != nil {
		a = *s.altered[i]
	}
	switch refused.Code {
	case http.StatusConflict:
		if !detach {
			return false
		}
		s.client.parents.add(s.parentOf(i))
		a.json, a.detached = detached(s.json(i)), true
	case http.StatusRequestEntityTooLarge, http.StatusUnprocessableEntity:
		if a.reduced {
			return false
		}
		a.json, a.reduced = reduced(s.json(i), refused.Code), true
	default:
		return false
	}
	if a.json == nil {
		return false
	}
	s.replace(i, &a)
	return true
}

func (s *sending) replace(i int, a *alteration) {
	if s.altered == nil {
		s.altered = make(map[int]*alteration)
	}
	s.altered[i] = a
}

// detachKnown leaves out the parents that were refused before.
func (s *sending) detachKnown(n int) {
	if s.client.parents.empty() {
		return
	}
	for i := range n {
		if !s.batch.items[i].hasParent() || !s.client.parents.has(s.parentOf(i)) {
			continue
		}
		if without := detached(s.batch.run(i, i+1)); without != nil {
			s.replace(i, &alteration{json: without, detached: true})
		}
	}
}
