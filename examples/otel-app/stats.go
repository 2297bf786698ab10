package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// say prints for a person. Whether someone reads it changes nothing.
func say(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// writeStats prints what was delivered and what was not, of all traces of the
// process. The unit is the snapshot: a span has two, its start and its end.
func writeStats(w io.Writer, s asyncprocessor.Stats) {
	say(w, "In all traces of this process, its own start-up included:\nOf %d starts and ends of spans: %d delivered, %d starts not sent (the end says all of it), %d not delivered.\n",
		s.Offered, s.Exported, s.Coalesced, lost(s))
	for _, reason := range slices.Sorted(maps.Keys(s.DroppedBy)) {
		say(w, "  %d %s\n", s.DroppedBy[reason], reason)
	}
	if waiting := s.Queued + s.InFlight; waiting > 0 {
		say(w, "  %d still on their way\n", waiting)
	}
}

// lost is how many starts and ends were not delivered, or not known to be.
func lost(s asyncprocessor.Stats) uint64 {
	return s.Dropped + uint64(max(0, s.Queued)) + uint64(max(0, s.InFlight))
}
