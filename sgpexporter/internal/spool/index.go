package spool

import (
	"hash/maphash"
	"sync"
)

// index tells, from any goroutine, which traces have items that are to be delivered and which spans run: it
// answers while the disk hangs. It holds hashes. Two traces of one hash wait for each other, which costs time
// and never the order.
type index struct {
	seed maphash.Seed

	mu      sync.Mutex // guards what follows
	waiting map[uint64]int
	running map[uint64]int
}

func newIndex() *index {
	return &index{seed: maphash.MakeSeed(), waiting: make(map[uint64]int), running: make(map[uint64]int)}
}

func (x *index) trace(id string) uint64 { return maphash.String(x.seed, id) }

func (x *index) span(key span) uint64 { return maphash.Comparable(x.seed, key) }

// addWaiting changes the number of items of a trace that are to be delivered.
func (x *index) addWaiting(trace uint64, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	add(x.waiting, trace, n)
}

// addRunning changes the number of spans of a hash that run.
func (x *index) addRunning(span uint64, n int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	add(x.running, span, n)
}

// waits returns how many items of a trace are to be delivered.
func (x *index) waits(trace uint64) int {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.waiting[trace]
}

func (x *index) runs(span uint64) bool {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.running[span] > 0
}

func add(counts map[uint64]int, key uint64, n int) {
	if counts[key] += n; counts[key] <= 0 {
		delete(counts, key)
	}
}
