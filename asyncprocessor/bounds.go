package asyncprocessor

import "sync/atomic"

// amount is a number of snapshots and the estimate of their memory.
type amount struct{ items, bytes uint64 }

func (a amount) plus(b amount) amount  { return amount{a.items + b.items, a.bytes + b.bytes} }
func (a amount) minus(b amount) amount { return amount{a.items - b.items, a.bytes - b.bytes} }

// less returns a without b, and nothing where b is more.
func (a amount) less(b amount) amount {
	return amount{a.items - min(a.items, b.items), a.bytes - min(a.bytes, b.bytes)}
}

// reaches reports whether a is at least b in items or in bytes.
func (a amount) reaches(b amount) bool { return a.items >= b.items || a.bytes >= b.bytes }

// within reports whether a is at most b in items and in bytes.
func (a amount) within(b amount) bool { return a.items <= b.items && a.bytes <= b.bytes }

// share returns the least amount that is at least part/of of a.
func (a amount) share(part, of uint64) amount {
	return amount{(a.items*part + of - 1) / of, (a.bytes*part + of - 1) / of}
}

// An amount is packed into one word: a bit that closes the fast path, then 27 bits of
// items, then 36 bits of bytes.
const (
	bytesBits = 36
	maxBytes  = 1<<bytesBits - 1
	maxItems  = 1<<(63-bytesBits) - 1
	closedBit = 1 << 63
)

var never = amount{maxItems, maxBytes}

func (a amount) packed() uint64 { return a.items<<bytesBits | a.bytes }

func unpacked(word uint64) amount {
	return amount{word &^ closedBit >> bytesBits, word & maxBytes}
}

// bounds is what the queue holds, waiting and in flight together, and how much of it
// is accepted without asking the queue.
//
// The word only grows under the lock of a stripe or of the queue, and only shrinks under
// that of the queue.
type bounds struct {
	held   atomic.Uint64
	wakeAt atomic.Uint64 // the amount that wakes the dispatcher
	limit  amount        // up to here the fast path accepts
}

func (b *bounds) amount() amount { return unpacked(b.held.Load()) }

// tryAdd adds one snapshot if that stays within the limit and the fast path is open, and
// reports whether the dispatcher is to be woken for it.
func (b *bounds) tryAdd(bytes uint32) (added, wake bool) {
	for {
		word := b.held.Load()
		held := unpacked(word).plus(amount{1, uint64(bytes)})
		if word&closedBit != 0 || !held.within(b.limit) {
			return false, false
		}
		if b.held.CompareAndSwap(word, held.packed()) {
			return true, b.wakes(held)
		}
	}
}

// add adds a whether there is room or not.
func (b *bounds) add(a amount) { b.held.Add(a.packed()) }

// release takes a away, from the mark too: as much more is still to come until the dispatcher
// is woken.
func (b *bounds) release(a amount) {
	if mark := b.wakeAt.Load(); mark != never.packed() {
		lower := unpacked(mark).less(a)
		if unpacked(mark).bytes == maxBytes { // no amount of bytes wakes it
			lower.bytes = maxBytes
		}
		// If this fails, it has been woken.
		b.wakeAt.CompareAndSwap(mark, lower.packed())
	}
	b.held.Add(-a.packed())
}

// close and open close and open the fast path.
func (b *bounds) close() { b.held.Or(closedBit) }
func (b *bounds) open()  { b.held.And(^uint64(closedBit)) }

// wakes reports whether so much is held that the dispatcher is to be woken. It says so once.
func (b *bounds) wakes(held amount) bool {
	mark := b.wakeAt.Load()
	return mark != never.packed() && held.reaches(unpacked(mark)) && b.wakeAt.CompareAndSwap(mark, never.packed())
}

// await sets the amount that wakes the dispatcher, and returns false if so much is held
// already. Whoever adds afterwards sees the mark; what was added before is seen here.
func (b *bounds) await(mark amount) bool {
	mark = amount{min(mark.items, maxItems), min(mark.bytes, maxBytes)}
	b.wakeAt.Store(mark.packed())
	return !b.wakes(b.amount())
}
