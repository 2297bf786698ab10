package spool

import (
	"errors"
	"fmt"
	"hash/maphash"
	"io/fs"
	"time"
)

// Reasons why an item was dropped.
const (
	DropFull    = "spool_full" // the bound of bytes was reached
	DropExpired = "spool_expired"
	DropDamaged = "spool_damaged" // its record can no longer be read
	DropLost    = "spool_lost"    // the directory was removed
)

var (
	// ErrFull: there is no room, and nothing that may be dropped for it.
	ErrFull = errors.New("the spool is full")
	// ErrRemoved: the directory or its files were removed.
	ErrRemoved = errors.New("the spool's files were removed")
)

// Limits bound a Log.
type Limits struct {
	// MaxBytes bounds all files.
	MaxBytes int64
	// MaxAge bounds how long an item waits.
	MaxAge time.Duration
}

// segmentBytes is the size from which a segment is closed.
func (l Limits) segmentBytes() int64 { return min(max(l.MaxBytes/16, 4<<10), 4<<20) }

// span names a span.
type span struct{ trace, id string }

// Log is what is on disk, in order. It is for one goroutine.
type Log struct {
	dir      Dir
	limits   Limits
	segments []*segment // oldest first
	current  File       // the last segment's; nil when the next Append makes a new one
	nextID   uint32
	seed     maphash.Seed
	traces   map[uint64]int // pending and claimed items, by trace
	claims   map[uint64]int // claimed items, by trace
	running  map[span]Seq   // the last record of each span that has not ended
	spanOf   map[Seq]span   // of those
	orphans  []span         // of running: those of a process that is over
	foreign  []string
	unsynced bool
	created  bool // a file, since the last Sync
	changed  bool // there may be something to claim
	stats    Stats
	scratch  []byte
}

// Stats is what a Log holds and has done since it was opened.
type Stats struct {
	Open      bool
	Items     int64 // to be delivered
	Bytes     int64 // of all files
	Running   int64 // spans that were written and have not ended
	Oldest    time.Time
	Stored    uint64 // items that were taken to be delivered
	Recovered uint64 // items to be delivered that were found
	Delivered uint64
	Dropped   map[string]uint64 // by reason
	Damaged   uint64            // stretches of files without a whole record
	Foreign   int               // files that are not of this format; they are left alone
}

func (l *Log) hash(trace string) uint64 { return maphash.String(l.seed, trace) }

// Waits reports whether items of a trace are to be delivered.
func (l *Log) Waits(trace string) bool { return len(l.traces) > 0 && l.traces[l.hash(trace)] > 0 }

// Runs reports whether the last record of a span says that it runs.
func (l *Log) Runs(trace, id string) bool {
	_, ok := l.running[span{trace, id}]
	return ok
}

// Append adds items that are to be delivered, behind all others of their traces. It is
// all of them or none.
func (l *Log) Append(items []Item) ([]Seq, error) { return l.append(items, false) }

// AppendWritten adds the state of spans that run and were written, or are about to be.
func (l *Log) AppendWritten(items []Item) error {
	_, err := l.append(items, true)
	return err
}

func (l *Log) append(items []Item, isWritten bool) ([]Seq, error) {
	if len(items) == 0 {
		return nil, nil
	}
	size := 0
	for i := range items {
		size += itemSize(&items[i]) + recordHeader + 10 // with a mark
	}
	if err := l.reserve(int64(size)); err != nil {
		return nil, err
	}
	s := l.last()
	b, seqs, marks := l.scratch[:0], make([]Seq, len(items)), []mark(nil)
	for i := range items {
		seqs[i] = seqOf(s.id, s.count+uint32(i))
		if old, ok := l.running[span{items[i].TraceID, items[i].ID}]; ok {
			if e := l.find(old); e != nil && e.state == written {
				marks = append(marks, mark{old, markGone})
			}
		}
		b = appendItem(b, seqs[i].number(), &items[i], isWritten)
	}
	if len(marks) > 0 {
		b = appendMarks(b, marks)
	}
	at := s.size
	if err := l.write(b); err != nil {
		return nil, err
	}
	s.count += uint32(len(items))
	for i := range items {
		n := int64(itemSize(&items[i]))
		l.index(s, &items[i], seqs[i], at, n, isWritten)
		at += n
	}
	if !isWritten {
		l.stats.Stored += uint64(len(items))
		l.changed = true
	}
	return seqs, nil
}

// index adds an item that is on disk to the index.
func (l *Log) index(s *segment, it *Item, seq Seq, offset, size int64, isWritten bool) {
	e := entry{trace: l.hash(it.TraceID), offset: uint32(offset), size: uint32(size), number: seq.number(), ends: it.Ends}
	key := span{it.TraceID, it.ID}
	l.endRunning(key)
	if !it.Ends {
		l.running[key], l.spanOf[seq] = seq, key
	}
	s.entries = append(s.entries, e)
	if len(s.entries) == 1 {
		s.first = it.At.UnixNano()
	}
	s.newest = max(s.newest, it.At.UnixNano())
	to := pending
	if isWritten {
		to = written
		if it.Ends {
			to = gone
		}
	}
	l.set(s, &s.entries[len(s.entries)-1], to)
}

// endRunning forgets the record that is the last state of a span. If it is to be delivered
// still, it will be.
func (l *Log) endRunning(key span) {
	old, ok := l.running[key]
	if !ok {
		return
	}
	delete(l.running, key)
	delete(l.spanOf, old)
	if s := l.segmentOf(old); s != nil {
		if e := s.find(old.number()); e != nil && e.state == written {
			l.set(s, e, gone)
		}
	}
}

// set changes the state of an entry, and all that is counted by it.
func (l *Log) set(s *segment, e *entry, to state) {
	from := e.state
	if from == to {
		return
	}
	if from == gone {
		s.live++
		s.liveBytes += int64(e.size)
	}
	if to == gone {
		s.live--
		s.liveBytes -= int64(e.size)
	}
	waited, waits := from == pending || from == claimed, to == pending || to == claimed
	switch {
	case waits && !waited:
		s.waiting++
		l.stats.Items++
		l.traces[e.trace]++
	case waited && !waits:
		s.waiting--
		l.stats.Items--
		less(l.traces, e.trace)
	}
	if to == claimed {
		l.claims[e.trace]++
	} else if from == claimed {
		less(l.claims, e.trace)
	}
	e.state = to
}

func less(counts map[uint64]int, key uint64) {
	if counts[key]--; counts[key] <= 0 {
		delete(counts, key)
	}
}

// Delivered says that items were delivered, or refused for good: they are not to be sent
// again. The last state of a span that runs is kept.
func (l *Log) Delivered(seqs []Seq) error {
	l.stats.Delivered += l.settle(seqs)
	return l.flushMarks()
}

// Drop says that items are not to be sent, for a reason.
func (l *Log) Drop(seqs []Seq, reason string) error {
	if n := l.settle(seqs); n > 0 {
		l.stats.Dropped[reason] += n
	}
	return l.flushMarks()
}

// Withdraw takes items back that were appended and not made durable: the caller keeps them.
func (l *Log) Withdraw(seqs []Seq) {
	for _, seq := range seqs {
		if key, ok := l.spanOf[seq]; ok {
			delete(l.running, key)
			delete(l.spanOf, seq)
		}
	}
	l.stats.Stored -= l.settle(seqs)
	_ = l.flushMarks()
}

// settle ends the waiting of records and writes marks of it to scratch.
func (l *Log) settle(seqs []Seq) (settled uint64) {
	l.changed = true // what waits behind them
	var marks []mark
	for _, seq := range seqs {
		s := l.segmentOf(seq)
		if s == nil {
			continue
		}
		e := s.find(seq.number())
		if e == nil || e.state != pending && e.state != claimed {
			continue
		}
		settled++
		if key, ok := l.spanOf[seq]; ok && l.running[key] == seq {
			l.set(s, e, written)
			marks = append(marks, mark{seq, markWritten})
			continue
		}
		l.set(s, e, gone)
		marks = append(marks, mark{seq, markGone})
	}
	l.scratch = l.scratch[:0]
	if len(marks) > 0 {
		l.scratch = appendMarks(l.scratch, marks)
	}
	return settled
}

// Ended says that spans have ended, as SGP knows: what is kept of them, and what waits, is
// needed no more.
func (l *Log) Ended(items []Item) error {
	var marks []mark
	for i := range items {
		key := span{items[i].TraceID, items[i].ID}
		seq, ok := l.running[key]
		if !ok {
			continue
		}
		delete(l.running, key)
		delete(l.spanOf, seq)
		if s := l.segmentOf(seq); s != nil {
			if e := s.find(seq.number()); e != nil && e.state != claimed {
				if e.state == pending {
					l.stats.Delivered++
				}
				l.set(s, e, gone)
				marks = append(marks, mark{seq, markGone})
			}
		}
	}
	l.scratch = l.scratch[:0]
	if len(marks) > 0 {
		l.scratch = appendMarks(l.scratch, marks)
	}
	return l.flushMarks()
}

// flushMarks writes the marks in scratch. When that fails, a replay after a crash repeats
// writes, in order.
func (l *Log) flushMarks() error {
	defer l.collect()
	if len(l.scratch) == 0 {
		return nil
	}
	if l.current == nil {
		if err := l.roll(); err != nil {
			return err
		}
	}
	return l.write(l.scratch)
}

// write appends b to the current segment, whole or not at all.
func (l *Log) write(b []byte) error {
	s := l.last()
	l.scratch = b[:0]
	if !l.dir.Exists(s.name()) {
		return fmt.Errorf("%w: %s", ErrRemoved, s.name())
	}
	if _, err := l.current.Write(b); err != nil {
		switch {
		case l.current.Truncate(s.size) != nil:
			l.seal() // what is torn is skipped when it is read
			l.unsynced = true
		case s.live == 0:
			l.seal() // collect removes it, which makes room
			l.unsynced = false
		}
		return err
	}
	s.size += int64(len(b))
	l.stats.Bytes += int64(len(b))
	l.unsynced = true
	return nil
}

// Sync makes all that was appended survive a loss of power.
func (l *Log) Sync() error {
	if !l.unsynced {
		return nil
	}
	l.unsynced = false
	if l.current == nil {
		return errUnsynced
	}
	if err := l.current.Sync(); err != nil {
		l.seal() // what a second fsync says after one that failed means nothing
		return err
	}
	if l.created {
		l.created = false
		return l.dir.Sync()
	}
	return nil
}

var errUnsynced = errors.New("a file could not be made durable")

// roll begins a new segment.
func (l *Log) roll() error {
	if l.current != nil {
		if err := l.Sync(); err != nil {
			return err
		}
		l.seal()
	}
	s := &segment{id: l.nextID, size: int64(len(fileHeader))}
	f, err := l.dir.Create(s.name())
	if err != nil {
		l.nextID++ // if there is a file of that name, it is not ours to write to
		if errors.Is(err, fs.ErrNotExist) {
			err = fmt.Errorf("%w: %w", ErrRemoved, err)
		}
		return err
	}
	l.nextID++
	if _, err = f.Write(fileHeader); err != nil {
		_ = f.Close()
		_ = l.dir.Remove(s.name())
		return err
	}
	l.segments, l.current = append(l.segments, s), f
	l.unsynced, l.created = true, true
	l.stats.Bytes += s.size
	return nil
}

// seal closes the current segment for appending.
func (l *Log) seal() {
	if l.current != nil {
		_ = l.current.Close()
		l.current = nil
	}
}

func (l *Log) last() *segment { return l.segments[len(l.segments)-1] }

func (l *Log) segmentOf(seq Seq) *segment {
	lo, hi := 0, len(l.segments)
	for lo < hi {
		mid := (lo + hi) / 2
		if l.segments[mid].id < seq.segment() {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(l.segments) && l.segments[lo].id == seq.segment() {
		return l.segments[lo]
	}
	return nil
}

func (l *Log) find(seq Seq) *entry {
	if s := l.segmentOf(seq); s != nil {
		return s.find(seq.number())
	}
	return nil
}

// Close makes what was appended durable, and closes the files.
func (l *Log) Close() error {
	err := l.Sync()
	l.seal()
	return err
}
