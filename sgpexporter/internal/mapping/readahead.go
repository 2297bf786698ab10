package mapping

import (
	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/sdkspan"
)

// ReadAhead is how many snapshots Writer.ReadAhead reads.
const ReadAhead = 32

// ReadAhead reads a little of each of the first snapshots, as many as ReadAhead. Hardly
// anything of a span that waited is in the cache any more. Of many read at once the misses
// overlap; one after the other, as Append meets them, they took a twelfth of all CPU time
// from a span's start to the answer of the server.
func (w Writer) ReadAhead(snapshots []asyncprocessor.Snapshot) {
	// A span whose getter panics is left to Append.
	defer func() { _ = recover() }()
	sc := w.sc
	sc.ahead = sc.ahead[:0]
	for _, s := range snapshots[:min(ReadAhead, len(snapshots))] {
		if e := sdkspan.PeekEnded(s.Span); e != nil { // something of each of its cache lines
			sc.read += len(e.Name) + int(e.SpanKind) + len(e.Status.Description) + len(e.InstrumentationScope.Name)
			sc.ahead = append(sc.ahead, e.Attributes)
		} else {
			sc.ahead = append(sc.ahead, s.Span.Attributes())
		}
	}
	for _, attrs := range sc.ahead {
		for i := range attrs {
			sc.read += len(attrs[i].Key)
		}
	}
}
