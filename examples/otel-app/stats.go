package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// writeStats prints what was delivered and what was not. The unit is the
// snapshot: a span has two, its start and its end.
func writeStats(w io.Writer, s asyncprocessor.Stats) {
	fmt.Fprintf(w, "Of %d starts and ends of spans: %d delivered, %d starts left out as their end tells it all, %d not delivered.\n",
		s.Offered, s.Exported, s.Coalesced, lost(s))
	for _, reason := range slices.Sorted(maps.Keys(s.DroppedBy)) {
		fmt.Fprintf(w, "  %d %s\n", s.DroppedBy[reason], reason)
	}
	if waiting := s.Queued + s.InFlight; waiting > 0 {
		fmt.Fprintf(w, "  %d still on their way\n", waiting)
	}
}

// lost is how many starts and ends were not delivered, or not known to be.
func lost(s asyncprocessor.Stats) uint64 {
	return s.Dropped + uint64(max(0, s.Queued)) + uint64(max(0, s.InFlight))
}
