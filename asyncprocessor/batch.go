package asyncprocessor

import (
	"slices"
	"time"
)

// batch is what one call of the exporter carries.
type batch struct {
	snapshots []Snapshot
	shards    []uint16 // whose entries they are: each once, or, in a loose batch, once for each entry
	bytes     uint64
	since     time.Duration // when the oldest of them began to wait
	closed    bool          // one did not fit: it does not wait for more

	ends           uint64 // snapshots that are ENDs
	coalesced      uint64 // STARTs left out
	coalescedBytes uint64

	untold uint64 // how many the export lost that are to be reported
	err    error  // and why
}

// reset makes the batch ready to be filled again. It must not be called while
// the exporter may still read it.
func (b *batch) reset() {
	clear(b.snapshots)
	*b = batch{snapshots: b.snapshots[:0], shards: b.shards[:0]}
}

func (b *batch) empty() bool { return len(b.snapshots) == 0 }

// join notes that shard i has entries in the batch from now on, the oldest of which
// began to wait at since.
func (b *batch) join(i uint16, since time.Duration) {
	if len(b.shards) == 0 || since < b.since {
		b.since = since
	}
	b.shards = append(b.shards, i)
}

// batcher puts entries into batches.
type batcher struct {
	maxItems int
	maxBytes uint64
	coalesce bool
	tight    bool // the queue has room for few batches
	starts   startTable
}

func newBatcher(c config) *batcher {
	return &batcher{
		maxItems: c.maxBatchSize,
		maxBytes: uint64(c.maxBatchBytes),
		coalesce: c.startPolicy == StartCoalesced,
		tight:    c.maxBatchSize > c.maxQueueSize/16,
	}
}

// full reports whether b is to wait for no more. An END can still take its START's
// place.
func (bt *batcher) full(b *batch) bool {
	return b.closed || bt.room(b) <= 0 || b.bytes >= bt.maxBytes
}

// room returns how many entries b can take before it is full. STARTs that are left
// out do not count, so that batches go out full; but the queue holds them until then,
// so where it has no room to spare they do.
func (bt *batcher) room(b *batch) int {
	n := bt.maxItems - len(b.snapshots)
	if bt.tight {
		n -= int(b.coalesced)
	}
	return n
}

// add puts e into b, and reports false when b has no room for it: then b is closed.
// With coalescing, an END whose START is in b takes its place. An entry that is
// larger than a whole batch goes alone.
func (bt *batcher) add(b *batch, e *entry) bool {
	size := uint64(e.bytes)
	if bt.coalesce && e.phase == PhaseEnd {
		if start := bt.starts.find(b, e); start != nil {
			old := uint64(start.bytes)
			if b.bytes-old+size > bt.maxBytes && len(b.snapshots) > 1 {
				b.closed = true
				return false
			}
			release(b.snapshots[start.at].Span)
			b.snapshots[start.at] = Snapshot{Phase: PhaseEnd, Span: e.span}
			b.bytes += size - old
			b.ends++
			b.coalesced++
			b.coalescedBytes += old
			return true
		}
	}
	if len(b.snapshots) > 0 && (bt.room(b) <= 0 || b.bytes+size > bt.maxBytes) {
		b.closed = true
		return false
	}
	if bt.coalesce && e.phase == PhaseStart {
		bt.starts.put(len(b.snapshots), e)
	}
	b.snapshots = append(b.snapshots, Snapshot{Phase: e.phase, Span: e.span})
	b.bytes += size
	if e.phase == PhaseEnd {
		b.ends++
	}
	return true
}

// addAll puts entries into b, from the first on, until it is full or has no room for the
// next, and returns how many. It is add for all that join a batch whatever they are.
func (bt *batcher) addAll(b *batch, entries []entry) int {
	if bt.coalesce {
		for i := range entries {
			if bt.full(b) || !bt.add(b, &entries[i]) {
				return i
			}
		}
		return len(entries)
	}
	if bt.full(b) {
		return 0
	}
	// Most of what the dispatcher does on a busy machine is this loop.
	n := min(len(entries), bt.room(b))
	first := len(b.snapshots)
	snapshots := slices.Grow(b.snapshots, n)[:first+n]
	for i := range entries[:n] {
		e := &entries[i]
		if size := uint64(e.bytes); b.bytes+size <= bt.maxBytes || first+i == 0 {
			b.bytes += size
		} else {
			b.closed = true
			n = i
			break
		}
		if e.phase == PhaseEnd {
			b.ends++
		}
		snapshots[first+i] = Snapshot{Phase: e.phase, Span: e.span}
	}
	b.snapshots = snapshots[:first+n]
	return n
}

// startTable finds the STARTs of the batch that is being filled by the span's key:
// open addressing, at most half full, emptied by a new generation instead of a
// wipe.
type startTable struct {
	slots []startSlot // length a power of two
	used  int
	gen   uint32
}

type startSlot struct {
	key   uint64
	gen   uint32
	bytes uint32
	at    int32
	check uint8
}

// minStartSlots is the table's first size.
const minStartSlots = 1024

func (t *startTable) clear() {
	t.gen++
	t.used = 0
	if t.gen == 0 { // wrapped: old slots would look new
		clear(t.slots)
		t.gen = 1
	}
}

// put notes that the START e is at position at of the batch.
func (t *startTable) put(at int, e *entry) {
	if 2*(t.used+1) > len(t.slots) {
		t.grow()
	}
	t.insert(startSlot{key: e.key, gen: t.gen, bytes: e.bytes, at: int32(at), check: e.check})
}

func (t *startTable) insert(s startSlot) {
	i := t.slotOf(s.key)
	for t.slots[i].gen == t.gen {
		i = (i + 1) & (len(t.slots) - 1)
	}
	t.slots[i] = s
	t.used++
}

func (t *startTable) grow() {
	old := t.slots
	t.slots, t.used = make([]startSlot, max(minStartSlots, 2*len(old))), 0
	for _, s := range old {
		if s.gen == t.gen {
			t.insert(s)
		}
	}
}

// find returns the slot of the START in b of the span that e ends, or nil.
func (t *startTable) find(b *batch, e *entry) *startSlot {
	if t.used == 0 {
		return nil
	}
	for i := t.slotOf(e.key); t.slots[i].gen == t.gen; i = (i + 1) & (len(t.slots) - 1) {
		s := &t.slots[i]
		// One that an END has taken the place of is no START any more.
		if s.key == e.key && s.check == e.check && b.snapshots[s.at].Phase == PhaseStart {
			return s
		}
	}
	return nil
}

// slotOf spreads keys: in one trace they differ as the span ids do, which some
// generators make in sequence.
func (t *startTable) slotOf(key uint64) int {
	h := key * 0x9e3779b97f4a7c15
	return int(h>>32) & (len(t.slots) - 1)
}
