package spool

import (
	"errors"
	"fmt"
	"io/fs"
)

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
	l.writes++
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
	l.unsynced, l.urgent = false, false
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

// Close makes what was appended durable, and closes the files.
func (l *Log) Close() error {
	err := l.Sync()
	l.seal()
	l.closeReader()
	return err
}
