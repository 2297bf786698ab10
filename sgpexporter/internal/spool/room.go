package spool

import (
	"time"
)

// reserve makes room for an append of a size, and begins a new segment if it is time to.
func (l *Log) reserve(size int64, isWritten bool) error {
	if size > l.limits.MaxBytes {
		return ErrFull
	}
	for l.stats.Bytes+size+int64(len(fileHeader)) > l.limits.MaxBytes {
		if !l.makeRoom(isWritten) {
			return ErrFull
		}
	}
	if l.current == nil || l.last().size > int64(len(fileHeader)) && l.last().size+size > l.limits.segmentBytes() {
		return l.roll()
	}
	return nil
}

// makeRoom frees some room, and reports whether it could: first what is needed no more, then, unless
// dropsNone, STARTs and updates that wait, the oldest first, then the oldest ENDs.
func (l *Log) makeRoom(dropsNone bool) bool {
	before := l.stats.Bytes
	stages := []func(*entry) bool{
		func(*entry) bool { return false },
		func(e *entry) bool { return e.state == pending && !e.ends },
		func(e *entry) bool { return e.state == pending },
	}
	if dropsNone {
		stages = stages[:1]
	}
	for _, drops := range stages {
		for i := 0; i < len(l.segments); i++ {
			s := l.segments[i]
			var freed int64
			for k := range s.entries {
				if e := &s.entries[k]; e.state != gone && drops(e) {
					freed += int64(e.size)
				}
			}
			if s.size-s.liveBytes+freed < s.size/2 && freed == 0 {
				continue // hardly worth it
			}
			if s == l.last() {
				if s.size <= int64(2*len(fileHeader)) {
					continue
				}
				l.sync()
				l.seal()
			}
			for k := range s.entries {
				if e := &s.entries[k]; e.state != gone && drops(e) {
					l.drop(s, e, DropFull)
				}
			}
			if l.rewrite(s) != nil {
				return false
			}
			l.collect()
			if l.stats.Bytes < before {
				return true
			}
		}
	}
	return false
}

// rewrite removes from a segment the records that are needed no more. Marks stay: they are
// about records of older segments.
func (l *Log) rewrite(s *segment) error {
	if s.live == 0 && s == l.segments[0] {
		return nil // collect removes it
	}
	// What is removed was overtaken by marks and records that must not be lost before it.
	if !l.sync() {
		return l.syncErr
	}
	b, err := l.dir.ReadFile(s.name())
	if err != nil {
		return err
	}
	out := append(make([]byte, 0, len(b)), fileHeader...)
	entries := make([]entry, 0, s.live)
	scan(b, func(r record) {
		switch r.kind {
		case kindItem:
			e := s.find(r.number)
			if e == nil || e.state == gone || int(e.offset) != r.offset {
				return
			}
			moved := *e
			moved.offset = uint32(len(out))
			entries = append(entries, moved)
		case kindMarks:
			kept := r.marks[:0]
			for _, m := range r.marks {
				if m.seq.segment() < s.id && l.segmentOf(m.seq) != nil || m.seq.segment() == s.id && l.find(m.seq) != nil && l.find(m.seq).state != gone {
					kept = append(kept, m)
				}
			}
			if len(kept) > 0 {
				out = appendMarks(out, kept)
			}
			return
		}
		out = append(out, b[r.offset:r.offset+r.size]...)
	})
	if err := l.replace(s.name(), out); err != nil {
		return err
	}
	l.stats.Bytes += int64(len(out)) - s.size
	s.entries, s.size = entries, int64(len(out))
	s.liveBytes = 0
	for i := range entries {
		s.liveBytes += int64(entries[i].size)
	}
	s.live = len(entries)
	return nil
}

// replace puts a file in the place of another.
func (l *Log) replace(name string, content []byte) error {
	l.closeReader()
	temporary := name + temporarySuffix
	_ = l.dir.Remove(temporary)
	f, err := l.dir.Create(temporary)
	if err != nil {
		return err
	}
	_, err = f.Write(content)
	if err == nil {
		err = f.Sync()
	}
	_ = f.Close()
	if err == nil {
		err = l.dir.Rename(temporary, name)
	}
	if err != nil {
		_ = l.dir.Remove(temporary)
		return err
	}
	return l.dir.Sync()
}

// collect removes the oldest segments that hold nothing any more. They go in order: a mark must
// not go before the record that it is about. What took the place of their records must be durable.
func (l *Log) collect() {
	for len(l.segments) > 0 && l.segments[0].live == 0 && (len(l.segments) > 1 || l.current == nil) {
		s := l.segments[0]
		if s != l.last() && !l.sync() {
			return
		}
		if s == l.last() {
			l.seal()
		}
		l.closeReader()
		if err := l.dir.Remove(s.name()); err != nil && l.dir.Exists(s.name()) {
			return
		}
		_ = l.dir.Sync() // so that they go in order
		l.stats.Bytes -= s.size
		l.segments = l.segments[1:]
	}
	if len(l.segments) == 0 {
		l.marks = l.marks[:0] // what they are about is gone
	}
}

// Tidy drops what is too old, and moves the state of spans that run long out of the way of
// segments that could go. It is to be called now and then.
func (l *Log) Tidy(now time.Time) {
	oldest := now.Add(-l.limits.MaxAge).UnixNano()
	for _, s := range l.segments {
		if s.newest >= oldest || s == l.last() && l.current != nil {
			break
		}
		for i := range s.entries {
			e := &s.entries[i]
			switch e.state {
			case pending:
				l.drop(s, e, DropExpired)
			case written:
				seq := seqOf(s.id, e.number)
				l.forget(l.spanOf[seq])
				l.set(s, e, gone)
			}
		}
	}
	l.collect()
	l.moveRunning()
}

// moveRunning writes the state of spans that run anew, when it is all that keeps the oldest segment
// and there are several that hold little.
func (l *Log) moveRunning() {
	var live int64
	for _, s := range l.segments {
		live += s.liveBytes
	}
	if len(l.segments) < 4 || l.stats.Bytes < 2*live+2*l.limits.segmentBytes() || l.segments[0].waiting > 0 {
		return
	}
	s := l.segments[0]
	var items []Item
	for i := range s.entries {
		if e := &s.entries[i]; e.state == written {
			it, err := l.read(s, e)
			if err != nil {
				l.drop(s, e, DropDamaged)
				continue
			}
			items = append(items, it)
		}
	}
	if l.AppendWritten(items) == nil {
		l.collect()
	}
}
