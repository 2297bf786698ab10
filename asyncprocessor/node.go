package asyncprocessor

// node is an entry that waits in a shard. Many shards hold few entries each, and one
// may hold very many, so a shard is a list, of nodes from one store: it needs memory
// for what it holds, costs each entry the same however long it is, and what one gave
// up a moment ago another writes to, while it is in the cache.
type node struct {
	entry
	next *node
}

// blockSize is the number of nodes in an allocation: 4,080 bytes.
const blockSize = 102

// maxFreeNodes bounds those that are kept when none is in use: 640 KiB.
const maxFreeNodes = 16384

// nodes is the store. Those in it hold no snapshots.
type nodes struct {
	first *node
	count int
}

// take returns a node with a copy of e.
func (f *nodes) take(e *entry) *node {
	if f.first == nil {
		block := new([blockSize]node)
		for i := range block {
			f.put(&block[i])
		}
	}
	n := f.first
	f.first = n.next
	f.count--
	n.entry, n.next = *e, nil
	return n
}

// put keeps n, which is in no shard.
func (f *nodes) put(n *node) {
	n.span = nil // let the collector have it
	n.next, f.first = f.first, n
	f.count++
}

// trim gives up all of them if they are many. It is called when no node is in use: one
// that were, or were kept, would keep its whole block.
func (f *nodes) trim() {
	if f.count > maxFreeNodes {
		*f = nodes{}
	}
}
