package sgpspan

import "strconv"

// usedKeys are the keys of one object, by their hashes, and for each how often a key
// has become it.
type usedKeys map[uint64]int

func (u usedKeys) add(key string) { u[hashOf(key)] = 1 }

// unique returns key, with a number if it is used already.
func (u usedKeys) unique(key string) string {
	n := u[hashOf(key)]
	if n == 0 {
		u.add(key)
		return key
	}
	for {
		n++
		u[hashOf(key)] = n
		numbered := key + "~" + strconv.Itoa(n)
		if u[hashOf(numbered)] == 0 {
			u.add(numbered)
			return numbered
		}
	}
}

// hashOf is FNV-1a: two keys with one hash are told apart by a number that neither
// needs.
func hashOf(s string) uint64 {
	h := uint64(14695981039346656037)
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * 1099511628211
	}
	return h
}
