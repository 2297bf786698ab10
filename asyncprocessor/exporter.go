package asyncprocessor

import (
	"context"
	"fmt"
)

// Exporter delivers snapshots to a backend.
//
// A [Processor] calls it from its own goroutines. A panic in either method is
// recovered and counted, it does not end the process.
type Exporter interface {
	// ExportSnapshots delivers the snapshots in the order of the slice and
	// returns when each of them is delivered or given up.
	//
	// It is called concurrently, at most [WithConcurrency] calls at a time, and
	// never twice at once with snapshots of one trace: that is what keeps a
	// trace in order. So it must not return while it is still sending. Of two traces,
	// what came first may be second.
	//
	// The spans are immutable and may be kept; the slice may not.
	//
	// ctx ends after [WithExportTimeout], or when a Shutdown runs out of time.
	// Spans started with ctx, by an instrumented HTTP client for example, are
	// not exported by any Processor of this package.
	//
	// A nil error says that all snapshots were delivered. An [*ExportError]
	// says which were not, and why; several of them can be joined with
	// [errors.Join]. Any other error says that none was delivered.
	ExportSnapshots(ctx context.Context, snapshots []Snapshot) error

	// Shutdown ends the exporter. It is called once, after the last call of
	// ExportSnapshots has returned or has been given up: one that was given up may
	// still be under way then, or just about to begin, with a context that has
	// ended.
	Shutdown(ctx context.Context) error
}

// Keeper is an [Exporter] that can keep snapshots itself, on a disk for example, and deliver
// them later. One that has a method Keeps() bool which returns false when the Processor is made is not
// asked to.
type Keeper interface {
	Exporter

	// KeepSnapshots takes snapshots over. It is called in place of ExportSnapshots, under the same
	// rules, while delivery fails for now and half of a bound is held (in turn with it, if it fails for now too), and when
	// Shutdown is nearly over; and, as one more call than [WithConcurrency] allows, while all of these are under way
	// and five eighths of a bound are held. What it takes counts as exported; its error is read as that of
	// ExportSnapshots is. The order of a trace between what was taken over and what is exported
	// afterwards is the Keeper's to keep. Its context ends with Shutdown's time.
	KeepSnapshots(ctx context.Context, snapshots []Snapshot) error
}

// ExportError is what an [Exporter] returns when it delivered some of the
// snapshots that it was given and not others.
type ExportError struct {
	// Undelivered holds the indexes, into the slice passed to
	// ExportSnapshots, of the snapshots that were not delivered. An index
	// that is out of range or named twice is ignored.
	Undelivered []int
	// Reason is the reason under which they are counted in [Stats]; an empty
	// one stands for [ReasonExportFailed].
	Reason DropReason
	// Err is the cause.
	Err error
	// Retryable says that the delivery failed for now: the snapshots keep their place,
	// before all that follows in their traces, and are handed to the exporter
	// again after a rest of 0.5 s, doubling up to 20 s, which the first success of others
	// ends; until Shutdown's deadline. What fails so alone, while others succeed, for longer
	// than [WithExportTimeout] is counted as [ReasonExportFailed]. Of one trace nothing
	// must be delivered after a snapshot that failed for now: say the same of those.
	Retryable bool
}

// Error says how many snapshots were not delivered, and why.
func (e *ExportError) Error() string {
	if e == nil {
		return "<nil>"
	}
	return fmt.Sprintf("%s not delivered (%s): %v", countOf(uint64(len(e.Undelivered))), e.reason(), e.Err)
}

func (e *ExportError) reason() DropReason {
	if e.Reason == "" {
		return ReasonExportFailed
	}
	return e.Reason
}

// Unwrap returns the cause.
func (e *ExportError) Unwrap() error {
	if e == nil {
		return nil
	}
	return e.Err
}
