package asyncprocessor

import (
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// item is a snapshot in the queue.
type item struct {
	span  sdktrace.ReadOnlySpan
	key   spanKey
	trace *traceQueue   // while it waits or is with the exporter
	next  *item         // behind it in its trace, while it waits
	since time.Duration // when it began to wait, by the queue's clock
	epoch uint32        // how many flushes began before it
	bytes uint32
	phase Phase
	state itemState
	sent  bool // it was handed to the exporter before

	running *runningSpan // of a START and the updates that take its place
}

type itemState uint8

const (
	waiting   itemState = iota // in its trace's queue
	exporting                  // with the exporter
	settled                    // delivered, lost or left out
)

func (it *item) amount() amount { return amount{1, uint64(it.bytes)} }

// last reports whether it is the last word on its span, so far.
func (it *item) last() bool { return it.phase == PhaseEnd || it.phase == PhaseUnfinished }

// runningSpan is the record of a span that runs, made in OnStart: its START and the live
// span, in one allocation. The queue's lock guards it from when it is offered; start is
// immutable once the exporter has it.
type runningSpan struct {
	item
	start startSpan
	// live is what the SDK handed to OnStart. The record keeps it while the START waits, or
	// for updates, and for no longer than a second if it is not tracked: see tracked.go.
	live    sdktrace.ReadOnlySpan
	tracked bool // counted in queue.tracked
	seen    bool // by a pass over the running spans
}
