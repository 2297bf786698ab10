package transport

import (
	"slices"
	"sync"
)

// An item that is found by search, and altered, does not hold up the others: it is set
// aside, with what may not be sent before it, and all that was set aside is sent together
// when the others are through. These are the later phases of its span, and the spans below
// it. If that request is refused too, each altered item is sent by itself.

// spanOf is a span, as the items of its trace name it.
type spanOf struct{ trace, id string }

func (s *sending) span(i int) spanOf {
	return spanOf{s.batch.items[i].TraceID, s.batch.items[i].ID}
}

// parentOf returns the parent of item i; without one its id is "".
func (s *sending) parentOf(i int) spanOf {
	item := &s.batch.items[i]
	if !item.hasParent() {
		return spanOf{item.TraceID, ""}
	}
	return spanOf{item.TraceID, item.parent(s.batch.run(i, i+1))}
}

// setAside leaves an altered item to deliverAside.
func (s *sending) setAside(i int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.putAside(i)
}

// putAside is setAside with s.mu held.
func (s *sending) putAside(i int) {
	if s.asideSpans == nil {
		s.asideSpans = make(map[spanOf]bool)
	}
	s.asideSpans[s.span(i)] = true
	s.aside = append(s.aside, i)
}

// waitsAside says whether item i may not be sent before one that was set aside. s.mu must
// be held.
func (s *sending) waitsAside(i int) bool {
	return len(s.asideSpans) > 0 && (s.asideSpans[s.span(i)] || s.asideSpans[s.parentOf(i)])
}

// deliverAside delivers what was set aside.
func (s *sending) deliverAside() {
	for len(s.aside) > 0 {
		items := s.aside
		s.aside, s.asideSpans = nil, nil
		slices.Sort(items)
		s.sendAside(s.sendable(items))
	}
}

func (s *sending) sendAside(items []int) {
	if len(items) == 0 {
		return
	}
	if len(items) > 1 && !s.client.apart.Load() {
		err := s.put(items, false)
		switch {
		case err == nil:
			s.stored(items)
			return
		case aboutItems(err) == nil && !FailedAlone(err):
			s.undelivered(items, err)
			return
		}
		s.client.apart.Store(true)
	}
	heads, others := s.heads(items)
	var all sync.WaitGroup
	for _, head := range heads {
		all.Go(func() { s.sendApart(head) })
	}
	all.Wait()
	s.deliver(others, 0)
}

// heads returns the altered items that each trace begins with, and all others.
func (s *sending) heads(items []int) (heads map[string][]int, others []int) {
	heads = make(map[string][]int)
	begun := make(map[string]bool) // traces with an item among the others
	for _, i := range items {
		trace := s.trace(i)
		if begun[trace] || !s.isAltered(i) {
			begun[trace] = true
			others = append(others, i)
		} else {
			heads[trace] = append(heads[trace], i)
		}
	}
	return heads, others
}

// sendApart sends altered items of one trace, each by itself.
func (s *sending) sendApart(items []int) {
	for _, i := range items {
		one := s.sendable([]int{i})
		if len(one) == 0 {
			continue
		}
		err := s.put(one, false)
		if err == nil {
			s.client.apart.Store(false)
			s.stored(one)
			continue
		}
		s.settle(i, err, true)
	}
}
