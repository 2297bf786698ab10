package spool

import (
	"bytes"
	"math"
	"slices"
	"strings"
	"time"
)

// Open reads what is in a directory, and returns its Log. A file that cannot be read as
// a segment is left alone and counted; in one that is damaged, all whole records count.
func Open(dir Dir, limits Limits) (*Log, error) {
	names, err := dir.List()
	if err != nil {
		return nil, err
	}
	l := &Log{
		dir: dir, limits: limits, nextID: 1, index: newIndex(), claims: map[uint64]int{},
		running: map[span]Seq{}, spanOf: map[Seq]span{},
		stats: Stats{Dropped: map[string]uint64{}},
	}
	slices.Sort(names) // segments of a name's length, so by number
	for _, name := range names {
		id, ok := segmentID(name)
		switch {
		case ok && id < math.MaxUint32:
			l.nextID = max(l.nextID, id+1)
			if err := l.recover(id); err != nil {
				return nil, err
			}
		case strings.HasSuffix(name, segmentSuffix+temporarySuffix):
			_ = dir.Remove(name) // of a rewrite that was not finished
		}
	}
	l.stats.Recovered, l.changed = uint64(l.stats.Items), true
	for key := range l.running {
		l.orphans = append(l.orphans, key)
	}
	slices.SortFunc(l.orphans, func(a, b span) int { return int(int64(l.running[a]) - int64(l.running[b])) })
	l.collect()
	return l, nil
}

// recover reads one segment.
func (l *Log) recover(id uint32) error {
	b, err := l.dir.ReadFile(segmentName(id))
	if err != nil {
		return err
	}
	if len(b) < len(fileHeader) && bytes.HasPrefix(fileHeader, b) {
		_ = l.dir.Remove(segmentName(id)) // the process ended when it began it
		return nil
	}
	if !bytes.HasPrefix(b, fileHeader) {
		l.foreign = append(l.foreign, segmentName(id))
		l.stats.Foreign++
		return nil
	}
	s := &segment{id: id, size: int64(len(b))}
	l.segments = append(l.segments, s)
	l.stats.Bytes += s.size
	var last int64 = -1
	l.stats.Damaged += uint64(scan(b, func(r record) {
		switch r.kind {
		case kindItem:
			if int64(r.number) <= last {
				return // a copy of what was read already
			}
			last = int64(r.number)
			s.count = r.number + 1
			l.add(s, &r.item, seqOf(id, r.number), int64(r.offset), int64(r.size), r.written)
		case kindMarks:
			l.apply(r.marks)
		}
	}))
	return nil
}

// apply does what marks say.
func (l *Log) apply(marks []mark) {
	for _, m := range marks {
		s := l.segmentOf(m.seq)
		if s == nil {
			continue
		}
		e := s.find(m.seq.number())
		if e == nil {
			continue
		}
		key, runs := l.spanOf[m.seq]
		if m.what == markWritten && runs {
			l.set(s, e, written)
			continue
		}
		if runs {
			l.forget(key)
		}
		l.set(s, e, gone)
	}
}

// maxOrphanBytes bounds the JSON that Orphans returns, beyond one item.
const maxOrphanBytes = 4 << 20

// Orphans returns the last writes of up to n spans that ran in a process that is over: fewer if they are large.
func (l *Log) Orphans(n int) []Item {
	var items []Item
	var left []span
	size := 0
	for i, key := range l.orphans {
		if len(items) == n || size >= maxOrphanBytes {
			left = append(left, l.orphans[i:]...)
			break
		}
		seq, ok := l.running[key]
		if !ok {
			continue
		}
		s := l.segmentOf(seq)
		e := s.find(seq.number())
		if it, err := l.read(s, e); err == nil {
			items = append(items, it)
			size += len(it.JSON)
			left = append(left, key)
		}
	}
	l.orphans = left
	return items
}

// Foreign returns the names of the files that are not of this format.
func (l *Log) Foreign() []string { return l.foreign }

// Stats returns what the Log holds and has done.
func (l *Log) Stats() Stats {
	s := l.stats
	s.Open = true
	s.Running = int64(len(l.running))
	s.Dropped = make(map[string]uint64, len(l.stats.Dropped))
	for reason, n := range l.stats.Dropped {
		s.Dropped[reason] = n
	}
	s.Oldest = l.oldest()
	return s
}

// oldest is the time of the oldest segment with items to be delivered: within one segment's
// time.
func (l *Log) oldest() time.Time {
	for _, s := range l.segments {
		if s.waiting > 0 {
			return time.Unix(0, s.first)
		}
	}
	return time.Time{}
}
