package asyncprocessor

import "time"

// chunkSize is the number of entries in a chunk: with the rest, 992 bytes.
const chunkSize = 30

// maxFreeChunks bounds a list of chunks kept for reuse: 256 KiB.
const maxFreeChunks = 256

// chunk is a piece of a log, which costs each entry the same however long it is.
type chunk struct {
	entries [chunkSize]entry
	next    *chunk
	at, end int // of entries, those that the dispatcher has not looked at yet
	// since is when they count as having begun to wait: when the dispatcher looked before
	// they came, or, what woke it and what came after that, when it looked then.
	since time.Duration
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

// log is a list of chunks.
type log struct {
	first, last *chunk
}

func (l *log) empty() bool { return l.first == nil }

// append puts another list behind it.
func (l *log) append(m log) {
	switch {
	case m.empty():
	case l.empty():
		*l = m
	default:
		l.last.next = m.first
		l.last = m.last
	}
}

// begin notes that the first of each chunk began to wait at since.
func (l *log) begin(since time.Duration) {
	for c := l.first; c != nil; c = c.next {
		c.at, c.since = 0, since
	}
}

// dropFirst takes the first chunk out.
func (l *log) dropFirst() *chunk {
	c := l.first
	l.first = c.next
	return c
}
