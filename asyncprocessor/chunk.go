package asyncprocessor

import "time"

// chunkSize is the number of entries in a chunk: with the rest, 1,008 bytes.
const chunkSize = 30

// maxFreeChunks bounds a list of chunks kept for reuse: 256 KiB.
const maxFreeChunks = 256

// chunk is a piece of the queue's log, which costs each entry the same however long
// it is.
type chunk struct {
	entries [chunkSize]entry
	next    *chunk

	// What follows is the dispatcher's, once it has taken the chunk.

	at, end int // of entries, those that were not looked at yet
	// since is when the first of them began to wait, at the earliest; those from late on
	// arrived at lateSince.
	late             int
	since, lateSince time.Duration
}

// freeChunks are chunks to use again. They hold no snapshots.
type freeChunks struct {
	first *chunk
	count int
}

// take returns an empty chunk.
func (f *freeChunks) take() *chunk {
	c := f.first
	if c == nil {
		return new(chunk)
	}
	f.first, c.next = c.next, nil
	f.count--
	return c
}

// put keeps c, unless there are plenty already.
func (f *freeChunks) put(c *chunk) {
	if f.count == maxFreeChunks {
		c.next = nil
		return
	}
	c.next, f.first = f.first, c
	f.count++
}

// log is the chunks that the dispatcher has taken and not looked through.
type log struct {
	first, last *chunk
}

// append puts a list of chunks behind the others.
func (l *log) append(first, last *chunk) {
	if l.first == nil {
		l.first = first
	} else {
		l.last.next = first
	}
	l.last = last
}

// dropFirst takes the first chunk out.
func (l *log) dropFirst() *chunk {
	c := l.first
	l.first = c.next
	return c
}
