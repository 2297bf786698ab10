package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrDropped is wrapped by the error of a [Processor.ForceFlush] during which
// snapshots were dropped.
var ErrDropped = errors.New("asyncprocessor: snapshots were dropped")

var errFlushInExport = errors.New("asyncprocessor: ForceFlush was called by an exporter, and would wait for itself")

// ShutdownError is what [Processor.Shutdown] returns when not everything was
// delivered.
type ShutdownError struct {
	// Undelivered is the number of snapshots that are not known to be
	// delivered: those that waited or were in flight when the time was up, and
	// those whose export failed during Shutdown.
	Undelivered uint64
	// Err is the cause: the context's error when time ran out, otherwise
	// [ErrDropped], together with what the exporter's Shutdown returned.
	Err error
}

// Error says how many snapshots were not delivered, and why.
func (e *ShutdownError) Error() string {
	return fmt.Sprintf("asyncprocessor: shutdown with %s not delivered: %v", countOf(e.Undelivered), e.Err)
}

// Unwrap returns the cause.
func (e *ShutdownError) Unwrap() error { return e.Err }

// ForceFlush returns when every snapshot offered before it is exported, coalesced
// or dropped. It returns an error that wraps [ErrDropped] if any was dropped
// meanwhile, and ctx's error when ctx ends first: that ends the wait, not the
// exports. After Shutdown it returns nil.
//
// Called by an exporter with the context that it was given, it returns an error at
// once: it would wait for itself.
func (p *Processor) ForceFlush(ctx context.Context) error {
	if p.queue == nil || p.queue.isClosed() {
		return nil
	}
	if isExport(ctx) {
		return errFlushInExport
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	before := p.queue.lost()
	f := &flush{done: make(chan struct{})}
	select {
	case p.dispatcher.flushes <- f:
		select {
		case <-f.done:
		case <-p.dispatcher.stopped:
		case <-ctx.Done():
			f.gaveUp.Store(true)
			return ctx.Err()
		}
	case <-p.dispatcher.stopped: // by a Shutdown that came in between: all is settled
	case <-ctx.Done():
		return ctx.Err()
	}
	if n := p.queue.lost() - before; n > 0 {
		return fmt.Errorf("%w: %d while flushing", ErrDropped, n)
	}
	return nil
}

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
	if _, ok := ctx.Deadline(); !ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, p.cfg.shutdownTimeout)
		defer cancel()
	}
	before := p.queue.close()
	close(p.dispatcher.closing)

	var cause error
	select {
	case <-p.dispatcher.stopped:
	case <-ctx.Done():
		cause = ctx.Err()
		p.queue.abandon()
		close(p.dispatcher.giveUp)
	}
	p.cancelExports()
	grace, cancel := context.WithTimeout(context.Background(), shutdownGrace)
	defer cancel()
	exporterErr := p.shutdownExporter(ctx, grace)
	err := both(cause, exporterErr)
	if n := p.queue.lostLater() - before; n > 0 {
		if cause == nil {
			err = both(ErrDropped, exporterErr)
		}
		err = &ShutdownError{Undelivered: n, Err: err}
		if cause != nil { // else the dispatcher has reported it
			p.dispatcher.report.gaveUp(grace, err)
		}
	}
	p.dispatcher.report.settle(grace)
	return err
}

// both is errors.Join in one line.
func both(first, second error) error {
	if first == nil || second == nil {
		return errors.Join(first, second)
	}
	return fmt.Errorf("%w; %w", first, second)
}

// shutdownGrace is what the exporter's Shutdown and the error handler get when the
// time is up already: enough to close what it holds and to write a line, before the
// program ends.
const shutdownGrace = 100 * time.Millisecond

// shutdownExporter calls the exporter's Shutdown, on a goroutine of its own so
// that one that ignores its context is not waited for, beyond the grace.
func (p *Processor) shutdownExporter(ctx, grace context.Context) error {
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
		err = p.dispatcher.exporter.Shutdown(markExport(ctx))
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
