package mapping

// recent is a map that forgets. It holds at least the last limit keys that were put,
// and at most twice as many: when the young half is full, the old one is forgotten.
// Its owner's lock guards it.
type recent[K comparable, V any] struct {
	limit      int
	young, old map[K]V
	// forgotten counts the keys that are gone.
	forgotten uint64
}

func (r *recent[K, V]) get(key K) (V, bool) {
	if v, ok := r.young[key]; ok {
		return v, true
	}
	v, ok := r.old[key]
	return v, ok
}

func (r *recent[K, V]) put(key K, value V) {
	if len(r.young) >= r.limit {
		if _, ok := r.young[key]; !ok {
			r.forgotten += uint64(len(r.old))
			r.old, r.young = r.young, nil
		}
	}
	if r.young == nil {
		r.young = make(map[K]V)
	}
	r.young[key] = value
	delete(r.old, key)
}
