package asyncprocessor

import (
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Phase tells at which moment of a span's life a [Snapshot] was taken. More
// phases may follow: an exporter that meets one that it does not know names the
// snapshot in its [ExportError], so that it is not counted as exported.
type Phase uint8

const (
	// PhaseStart is the phase of a snapshot taken when the span started.
	PhaseStart Phase = iota + 1
	// PhaseEnd is the phase of a snapshot taken when the span ended. It is
	// complete in itself: it carries all that the START carried and more.
	PhaseEnd
	// PhaseUpdate is the phase of a span that runs, as it is now. It has no end
	// time, and carries all that was last delivered of the span.
	PhaseUpdate
	// PhaseUnfinished is the last word on a span whose END does not come: it ran
	// when the processor was shut down, and has no end time then, or its END was lost. A
	// real END that comes later wins.
	PhaseUnfinished
)

// String returns "START", "END", "UPDATE", "UNFINISHED", or "Phase(n)" for any
// other value.
func (p Phase) String() string {
	if p >= PhaseStart && p <= PhaseUnfinished {
		return [...]string{"START", "END", "UPDATE", "UNFINISHED"}[p-PhaseStart]
	}
	return fmt.Sprintf("Phase(%d)", uint8(p))
}

// Snapshot is a span's state, fixed, at its start or its end.
//
// Span is immutable and may be kept. Nothing that the application does to the
// span later shows in it. At [PhaseStart] it has no end time, and its dropped
// and child counts are zero.
type Snapshot struct {
	// Phase is the moment at which the snapshot was taken.
	Phase Phase
	// Span is the span as it was at that moment, never nil.
	Span sdktrace.ReadOnlySpan
}
