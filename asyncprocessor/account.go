package asyncprocessor

// What is held is packed into one word, since all cores write to it: a bit that closes the logs, then 27 bits of items,
// then 36 bits of bytes.
const (
	bytesBits = 36
	maxBytes  = 1<<bytesBits - 1
	maxItems  = 1<<(63-bytesBits) - 1
	closedBit = 1 << 63
)

func (a amount) packed() uint64 { return min(a.items, maxItems)<<bytesBits | min(a.bytes, maxBytes) }

func unpacked(word uint64) amount { return amount{word &^ closedBit >> bytesBits, word & maxBytes} }

func (in *intake) amount() amount { return unpacked(in.word.Load()) }

// grow adds a to what is held, if no more than most is held then and the logs are open.
func (in *intake) grow(a, most amount, evenIfClosed bool) (held amount, grown bool) {
	for {
		word := in.word.Load()
		held = unpacked(word).plus(a)
		if word&closedBit != 0 && !evenIfClosed || !held.within(most) {
			return held, false
		}
		if in.word.CompareAndSwap(word, word+a.packed()) {
			return held, true
		}
	}
}

// add adds a to what is held, if no more than most is held then, also while the logs are closed.
func (in *intake) add(a, most amount) bool {
	_, grown := in.grow(a, most, true)
	return grown
}

// close refuses all that nobody asks the queue for, and open accepts it again.
func (in *intake) close() { in.word.Or(closedBit) }
func (in *intake) open()  { in.word.And(^uint64(closedBit)) }

// release takes a away, from the mark too: as much more is still to come until the dispatcher
// is woken. It is called with the queue's lock held, as await is.
func (in *intake) release(a amount) {
	if mark := in.mark.Load(); mark != never.packed() {
		lower := a.upTo(unpacked(mark))
		if unpacked(mark).bytes == maxBytes { // no amount of bytes wakes it
			lower.bytes = maxBytes
		}
		in.mark.CompareAndSwap(mark, lower.packed()) // if this fails, it has been woken
	}
	in.word.Add(-a.packed())
}

// wakes reports whether so much is held that the dispatcher is to be woken. It says so once.
func (in *intake) wakes(held amount) bool {
	mark := in.mark.Load()
	return mark != never.packed() && held.reaches(unpacked(mark)) && in.mark.CompareAndSwap(mark, never.packed())
}

// await sets how much more than what is sorted wakes the dispatcher, and returns false if so much is held
// already. Whoever adds afterwards sees the mark; what was added before is seen here.
func (in *intake) await(more amount) bool {
	held := in.amount() // before the logs: what comes meanwhile counts as more
	var logged amount
	for i := range in.stripes {
		s := &in.stripes[i]
		s.mu.Lock()
		logged = logged.plus(s.logged)
		s.mu.Unlock()
	}
	in.mark.Store(logged.upTo(held).plus(more).packed())
	return !in.wakes(in.amount())
}
