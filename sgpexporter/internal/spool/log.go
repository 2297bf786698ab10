package spool

import (
	"errors"
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
	reader   reader
	index    *index         // what others may ask
	claims   map[uint64]int // claimed items, by trace
	running  map[span]Seq   // the last record of each span that has not ended
	spanOf   map[Seq]span   // of those
	orphans  []span         // of running: those of a process that is over
	foreign  []string
	unsynced bool   // of the current segment
	syncErr  error  // why some of what was appended is not durable, for the next Sync
	urgent   bool   // of what is not synced something is to be delivered: it must be within a second
	writes   uint64 // that succeeded
	created  bool   // a file, since the last Sync
	changed  bool   // there may be something to claim
	stats    Stats
	scratch  []byte
	marks    []byte // that are to be written
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

// Runs reports whether the last record of a span says that it runs.
func (l *Log) Runs(trace, id string) bool {
	_, ok := l.running[span{trace, id}]
	return ok
}

// Append adds items that are to be delivered, behind all others of their traces. It is
// all of them or none.
func (l *Log) Append(items []Item) ([]Seq, error) { return l.append(items, false) }

// AppendWritten adds the state of spans that run and were written, or are about to be. For these nothing is
// dropped that is to be delivered: without room it returns ErrFull.
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
	if err := l.reserve(int64(size), isWritten); err != nil {
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
	l.scratch = b[:0]
	if err := l.write(b); err != nil {
		return nil, err
	}
	s.count += uint32(len(items))
	for i := range items {
		n := int64(itemSize(&items[i]))
		l.add(s, &items[i], seqs[i], at, n, isWritten)
		at += n
	}
	if !isWritten {
		l.stats.Stored += uint64(len(items))
		l.urgent = true
		l.changed = true
	}
	return seqs, nil
}

// add adds an item that is on disk to the index.
func (l *Log) add(s *segment, it *Item, seq Seq, offset, size int64, isWritten bool) {
	e := entry{trace: l.index.trace(it.TraceID), offset: uint32(offset), size: uint32(size), number: seq.number(), ends: it.Ends}
	key := span{it.TraceID, it.ID}
	l.endRunning(key)
	if !it.Ends {
		l.begin(key, seq)
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

// begin notes the record that is the last state of a span that runs.
func (l *Log) begin(key span, seq Seq) {
	l.running[key], l.spanOf[seq] = seq, key
	l.index.addRunning(l.index.span(key), 1)
}

// forget notes that a span does not run any more.
func (l *Log) forget(key span) {
	seq, ok := l.running[key]
	if !ok {
		return
	}
	delete(l.running, key)
	delete(l.spanOf, seq)
	l.index.addRunning(l.index.span(key), -1)
}

// endRunning forgets the record that is the last state of a span. If it is to be delivered
// still, it will be.
func (l *Log) endRunning(key span) {
	old, ok := l.running[key]
	if !ok {
		return
	}
	l.forget(key)
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
		l.index.addWaiting(e.trace, 1)
	case waited && !waits:
		s.waiting--
		l.stats.Items--
		l.index.addWaiting(e.trace, -1)
	}
	if to == claimed {
		l.claims[e.trace]++
	} else if from == claimed {
		add(l.claims, e.trace, -1)
	}
	e.state = to
}

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
