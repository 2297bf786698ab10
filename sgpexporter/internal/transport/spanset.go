package transport

import "sync"

// maxSpanSet bounds a spanSet: a few hundred KB.
const maxSpanSet = 4096

// spanSet is spans that are remembered: parents that the server refused with a 409, so that
// what else names them costs no request more, and spans of which a write failed alone. A
// caller of the application chooses remote parents, so it is bounded: the oldest are
// forgotten.
type spanSet struct {
	mu    sync.Mutex // guards what follows
	known map[spanOf]struct{}
	ring  []spanOf // in the order in which they came
	next  int      // the oldest, once the ring is full
}

func (r *spanSet) add(s spanOf) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, found := r.known[s]; found {
		return
	}
	if r.known == nil {
		r.known = make(map[spanOf]struct{})
	}
	if len(r.ring) < maxSpanSet {
		r.ring = append(r.ring, s)
	} else {
		delete(r.known, r.ring[r.next])
		r.ring[r.next] = s
		r.next = (r.next + 1) % maxSpanSet
	}
	r.known[s] = struct{}{}
}

func (r *spanSet) has(s spanOf) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, found := r.known[s]
	return found
}

func (r *spanSet) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.known) == 0
}
