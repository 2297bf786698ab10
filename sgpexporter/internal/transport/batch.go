package transport

import "slices"

const (
	bodyPrefix = `{"items":[`
	bodySuffix = `]}`
)

// Batch is a list of encoded items. Their JSON lies end to end in one buffer, a comma
// between them, so that any run of them is the middle of a request's body
// without being copied. The zero value is an empty Batch.
//
// It belongs to one goroutine.
type Batch struct {
	buf   []byte
	ends  []int // the end of each item in buf, the comma after it included
	items []Item
}

// Len returns the number of items.
func (b *Batch) Len() int { return len(b.ends) }

// Item returns the name of item i.
func (b *Batch) Item(i int) Item { return b.items[i] }

// JSON returns item i as it was encoded. It is valid until the Batch changes.
func (b *Batch) JSON(i int) []byte { return b.run(i, i+1) }

// Buffer returns the buffer for the next item to be appended to. Hand the result
// to Commit. What is appended and not committed is not part of the Batch.
func (b *Batch) Buffer() []byte { return b.buf }

// Grow makes room in the buffer for so many bytes in all.
func (b *Batch) Grow(size int) {
	if cap(b.buf) < size {
		b.buf = slices.Grow(b.buf, size-len(b.buf))
	}
}

// Commit makes what was appended to Buffer the next item.
func (b *Batch) Commit(buf []byte, item Item) {
	buf = append(buf, ',')
	b.buf = buf
	b.ends = append(b.ends, len(b.buf))
	b.items = append(b.items, item)
}

// BodySize returns the bytes of a request body that holds all items.
func (b *Batch) BodySize() int { return b.size(0, b.Len()) }

// Cap returns the bytes of memory that the Batch holds on to.
func (b *Batch) Cap() int { return cap(b.buf) }

// Reset empties the Batch and keeps its memory.
func (b *Batch) Reset() {
	clear(b.items)
	b.buf, b.ends, b.items = b.buf[:0], b.ends[:0], b.items[:0]
}

// Drop removes the first n items.
func (b *Batch) Drop(n int) {
	from := b.start(n)
	b.buf = b.buf[:copy(b.buf, b.buf[from:])]
	b.ends = b.ends[:copy(b.ends, b.ends[n:])]
	for i := range b.ends {
		b.ends[i] -= from
	}
	left := copy(b.items, b.items[n:])
	clear(b.items[left:])
	b.items = b.items[:left]
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

// run returns the items [lo, hi) as they stand between the brackets.
func (b *Batch) run(lo, hi int) []byte {
	return b.buf[b.start(lo) : b.ends[hi-1]-1]
}
