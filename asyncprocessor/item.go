package asyncprocessor

import (
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// item is a snapshot in the queue. It is small, and made to be read in few places of memory: thousands wait, and most have
// left the cache when their turn comes.
type item struct {
	key      spanKey
	inBucket *item // the next in the same bucket of the index

	span  sdktrace.ReadOnlySpan // what is delivered; nil of a START that is still to be read
	run   *running              // of a START and the updates of its span
	trace *traceQueue           // while it is held
	next  *item                 // behind it in its trace, while it waits
	since time.Duration         // when it began to wait, by the queue's clock
	epoch uint32                // how many flushes began before it
	bytes uint32
	phase Phase
	state itemState

	sent   bool // it was handed to the exporter before
	closes bool // an END: the START of its span was delivered, or may be
}

// running is the record of a span from its START on.
type running struct {
	// live is what the SDK handed to OnStart. It is kept while the START waits, or for updates, and
	// for no longer than two seconds if the span is not tracked: see pass.go.
	live    sdktrace.ReadOnlySpan
	start   startState
	fixed   sdktrace.ReadOnlySpan // the START, if a pass read it while it waited
	tracked bool                  // counted in queue.tracked

	sent        bool          // its START was handed to the exporter
	written     bool          // its START, or an update, was delivered
	endSeen     bool          // by a pass, though its END has not come
	leaked      bool          // it was reported as running for too long
	size        int           // as a pass last estimated it
	startedAt   time.Duration // by the queue's clock
	writtenAt   time.Duration // when it was last delivered
	readAt      time.Duration // when a pass last read it for an update
	fingerprint uint64        // of what was last handed to the exporter
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
