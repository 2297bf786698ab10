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
	// Report hears of what is wrong with the disk, once until it is well again.
	Report func(error)
}

// Spool owns a Log: one goroutine does all that is done with the disk, so that a disk
// that hangs holds up nobody for longer than his context says.
type Spool struct {
	cfg   Config
	tasks chan *task
	quit  chan struct{}
	over  chan struct{}
	stop  sync.Once

	// Written by the goroutine.
	waiting  atomic.Int64 // items to be delivered
	running  atomic.Int64
	failures atomic.Uint64
	stats    atomic.Pointer[Stats]
	news     chan struct{} // of items to be delivered

	dir     *directory
	log     *Log
	lost    Stats  // of logs that were given up
	nextID  uint32 // above the segments of those: their records may still be with somebody
	retryAt time.Time
	broken  error // since when nothing works
}

type task struct {
	do     func(*Log) error
	sync   bool
	failed func(*Log) // undoes it, when it could not be made durable
	result chan error
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
		news: make(chan struct{}, 1),
	}
	s.stats.Store(&Stats{})
	go s.work()
	return s
}

// ErrClosed: the Spool is closed.
var ErrClosed = errors.New("the spool is closed")

// Do lets do work on the Log, and returns its error. With durable it returns when all
// that was appended would survive a loss of power, else that is so a second later; failed undoes it when that cannot be.
// An error of ctx says nothing of what becomes of it.
func (s *Spool) Do(ctx context.Context, durable bool, do func(*Log) error, failed func(*Log)) error {
	t := &task{do: do, sync: durable, failed: failed, result: make(chan error, 1)}
	select {
	case s.tasks <- t:
	case <-s.quit:
		return ErrClosed
	case <-ctx.Done():
		return fmt.Errorf("the disk is slow: %w", ctx.Err())
	}
	select {
	case err := <-t.result:
		return err
	case <-s.over:
		select {
		case err := <-t.result:
			return err
		default:
			return ErrClosed
		}
	case <-ctx.Done():
		return fmt.Errorf("the disk is slow: %w", ctx.Err())
	}
}

// Waiting returns the number of items to be delivered, Running that of spans that were
// written and have not ended.
func (s *Spool) Waiting() int64 { return s.waiting.Load() }

// Running: see Waiting.
func (s *Spool) Running() int64 { return s.running.Load() }

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
		s.open()
		if s.log != nil && time.Since(adopted) >= adoptInterval {
			adopted = time.Now()
			s.note(s.dir.adopt(s.log))
		}
		s.publish()
		select {
		case t := <-s.tasks:
			s.run(t)
		case now := <-ticker.C:
			if s.log != nil {
				s.log.Tidy(now)
				s.note(s.log.Sync())
			}
		case <-s.quit:
			s.finish()
			return
		}
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
	log, err := Open(dir, s.cfg.Limits)
	if err != nil {
		dir.release()
		s.note(err)
		return
	}
	log.nextID = max(log.nextID, s.nextID)
	s.dir, s.log = dir, log
	if names := log.Foreign(); len(names) > 0 {
		s.cfg.Report(fmt.Errorf("files of another format are left alone, what they hold is not delivered: %v", names))
	}
	if n := log.Stats().Damaged; n > 0 {
		s.cfg.Report(fmt.Errorf("%d stretches of the files are damaged; all else was recovered", n))
	}
}

// maxGroup bounds the tasks that share one fsync.
const maxGroup = 64

// run does a task, and with it, if it is to be durable, all others that wait.
func (s *Spool) run(t *task) {
	if s.log == nil {
		err := s.broken
		if err == nil {
			err = errors.New("not open")
		}
		t.result <- err
		return
	}
	var durable []*task
	for n := 0; ; n++ {
		err := t.do(s.log)
		switch {
		case err != nil || !t.sync:
			s.note(err)
			s.answer(t, err)
		default:
			durable = append(durable, t)
		}
		if n == maxGroup || len(durable) == 0 {
			break
		}
		select {
		case t = <-s.tasks:
			continue
		default:
		}
		break
	}
	if len(durable) > 0 {
		err := s.log.Sync()
		s.note(err)
		for _, t := range durable {
			if err != nil && t.failed != nil {
				t.failed(s.log)
			}
			s.answer(t, err)
		}
	}
	if errors.Is(s.broken, ErrRemoved) {
		s.giveUp()
	}
}

// answer ends a task. The counts are right before its caller goes on.
func (s *Spool) answer(t *task, err error) {
	s.publish()
	t.result <- err
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
	s.log, s.dir, s.retryAt = nil, nil, time.Time{}
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

// note reports an error of the disk, the first since it was well.
func (s *Spool) note(err error) {
	switch {
	case err == nil:
		s.broken = nil
	case s.broken == nil:
		s.broken = err
		s.failures.Add(1)
		s.cfg.Report(err)
	default:
		s.broken = err
		s.failures.Add(1)
	}
}

// publish makes the counts visible.
func (s *Spool) publish() {
	st := Stats{}
	if s.log != nil {
		st = s.log.Stats()
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
