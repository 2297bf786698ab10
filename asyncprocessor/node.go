package asyncprocessor

// node is a part of what waits in a shard. Many shards hold few entries each, and one may
// hold very many, so a shard is a list, of nodes from one store: it needs memory for what
// it holds, costs each entry the same however long it is, and what one gave up a moment ago
// another writes to, while it is in the cache. To go from node to node is a cache miss once
// much waits, so a node holds more than one entry.
type node struct {
	entries [nodeSize]entry
	next    *node
}

const (
	// nodeSize is the number of entries in a node: with the rest, 232 bytes.
	nodeSize = 7
	// blockSize is the number of nodes in an allocation: 3,944 bytes.
	blockSize = 17
	// maxFreeNodes bounds those that are kept when none is in use: 640 KiB.
	maxFreeNodes = 2816
)

// nodes is the store. Those in it hold no snapshots.
type nodes struct {
	first *node
	count int
}

// take returns an empty node.
func (f *nodes) take() *node {
	if f.first == nil {
		block := new([blockSize]node)
		for i := range block {
			f.put(&block[i])
		}
	}
	n := f.first
	f.first, n.next = n.next, nil
	f.count--
	return n
}

// put keeps n, which is in no shard.
func (f *nodes) put(n *node) {
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
