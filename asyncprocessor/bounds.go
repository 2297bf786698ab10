package asyncprocessor

import "sync/atomic"

// amount is a number of snapshots and the estimate of their memory.
type amount struct{ items, bytes uint64 }

func (a amount) plus(b amount) amount  { return amount{a.items + b.items, a.bytes + b.bytes} }
func (a amount) minus(b amount) amount { return amount{a.items - b.items, a.bytes - b.bytes} }

// reaches reports whether a is at least b in items or in bytes.
func (a amount) reaches(b amount) bool { return a.items >= b.items || a.bytes >= b.bytes }

// within reports whether a is at most b in items and in bytes.
func (a amount) within(b amount) bool { return a.items <= b.items && a.bytes <= b.bytes }

// An amount is packed into one word: a bit that closes the fast path, then 27 bits of
// items, then 36 bits of bytes.
const (
	bytesBits = 36
	maxBytes  = 1<<bytesBits - 1
	maxItems  = 1<<(63-bytesBits) - 1
	closedBit = 1 << 63
)

// never is a mark that is not reached.
var never = amount{maxItems, maxBytes}

func (a amount) packed() uint64 { return a.items<<bytesBits | a.bytes }

func unpacked(word uint64) amount { return amount{word &^ closedBit >> bytesBits, word & maxBytes} }

// bounds is what the queue holds, waiting and in flight together, and how much of it
// is accepted without asking the queue.
//
// The word only grows under the lock of a stripe or of the queue, and only shrinks under
// that of the queue.
type bounds struct {
	word   atomic.Uint64
	wakeAt atomic.Uint64 // the amount that wakes the dispatcher

	most        amount
	half        amount
	keepFrom    amount // five eighths: from this amount on a Keeper is called beside all other calls
	startsBelow amount // three quarters: at this amount or above, STARTs are refused
	fastBelow   amount // up to here the fast path accepts
}

func (b *bounds) init(cfg config) {
	b.most = amount{min(uint64(cfg.maxQueueSize), maxItems), min(uint64(cfg.maxQueueBytes), maxBytes)}
	b.half = amount{b.most.items / 2, b.most.bytes / 2}
	b.keepFrom = amount{(b.most.items*5 + 7) / 8, (b.most.bytes*5 + 7) / 8}
	b.startsBelow = amount{(b.most.items*3 + 3) / 4, (b.most.bytes*3 + 3) / 4}
	b.fastBelow = b.startsBelow
	if cfg.blocking { // who waits for room is not refused
		b.fastBelow = b.most
	}
}

func (b *bounds) held() amount { return unpacked(b.word.Load()) }

// tryAdd adds one snapshot if that stays within the limit and the fast path is open, and
// reports whether the dispatcher is to be woken for it.
func (b *bounds) tryAdd(bytes uint32) (added, wake bool) {
	for {
		word := b.word.Load()
		held := unpacked(word).plus(amount{1, uint64(bytes)})
		if word&closedBit != 0 || !held.within(b.fastBelow) {
			return false, false
		}
		if b.word.CompareAndSwap(word, held.packed()) {
			return true, b.wakes(held)
		}
	}
}

// addWithin adds a if that stays within all that may be held, even if the fast path is closed.
func (b *bounds) addWithin(a amount) bool {
	for {
		word := b.word.Load()
		if !unpacked(word).plus(a).within(b.most) {
			return false
		}
		if b.word.CompareAndSwap(word, word+a.packed()) {
			return true
		}
	}
}

// add adds a whether there is room or not.
func (b *bounds) add(a amount) { b.word.Add(a.packed()) }

// release takes a away, from the mark too: as much more is still to come until the dispatcher
// is woken.
func (b *bounds) release(a amount) {
	if mark := b.wakeAt.Load(); mark != never.packed() {
		lower := unpacked(mark)
		lower.items -= min(lower.items, a.items)
		if lower.bytes != maxBytes { // else no amount of bytes wakes it
			lower.bytes -= min(lower.bytes, a.bytes)
		}
		// If this fails, it has been woken.
		b.wakeAt.CompareAndSwap(mark, lower.packed())
	}
	b.word.Add(-a.packed())
}

// close and open close and open the fast path.
func (b *bounds) close() { b.word.Or(closedBit) }
func (b *bounds) open()  { b.word.And(^uint64(closedBit)) }

// wakes reports whether so much is held that the dispatcher is to be woken. It says so once.
func (b *bounds) wakes(held amount) bool {
	mark := b.wakeAt.Load()
	return mark != never.packed() && held.reaches(unpacked(mark)) && b.wakeAt.CompareAndSwap(mark, never.packed())
}

// await sets the amount that wakes the dispatcher, and returns false if so much is held
// already. Whoever adds afterwards sees the mark; what was added before is seen here.
func (b *bounds) await(mark amount) bool {
	b.wakeAt.Store(amount{min(mark.items, maxItems), min(mark.bytes, maxBytes)}.packed())
	return !b.wakes(b.held())
}
