package spool

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

const (
	lockName       = "lock"
	instancePrefix = "instance-"
	maxInstances   = 1000
)

var errLocked = errors.New("another process has the directory")

// directory is a directory that this process owns.
type directory struct {
	osDir
	root string // what was asked for; path is it, or a subdirectory of it
	lock *os.File
}

// own makes path, if need be, and takes it; or a subdirectory, if another process has it.
func own(path string) (*directory, error) {
	root := path
	for n := 1; n < maxInstances; n++ {
		if err := os.MkdirAll(path, 0o700); err != nil {
			return nil, err
		}
		held, err := lock(filepath.Join(path, lockName))
		if err == nil {
			return &directory{osDir{path}, root, held}, nil
		}
		if !errors.Is(err, errLocked) {
			return nil, err
		}
		path = filepath.Join(root, fmt.Sprintf("%s%d", instancePrefix, n))
	}
	return nil, errLocked
}

func (d *directory) release() { _ = d.lock.Close() }

// adopt moves what processes that are over have left in subdirectories to the log.
func (d *directory) adopt(l *Log) error {
	if d.path != d.root {
		return nil // the owner of the root does it
	}
	entries, err := os.ReadDir(d.root)
	if err != nil {
		return err
	}
	var errs []error
	for _, e := range entries {
		if !e.IsDir() || !strings.HasPrefix(e.Name(), instancePrefix) {
			continue
		}
		path := filepath.Join(d.root, e.Name())
		held, err := lock(filepath.Join(path, lockName))
		if errors.Is(err, errLocked) {
			continue
		}
		if err == nil {
			err = l.take(osDir{path})
			if err == nil {
				_ = os.Remove(filepath.Join(path, lockName))
				_ = os.Remove(path) // not if there is anything foreign in it
			}
			_ = held.Close()
		}
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}

// take moves all of another log to this one, in order, and segment by segment: what fails for now takes none
// twice.
func (l *Log) take(dir Dir) error {
	other, err := Open(dir, l.limits)
	if err != nil {
		return err
	}
	defer other.closeReader()
	for _, s := range other.segments {
		if err := l.takeSegment(other, s); err != nil {
			return err
		}
	}
	l.stats.Damaged += other.stats.Damaged
	l.stats.Foreign += other.stats.Foreign
	return nil
}

// takeSegment moves a segment of another log to this one.
func (l *Log) takeSegment(other *Log, s *segment) error {
	var waiting, running []Item
	var orphans []span
	for i := range s.entries {
		e := &s.entries[i]
		if e.state == gone {
			continue
		}
		it, err := other.read(s, e)
		switch {
		case err != nil:
			l.stats.Damaged++
			continue
		case e.state == pending:
			waiting = append(waiting, it)
		default:
			running = append(running, it)
		}
		if key, runs := other.spanOf[seqOf(s.id, e.number)]; runs {
			orphans = append(orphans, key)
		}
	}
	if err := l.AppendWritten(running); err != nil {
		return err
	}
	seqs, err := l.Append(waiting)
	if err == nil {
		err = l.Sync()
	}
	if err == nil {
		err = other.dir.Remove(s.name())
	}
	if err != nil {
		l.Withdraw(seqs)
		return err
	}
	l.stats.Stored -= uint64(len(waiting))
	l.stats.Recovered += uint64(len(waiting))
	l.orphans = append(l.orphans, orphans...)
	l.changed = true
	return nil
}
