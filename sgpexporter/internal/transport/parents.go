package transport

import "sync"

// maxRefusedParents bounds refusedParents: a few hundred KB.
const maxRefusedParents = 4096

// refusedParents remembers parents that the server refused with a 409, so that what else
// names them costs no request more. A caller of the application chooses remote parents,
// so it is bounded: the oldest are forgotten.
type refusedParents struct {
	mu    sync.Mutex // guards what follows
	known map[parentOf]struct{}
	ring  []parentOf // in the order in which they came
	next  int        // the oldest, once the ring is full
}

// parentOf is a parent, as the spans of a trace name it.
type parentOf struct{ trace, parent string }

func (r *refusedParents) add(p parentOf) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if _, found := r.known[p]; found {
		return
	}
	if r.known == nil {
		r.known = make(map[parentOf]struct{})
	}
	if len(r.ring) < maxRefusedParents {
		r.ring = append(r.ring, p)
	} else {
		delete(r.known, r.ring[r.next])
		r.ring[r.next] = p
		r.next = (r.next + 1) % maxRefusedParents
	}
	r.known[p] = struct{}{}
}

func (r *refusedParents) has(p parentOf) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	_, found := r.known[p]
	return found
}

func (r *refusedParents) empty() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.known) == 0
}
