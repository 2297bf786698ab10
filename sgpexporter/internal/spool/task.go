package spool

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"
)

// Patience is how long Try waits for the disk.
const Patience = time.Second

var (
	// ErrClosed: the Spool is closed.
	ErrClosed = errors.New("the spool is closed")
	// ErrSlow: the disk did not do it in time.
	ErrSlow = errors.New("the disk is slow")

	errNotOpen = errors.New("the spool is not open")
)

// task is something to be done with the Log.
type task struct {
	do      func(*Log) error
	undo    func(*Log)
	durable bool
	stage   atomic.Int32
	result  chan error
}

// The stages of a task.
const (
	queued int32 = iota
	begun
	done
	left // its caller does not wait any more
)

// leave reports whether the caller goes without the result: then the task is not done, or undone.
func (t *task) leave() bool {
	return t.stage.CompareAndSwap(queued, left) || t.stage.CompareAndSwap(begun, left)
}

// Do lets do work on the Log, and returns its error. When ctx ends it returns, and do is not called or
// its result is lost.
func (s *Spool) Do(ctx context.Context, do func(*Log) error) error {
	return s.wait(ctx, &task{do: do, result: make(chan error, 1)})
}

// Try is Do for those who can go on without the disk: it waits for [Patience], and not at all while the disk
// hangs, and returns an error that matches ErrSlow then. With durable it returns when all that was appended
// would survive a loss of power, else that is so a second later. undo takes back what do did if that cannot be
// made durable, or nobody waits for it any more: after an error nothing was done.
func (s *Spool) Try(ctx context.Context, durable bool, do func(*Log) error, undo func(*Log)) error {
	if since := s.busySince.Load(); since != 0 && time.Since(s.began)-time.Duration(since) > Patience {
		return s.slow(ErrSlow)
	}
	ctx, cancel := context.WithTimeoutCause(ctx, Patience, ErrSlow)
	defer cancel()
	err := s.wait(ctx, &task{do: do, undo: undo, durable: durable, result: make(chan error, 1)})
	if errors.Is(err, ErrSlow) {
		return s.slow(err)
	}
	return err
}

// Post lets do work on the Log some time, unless much is to be done already: what is not done must do no harm.
func (s *Spool) Post(do func(*Log) error) {
	select {
	case s.tasks <- &task{do: do, result: make(chan error, 1)}:
	default:
	}
}

// slow reports a disk that is slow, once until it is not.
func (s *Spool) slow(err error) error {
	if s.isSlow.CompareAndSwap(false, true) {
		s.failures.Add(1)
		s.cfg.Report(err)
	}
	return err
}

func (s *Spool) wait(ctx context.Context, t *task) error {
	select {
	case s.tasks <- t:
	case <-s.quit:
		return ErrClosed
	case <-ctx.Done():
		return context.Cause(ctx)
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
		if t.leave() {
			return fmt.Errorf("a write: %w", context.Cause(ctx))
		}
		return <-t.result
	}
}

// maxGroup bounds the tasks that share one fsync.
const maxGroup = 64

// run does a task, and with it, if it is to be durable, all others that wait.
func (s *Spool) run(t *task) {
	if s.log == nil {
		err := s.broken
		if err == nil {
			err = errNotOpen
		}
		t.result <- err
		return
	}
	var durable []*task
	for n := 0; ; n++ {
		if t.stage.CompareAndSwap(queued, begun) {
			err := t.do(s.log)
			if err != nil || !t.durable {
				s.note(err)
				s.end(t, err)
			} else {
				durable = append(durable, t)
			}
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
			if err != nil && t.undo != nil {
				t.undo(s.log)
			}
			s.end(t, err)
		}
	}
	if s.removed {
		s.giveUp()
	}
}

// end ends a task. The counts are right before its caller goes on.
func (s *Spool) end(t *task, err error) {
	s.publish()
	if t.stage.CompareAndSwap(begun, done) {
		t.result <- err
		return
	}
	if err == nil && t.undo != nil {
		t.undo(s.log)
		s.publish()
	}
}
