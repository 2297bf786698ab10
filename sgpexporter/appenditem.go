package sgpexporter

import (
	"fmt"
	"slices"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// read reads all snapshots: the mapping of one may depend on another that comes after
// it. One that cannot be read is a loss.
func (x *export) read() {
	now := time.Now()
	x.inputs = slices.Grow(x.inputs[:0], len(x.snapshots))[:len(x.snapshots)]
	for i, s := range x.snapshots {
		in := &x.inputs[i]
		if err := x.readOne(in, s); err != nil {
			in.Phase = 0
			x.unmapped(i, err)
			continue
		}
		in.WrittenAt = now
		in.Records = x.records.Peek(in.TraceID, in.SpanID)
	}
}

func (x *export) readOne(in *mapping.Input, s asyncprocessor.Snapshot) error {
	phase := phaseOf(s.Phase)
	if phase == 0 {
		return fmt.Errorf("%w: %v", ErrUnknownPhase, s.Phase)
	}
	return x.mapper.FromSpan(in, phase, s.Span)
}

// phaseOf returns the phase of the mapping for that of a snapshot, 0 for one that it
// does not know.
func phaseOf(phase asyncprocessor.Phase) mapping.Phase {
	switch phase {
	case asyncprocessor.PhaseStart:
		return mapping.PhaseStart
	case asyncprocessor.PhaseEnd:
		return mapping.PhaseEnd
	case asyncprocessor.PhaseUpdate:
		return mapping.PhaseUpdate
	case asyncprocessor.PhaseUnfinished:
		return mapping.PhaseUnfinished
	}
	return 0
}

// appendItem maps a span, appends its JSON to dst, and returns what names it.
func appendItem(w mapping.Writer, dst []byte, in *mapping.Input) ([]byte, transport.Item, error) {
	buf, item, err := w.Append(dst, in)
	return buf, transport.Item{
		TraceID: item.TraceID, ID: item.ID, Name: item.Name, RemoteParent: item.HasRemoteParent,
		ParentFrom: item.ParentFrom, ParentTo: item.ParentTo,
	}, err
}

// forgetEnded forgets the log records of spans whose END is delivered or lost for
// good. Of one that comes back from the queue they are needed again, and what it bills is
// kept.
func (x *export) forgetEnded() {
	again := x.failedForNow()
	if len(again) == 0 && x.records.Empty() {
		return
	}
	for i := range x.inputs {
		in := &x.inputs[i]
		switch {
		case in.Phase != mapping.PhaseEnd:
		case again[i]:
			x.mapper.ComesAgain(in)
		default:
			x.records.Take(in.TraceID, in.SpanID)
		}
	}
}

// failedForNow returns the snapshots that come back from the queue.
func (x *export) failedForNow() map[int]bool {
	var again map[int]bool
	for _, group := range x.losses.groups {
		if group.retryable {
			for _, i := range group.indexes {
				if again == nil {
					again = make(map[int]bool)
				}
				again[i] = true
			}
		}
	}
	return again
}
