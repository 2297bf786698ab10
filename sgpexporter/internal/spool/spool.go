package spool

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Config is what a Spool needs.
type Config struct {
	Path   string
	Limits Limits
	// Report hears of what is wrong with the disk, once until it is well again. It must not block.
	Report func(error)
	// Wrap, if there is one, stands between the Spool and its files: tests make a disk that fails.
	Wrap func(Dir) Dir
}

// Spool owns a Log: one goroutine does all that is done with the disk, so that a disk
// that hangs holds up nobody for longer than his context says.
type Spool struct {
	cfg   Config
	tasks chan *task
	quit  chan struct{}
	over  chan struct{}
	stop  sync.Once
	began time.Time

	busySince atomic.Int64 // since when it is at the disk, from began on; 0 while it is not
	isSlow    atomic.Bool

	// Written by the goroutine.
	waiting  atomic.Int64 // items to be delivered
	running  atomic.Int64
	orphans  atomic.Int64
	failures atomic.Uint64
	stats    atomic.Pointer[Stats]
	index    atomic.Pointer[index]
	news     chan struct{} // of items to be delivered

	dir     *directory
	log     *Log
	lost    Stats  // of logs that were given up
	nextID  uint32 // above the segments of those: their records may still be with somebody
	retryAt time.Time
	broken  error  // since when nothing works
	writes  uint64 // of the log, when it failed last
	removed bool   // the files are gone
}

const (
	tidyInterval  = time.Second
	adoptInterval = time.Minute
	reopenAfter   = 5 * time.Second
)

// Start opens the directory on a goroutine of its own, and returns at once.
func Start(cfg Config) *Spool {
	s := &Spool{
		cfg: cfg, tasks: make(chan *task, 64), quit: make(chan struct{}), over: make(chan struct{}),
		news: make(chan struct{}, 1), began: time.Now(),
	}
	s.stats.Store(&Stats{})
	s.index.Store(newIndex())
	go s.work()
	return s
}

// Waiting returns the number of items to be delivered, Running that of spans that were
// written and have not ended.
func (s *Spool) Waiting() int64 { return s.waiting.Load() }

// Running: see Waiting.
func (s *Spool) Running() int64 { return s.running.Load() }

// Orphans returns the number of those that ran in a process that is over.
func (s *Spool) Orphans() int64 { return s.orphans.Load() }

// Waits reports whether items of a trace are to be delivered, Runs whether the last record of a span says
// that it runs, which may be a mistake. They never wait for the disk.
func (s *Spool) Waits(trace string) bool {
	x := s.index.Load()
	return s.Waiting() > 0 && x.waits(x.trace(trace)) > 0
}

// Runs: see Waits.
func (s *Spool) Runs(trace, id string) bool {
	x := s.index.Load()
	return s.Running() > 0 && x.runs(x.span(span{trace, id}))
}

// News is sent to when there may be something to deliver.
func (s *Spool) News() <-chan struct{} { return s.news }

// Failures returns how often the disk failed.
func (s *Spool) Failures() uint64 { return s.failures.Load() }

// Stats returns what the Spool holds and has done.
func (s *Spool) Stats() Stats { return *s.stats.Load() }

// Close makes all durable and releases the directory. It returns when that is done, or ctx
// ends.
func (s *Spool) Close(ctx context.Context) error {
	s.stop.Do(func() { close(s.quit) })
	select {
	case <-s.over:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *Spool) work() {
	defer close(s.over)
	ticker := time.NewTicker(tidyInterval)
	defer ticker.Stop()
	var adopted time.Time
	for {
		s.busy(func() {
			s.open()
			if s.log != nil && time.Since(adopted) >= adoptInterval {
				adopted = time.Now()
				s.note(s.dir.adopt(s.log))
			}
		})
		s.publish()
		select {
		case t := <-s.tasks:
			s.busy(func() { s.run(t) })
		case now := <-ticker.C:
			s.busy(func() { s.tidy(now) })
		case <-s.quit:
			s.busy(s.finish)
			return
		}
	}
}

// busy does something with the disk, so that others can see for how long.
func (s *Spool) busy(do func()) {
	from, before := time.Since(s.began), s.written()
	s.busySince.Store(max(int64(from), 1))
	do()
	s.busySince.Store(0)
	if s.written() > before && time.Since(s.began)-from < Patience {
		s.isSlow.Store(false)
	}
}

// written is how many writes succeeded.
func (s *Spool) written() uint64 {
	if s.log == nil {
		return 0
	}
	return s.log.writes
}

// tidy is done once a second.
func (s *Spool) tidy(now time.Time) {
	if s.log == nil {
		return
	}
	s.log.Tidy(now)
	if s.log.urgent || s.log.syncErr != nil {
		s.note(s.log.Sync())
	}
}

// finish does what was asked for before Close.
func (s *Spool) finish() {
	for {
		select {
		case t := <-s.tasks:
			s.run(t)
		default:
			s.publish()
			if s.log != nil {
				s.note(s.log.Close())
				s.dir.release()
			}
			return
		}
	}
}

// open opens the directory, if it is not.
func (s *Spool) open() {
	now := time.Now()
	if s.log != nil || now.Before(s.retryAt) {
		return
	}
	s.retryAt = now.Add(reopenAfter)
	dir, err := own(s.cfg.Path)
	if err != nil {
		s.note(err)
		return
	}
	var files Dir = dir
	if s.cfg.Wrap != nil {
		files = s.cfg.Wrap(dir)
	}
	log, err := Open(files, s.cfg.Limits)
	if err != nil {
		dir.release()
		s.note(err)
		return
	}
	log.nextID = max(log.nextID, s.nextID)
	s.dir, s.log, s.writes = dir, log, 0
	s.index.Store(log.index)
	if names := log.Foreign(); len(names) > 0 {
		s.cfg.Report(fmt.Errorf("files of another format are left alone, what they hold is not delivered: %v", names))
	}
	if n := log.Stats().Damaged; n > 0 {
		s.cfg.Report(fmt.Errorf("%d stretches of the files are damaged; all else was recovered", n))
	}
}

// giveUp gives up a log whose files were removed; another one is opened in its place.
func (s *Spool) giveUp() {
	st := s.log.Stats()
	if st.Items > 0 {
		st.Dropped[DropLost] += uint64(st.Items)
	}
	s.lost.add(st)
	s.nextID = s.log.nextID
	_ = s.log.Close()
	s.dir.release()
	s.log, s.dir, s.retryAt, s.removed = nil, nil, time.Time{}, false
}

func (s *Stats) add(o Stats) {
	s.Stored += o.Stored
	s.Recovered += o.Recovered
	s.Delivered += o.Delivered
	s.Damaged += o.Damaged
	if s.Dropped == nil {
		s.Dropped = map[string]uint64{}
	}
	for reason, n := range o.Dropped {
		s.Dropped[reason] += n
	}
}

// note reports an error of the disk, the first since it was well: since something was written.
func (s *Spool) note(err error) {
	if err == nil {
		if s.log == nil || s.log.writes != s.writes {
			s.broken = nil
		}
		return
	}
	if s.broken == nil {
		s.cfg.Report(err)
	}
	s.broken = err
	s.failures.Add(1)
	s.removed = errors.Is(err, ErrRemoved)
	if s.log != nil {
		s.writes = s.log.writes
	}
}

// publish makes the counts visible.
func (s *Spool) publish() {
	st := Stats{}
	s.orphans.Store(0)
	if s.log != nil {
		st = s.log.Stats()
		s.orphans.Store(int64(len(s.log.orphans)))
	}
	items, running := st.Items, st.Running
	st.add(s.lost)
	s.stats.Store(&st)
	s.waiting.Store(items)
	s.running.Store(running)
	if s.log != nil && s.log.changed {
		s.log.changed = false
		select {
		case s.news <- struct{}{}:
		default:
		}
	}
}
