package transport

const (
	bodyPrefix = `{"items":[`
	bodySuffix = `]}`
)

// Batch is a list of encoded items. They lie end to end in one buffer, a comma
// between them, so that any run of them is the middle of a request's body
// without being copied. The zero value is an empty Batch.
//
// It belongs to one goroutine.
type Batch struct {
	buf  []byte
	ends []int // the end of each item in buf, the comma after it included
}

// Len returns the number of items.
func (b *Batch) Len() int { return len(b.ends) }

// Buffer returns the buffer for the next item to be appended to. Hand the result
// to Commit. What is appended and not committed is not part of the Batch.
func (b *Batch) Buffer() []byte { return b.buf }

// Commit makes what was appended to Buffer the next item.
func (b *Batch) Commit(buf []byte) {
	buf = append(buf, ',')
	b.buf = buf
	b.ends = append(b.ends, len(b.buf))
}

// BodySize returns the bytes of a request body that holds all items.
func (b *Batch) BodySize() int { return b.size(0, b.Len()) }

// Cap returns the bytes of memory that the Batch holds on to.
func (b *Batch) Cap() int { return cap(b.buf) }

// Reset empties the Batch and keeps its memory.
func (b *Batch) Reset() { b.buf, b.ends = b.buf[:0], b.ends[:0] }

// Drop removes the first n items.
func (b *Batch) Drop(n int) {
	from := b.start(n)
	b.buf = b.buf[:copy(b.buf, b.buf[from:])]
	b.ends = b.ends[:copy(b.ends, b.ends[n:])]
	for i := range b.ends {
		b.ends[i] -= from
	}
}

func (b *Batch) start(i int) int {
	if i == 0 {
		return 0
	}
	return b.ends[i-1]
}

func (b *Batch) size(lo, hi int) int {
	if lo >= hi {
		return len(bodyPrefix) + len(bodySuffix)
	}
	return len(bodyPrefix) + (b.ends[hi-1] - 1 - b.start(lo)) + len(bodySuffix)
}

// Item returns item i. It is valid until the Batch changes.
func (b *Batch) Item(i int) []byte { return b.items(i, i+1) }

// items returns the items [lo, hi) as they stand between the brackets.
func (b *Batch) items(lo, hi int) []byte {
	return b.buf[b.start(lo) : b.ends[hi-1]-1]
}
