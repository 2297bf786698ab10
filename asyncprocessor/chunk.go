package asyncprocessor

// chunkSize is the number of entries in a chunk: with the link, 1,000 bytes.
const chunkSize = 31

// maxFreeChunks bounds a list of chunks kept for reuse: 256 KiB.
const maxFreeChunks = 256

// chunk is a piece of the queue's log, which costs each entry the same however long
// it is.
type chunk struct {
	entries [chunkSize]entry
	next    *chunk
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
