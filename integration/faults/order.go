package main

import (
	"fmt"
	"os"
	"slices"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// judgeOrder counts what was stored out of order, and apart from it what was in order and was sent again since no
// answer had come: a request that the end of a process abandons may take effect all the same.
func (o *outcome) judgeOrder(sgp *sgptest.Server) {
	for _, v := range sgp.Violations() {
		if v.Kind != sgptest.StartAfterEnd && v.Kind != sgptest.ChildBeforeParent {
			continue
		}
		if span, ok := sgp.Span(v.Write.TraceID, v.Write.ID); ok && isRepeat(v, span.Writes) {
			o.Repeated++
		} else {
			if o.Violations < 3 {
				fmt.Fprintf(os.Stderr, "order: %v; written at %v, the other at %v\n", v, v.Write.Time, v.Earlier.Time)
			}
			o.Violations++
		}
	}
	// What was answered is not in the spool any more. So if the next process finds more than was left there, it
	// repeats what was answered.
	if o.Found > o.LeftOnDisk {
		o.Violations += o.Repeated
		o.Repeated = 0
	}
}

// isRepeat reports whether a START came after an END since both are written again: the first time they were
// in order, and now the END follows once more.
func isRepeat(v sgptest.Violation, writes []sgptest.Write) bool {
	return v.Kind == sgptest.StartAfterEnd &&
		slices.ContainsFunc(writes, func(w sgptest.Write) bool { return !w.Completed && w.Seq < v.Earlier.Seq }) &&
		slices.ContainsFunc(writes, func(w sgptest.Write) bool { return w.Completed && w.Seq > v.Write.Seq })
}
