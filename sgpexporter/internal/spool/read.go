package spool

import (
	"errors"
	"fmt"
)

var errDamaged = errors.New("a record is damaged")

// readAhead bounds what is read with a record, of those behind it that are to be delivered too.
const readAhead = 64 << 10

// reader is the file that was read last.
type reader struct {
	file    Reader // nil if there is none
	segment uint32
	offset  int    // of what was read ahead
	ahead   []byte // parts of it are with those who claimed items: it is not written to
}

// read reads an item.
func (l *Log) read(s *segment, e *entry) (Item, error) {
	r := &l.reader
	if r.file == nil || r.segment != s.id {
		l.closeReader()
		file, err := l.dir.Open(s.name())
		if err != nil {
			return Item{}, err
		}
		*r = reader{file: file, segment: s.id}
	}
	from, to := int(e.offset)-r.offset, int(e.offset)-r.offset+int(e.size)
	if from < 0 || to > len(r.ahead) {
		r.ahead, r.offset = make([]byte, s.together(e)), int(e.offset)
		if _, err := r.file.ReadAt(r.ahead, int64(e.offset)); err != nil {
			// Of a file that was cut short it is read alone.
			r.ahead = make([]byte, e.size)
			if _, err := r.file.ReadAt(r.ahead, int64(e.offset)); err != nil {
				l.closeReader()
				return Item{}, err
			}
		}
		from, to = 0, int(e.size)
	}
	found, ok := readRecord(r.ahead[from:to:to])
	if !ok || found.kind != kindItem {
		return Item{}, fmt.Errorf("%w: %s at %d", errDamaged, s.name(), e.offset)
	}
	return found.item, nil
}

// together returns the size of a record and of those right behind it that are to be delivered with it.
func (s *segment) together(e *entry) int {
	size := int(e.size)
	for i := s.place(e.number) + 1; i < len(s.entries); i++ {
		next := &s.entries[i]
		if next.state != pending || next.offset != e.offset+uint32(size) || size+int(next.size) > readAhead {
			break
		}
		size += int(next.size)
	}
	return size
}

// closeReader closes the file that was read last.
func (l *Log) closeReader() {
	if l.reader.file != nil {
		_ = l.reader.file.Close()
	}
	l.reader = reader{}
}
