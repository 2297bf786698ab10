package spool

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
)

// write appends b to the current segment, whole or not at all.
func (l *Log) write(b []byte) error {
	s := l.last()
	if !l.dir.Exists(s.name()) {
		return fmt.Errorf("%w: %s", ErrRemoved, s.name())
	}
	if _, err := l.current.Write(b); err != nil {
		// What could not be taken back is skipped when it is read. A segment with nothing in it is removed by
		// collect, which makes room.
		if l.current.Truncate(s.size) != nil || s.live == 0 {
			l.sync()
			l.seal()
		}
		return err
	}
	l.writes++
	s.size += int64(len(b))
	l.stats.Bytes += int64(len(b))
	l.unsynced = true
	return nil
}

// Sync makes all that was appended survive a loss of power. An error says that some of what was appended since it
// was last called does not.
func (l *Log) Sync() error {
	l.sync()
	err := l.syncErr
	l.syncErr = nil
	return err
}

// sync is Sync for those who do not report an error: the next Sync does. It returns whether all is durable.
func (l *Log) sync() bool {
	if !l.unsynced {
		return l.syncErr == nil
	}
	l.unsynced, l.urgent = false, false
	err := l.current.Sync()
	if err != nil {
		l.seal() // what a second fsync says after one that failed means nothing
	} else if l.created {
		err = l.dir.Sync()
		l.created = err != nil
	}
	l.syncErr = cmp.Or(l.syncErr, err)
	return err == nil
}

// roll begins a new segment.
func (l *Log) roll() error {
	if l.current != nil {
		if !l.sync() {
			return l.syncErr
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
