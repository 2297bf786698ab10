package asyncprocessor

// amount is a number of snapshots and the estimate of their memory.
type amount struct{ items, bytes uint64 }

func (a amount) plus(b amount) amount  { return amount{a.items + b.items, a.bytes + b.bytes} }
func (a amount) minus(b amount) amount { return amount{a.items - b.items, a.bytes - b.bytes} }

// upTo returns what of b is left to a, 0 if a is more.
func (a amount) upTo(b amount) amount {
	return amount{b.items - min(a.items, b.items), b.bytes - min(a.bytes, b.bytes)}
}

// reaches reports whether a is at least b in items or in bytes.
func (a amount) reaches(b amount) bool { return a.items >= b.items || a.bytes >= b.bytes }

// within reports whether a is at most b in items and in bytes.
func (a amount) within(b amount) bool { return a.items <= b.items && a.bytes <= b.bytes }

// never is an amount that is not reached, and one what any snapshot reaches that comes to nothing.
var (
	never = amount{maxItems, maxBytes}
	one   = amount{1, maxBytes}
)

// bounds is how much may be held, waiting and in flight together.
type bounds struct {
	most        amount
	half        amount
	keepFrom    amount // five eighths: from this amount on a Keeper is called beside all other calls
	startsBelow amount // three quarters: at this amount or above, STARTs are refused
	fastBelow   amount // up to here all is accepted
}

func newBounds(c config) bounds {
	b := bounds{most: amount{min(uint64(c.MaxQueueSize), maxItems/2), min(uint64(c.MaxQueueBytes), maxBytes/2)}}
	eighths := func(n uint64) amount { return amount{(b.most.items*n + 7) / 8, (b.most.bytes*n + 7) / 8} }
	b.half = amount{b.most.items / 2, b.most.bytes / 2}
	b.keepFrom, b.startsBelow = eighths(5), eighths(6)
	b.fastBelow = b.startsBelow
	if c.Blocking { // who waits for room is not refused
		b.fastBelow = b.most
	}
	return b
}
