package asyncprocessor

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"time"
)

// ShutdownError is what [Processor.Shutdown] returns when not everything was
// delivered.
type ShutdownError struct {
	// Undelivered is the number of snapshots that are not known to be
	// delivered: those that waited or were in flight when the time was up, and
	// those whose export failed during Shutdown.
	Undelivered uint64
	// Err is the cause: the context's error when time ran out, otherwise
	// [ErrDropped] with the causes that the exporter gave, together with what the exporter's Shutdown returned.
	Err error
}

// Error says how many snapshots were not delivered, and why.
func (e *ShutdownError) Error() string {
	return fmt.Sprintf("asyncprocessor: shutdown with %s not delivered: %v", countOf(e.Undelivered), e.Err)
}

// Unwrap returns the cause.
func (e *ShutdownError) Unwrap() error { return e.Err }

// Shutdown refuses all snapshots that come after it, delivers those that came
// before it, and shuts the exporter down. It has as much time as ctx, or
// [WithShutdownTimeout] if ctx has no deadline. When that is over it cancels the
// exports in flight, does not wait for them, and returns a [*ShutdownError] with the
// number of snapshots that are not known to be delivered, which it reports to the
// global OpenTelemetry error handler too. What was lost before Shutdown is no error
// of it.
//
// A second Shutdown waits, within its own context, for the first, and returns
// what that returned.
//
// Note that TracerProvider.Shutdown does not reach its processors when its
// context has already ended.
func (p *Processor) Shutdown(ctx context.Context) error {
	if p.queue == nil {
		return nil
	}
	if p.shuttingDown.CompareAndSwap(false, true) {
		p.shutdownErr = p.shutdown(ctx)
		close(p.shutdownDone)
	}
	select { // a result that is there goes before a context that has ended
	case <-p.shutdownDone:
		return p.shutdownErr
	default:
	}
	select {
	case <-p.shutdownDone:
		return p.shutdownErr
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *Processor) shutdown(ctx context.Context) error {
	deadline, ok := ctx.Deadline()
	if !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.cfg.ShutdownTimeout)
		defer cancel()
		deadline, _ = ctx.Deadline()
	}
	timeUp, end := context.WithCancel(context.Background())
	defer end()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(shutdownGrace, end) })()
	before := p.queue.close(deadline)
	close(p.dispatcher.closing)
	cause := p.drain(ctx, deadline)
	p.queue.forget()
	p.dispatcher.cancelAll()
	err := p.shutdownExporter(ctx)
	n, why := p.queue.reporter.undeliveredSince(before)
	if n > 0 && cause == nil {
		cause = fmt.Errorf("%w: %w", ErrDropped, cmp.Or(why, errNoCause))
	}
	err = errors.Join(cause, err)
	var last []error
	if n > 0 {
		err = &ShutdownError{Undelivered: n, Err: err}
		if ctx.Err() != nil { // its error is easily ignored, as by a deferred call
			last = []error{err}
		}
	}
	p.queue.reporter.stop(timeUp, last...)
	return err
}

// drain waits until all is settled, or gives up when ctx ends. Shortly before the deadline a
// Keeper gets what is left.
func (p *Processor) drain(ctx context.Context, deadline time.Time) error {
	var nearlyOver <-chan time.Time
	if p.dispatcher.keeper != nil {
		left := time.Until(deadline)
		timer := time.NewTimer(left - min(left/4, keepReserve))
		defer timer.Stop()
		nearlyOver = timer.C
	}
	for {
		select {
		case <-p.dispatcher.stopped:
			return nil
		case <-nearlyOver:
			nearlyOver = nil
			p.queue.keepWhatIsLeft()
			p.dispatcher.cancelExports()
		case <-ctx.Done():
			p.queue.abandon()
			return fmt.Errorf("the time of Shutdown was over: %w", ctx.Err())
		}
	}
}

// keepReserve is the most of Shutdown's time that is kept for handing over to a Keeper.
const keepReserve = 2 * time.Second

// shutdownGrace is what the exporter's Shutdown and the error handler get when the
// time is up already: enough to close what it holds and, in the last quarter, to write a line, before the
// program ends.
const shutdownGrace = 100 * time.Millisecond

// shutdownExporter calls the exporter's Shutdown, on a goroutine of its own so
// that one that ignores its context is not waited for, beyond the grace.
func (p *Processor) shutdownExporter(ctx context.Context) error {
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace*3/4)
	defer cancel()
	result := make(chan error, 1)
	go func() {
		// What holds if the exporter ends this goroutine with runtime.Goexit.
		err := fmt.Errorf("%w in Shutdown", errExporterPanic)
		defer func() {
			if r := recover(); r != nil {
				err = fmt.Errorf("%w in Shutdown: %v", errExporterPanic, r)
			}
			result <- err
		}()
		err = p.dispatcher.exporter.Shutdown(SuppressContext(ctx))
	}()
	for _, timeUp := range []<-chan struct{}{ctx.Done(), grace.Done()} {
		select {
		case err := <-result:
			return err
		case <-timeUp:
		}
	}
	return fmt.Errorf("asyncprocessor: exporter's Shutdown did not return: %w", ctx.Err())
}

// close refuses all that comes from now on, and those that wait for room, and lets all that
// failed for now be tried again. It returns what was accepted and lost before.
func (q *queue) close(deadline time.Time) (undeliveredBefore map[lossKind]loss) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.closed = true
	q.retry.deadline = deadline.Sub(q.epoch)
	q.wakeResting(func(*traceQueue) bool { return true })
	q.keepAfter = 0
	q.intake.close()
	q.collect()
	for _, w := range q.waiters {
		q.reporter.refused(w.entry.phase, ReasonAlreadyShutdown)
		close(w.done)
	}
	q.waiters = nil
	q.signal()
	return q.reporter.undelivered()
}

// keepWhatIsLeft hands all that is left over to the Keeper from now on.
func (q *queue) keepWhatIsLeft() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.keeping = true
	q.signal()
}

// abandon drops all that waits and all that is in flight. It is called after close.
func (q *queue) abandon() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.collect()
	held := q.intake.amount()
	ends := &q.counts.ends
	q.reporter.abandoned(held.items, uint64(ends.queued-ends.again))
	q.counts.inFlight, ends.queued, ends.again = 0, 0, 0
	q.free(held)
	q.release()
	q.abandoned = true
	q.retry.resting = nil
	q.signal()
}

// forget lets go of all memory, when nothing is held any more: the Processor may live on, and
// a MeterProvider keeps what it observes.
func (q *queue) forget() {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.traces, q.items, q.runs, q.blocks = traces{}, pool[item]{}, pool[running]{}, nil
	q.tracked, q.running = 0, 0
	q.intake.forget()
}
