package mapping

import (
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/trace"
)

// maxLineage is how many spans a lineage remembers at least, by default, from which usage is
// known in the process. A span takes some 60 bytes.
const maxLineage = 1 << 15

// lineage knows which spans have usage below them that is written where it is billed,
// so that a roll-up or a wrapper around calls is not billed once more.
//
// What is below is known by the parents that this process has seen, in writes of any
// phase. Until a span has usage, nothing is remembered. It is bounded: of the spans
// before the last maxLineage it may forget that their calls were billed, and bills a
// roll-up that ends so late too. A span that ends before its calls do, with
// usage of its own, is billed as well as they are.
type lineage struct {
	active atomic.Bool // a span has had usage
	mu     sync.Mutex  // guards what follows
	spans  recent[spanKey, ancestor]
}

type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

// ancestor is what is known of a span.
type ancestor struct {
	parent  trace.SpanID
	known   bool     // the span was seen, and parent is known
	below   bool     // usage below it is billed, or about to be
	decided decision // for its own usage, by a write that failed
}

// see takes note of the parents of spans, and of whose usage counts; uses says whether
// there is any.
func (l *lineage) see(inputs []Input, uses bool) {
	if uses {
		l.active.Store(true)
	}
	if !l.active.Load() {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for i := range inputs {
		if inputs[i].Phase != 0 {
			l.add(&inputs[i])
		}
	}
	if !uses {
		return
	}
	for i := range inputs {
		l.look(&inputs[i])
	}
}

// seeOne is see for one span.
func (l *lineage) seeOne(in *Input) {
	if !in.uses && !l.active.Load() {
		return
	}
	l.active.Store(true)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(in)
	l.look(in)
}

// add is see for one span. l.mu must be held. A root has nothing above it.
func (l *lineage) add(in *Input) {
	if !in.ParentSpanID.IsValid() {
		return
	}
	key := spanKey{in.TraceID, in.SpanID}
	a, _ := l.spans.get(key)
	if !a.known || a.parent != in.ParentSpanID {
		a.parent, a.known = in.ParentSpanID, true
		l.spans.put(key, a)
	}
	if in.uses || a.below {
		l.markAbove(in.TraceID, in.ParentSpanID)
	}
}

// markAbove marks a span and all above it, as far as they are known: who is not yet
// marks what is above when it is seen.
func (l *lineage) markAbove(traceID trace.TraceID, id trace.SpanID) {
	for id.IsValid() {
		key := spanKey{traceID, id}
		a, _ := l.spans.get(key)
		if a.below {
			return
		}
		a.below = true
		l.spans.put(key, a)
		id = a.parent
	}
}

// look tells a span with usage what bills goes by. l.mu must be held.
func (l *lineage) look(in *Input) {
	if in.uses {
		a, _ := l.spans.get(spanKey{in.TraceID, in.SpanID})
		in.below, in.bill = a.below, a.decided
	}
}

// bills decides whether the usage of a span is billed: as it was for a write that failed,
// else if none below it is, or always.
func (in *Input) bills(always bool) bool {
	if in.bill == undecided {
		in.bill = billed
		if in.below && !always {
			in.bill = notBilled
		}
	}
	return in.bill == billed
}

// keep makes what was decided for a span stay, so that its next write is the same.
func (l *lineage) keep(in *Input) {
	if in.bill == undecided {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	key := spanKey{in.TraceID, in.SpanID}
	a, _ := l.spans.get(key)
	a.decided = in.bill
	l.spans.put(key, a)
}

// ComesAgain tells that the write of an END failed for now and may or may not be stored:
// when it is mapped again, it bills what it did.
func (m *Mapper) ComesAgain(in *Input) { m.lineage.keep(in) }

// decision is whether the usage of a span is billed.
type decision uint8

const (
	undecided decision = iota
	billed
	notBilled
)
