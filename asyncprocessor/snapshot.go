package asyncprocessor

import (
	"fmt"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Phase tells at which moment of a span's life a [Snapshot] was taken. More
// phases may follow: an exporter should pass over one that it does not know.
type Phase uint8

const (
	// PhaseStart is the phase of a snapshot taken when the span started.
	PhaseStart Phase = iota + 1
	// PhaseEnd is the phase of a snapshot taken when the span ended. It is
	// complete in itself: it carries all that the START carried and more.
	PhaseEnd
)

// String returns "START", "END", or "Phase(n)" for a value that is neither.
func (p Phase) String() string {
	switch p {
	case PhaseStart:
		return "START"
	case PhaseEnd:
		return "END"
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
