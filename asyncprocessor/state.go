package asyncprocessor

import (
	"hash/maphash"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"
)

// startState is what can change later of a span, as it was in OnStart. What never changes is read from the live
// span when the START leaves, or when the live span is let go: most spans end before that.
type startState struct {
	name  string
	attrs []attribute.KeyValue // the SDK copies them before it writes to them
	more  *startMore           // nil for most spans; not changed once the START is offered
}

// startMore is what few spans have when they start.
type startMore struct {
	events []sdktrace.Event
	links  []sdktrace.Link
	status sdktrace.Status
	parent *trace.SpanContext // in place of the live span's, if the filter left that out
}

// readStart reads the state of a live span, and returns the estimate of the START's memory.
func readStart(live sdktrace.ReadOnlySpan, sc trace.SpanContext, kept *trace.SpanContext) (s startState, size int) {
	s.name, s.attrs = live.Name(), live.Attributes()
	events, links, status := live.Events(), live.Links(), live.Status()
	if len(events) > 0 || len(links) > 0 || status != (sdktrace.Status{}) || kept != nil {
		s.more = &startMore{ownEvents(events), ownLinks(links), status, kept}
	}
	return s, sizeOf(startBytes, s.name, s.attrs, events, links, status, sc)
}

// snapshot returns the START.
func (s *startState) snapshot(live sdktrace.ReadOnlySpan) sdktrace.ReadOnlySpan {
	stub := tracetest.SpanStub{
		Name:                 s.name,
		SpanContext:          live.SpanContext(),
		Parent:               live.Parent(),
		SpanKind:             live.SpanKind(),
		StartTime:            live.StartTime(),
		Attributes:           s.attrs,
		Resource:             live.Resource(),
		InstrumentationScope: live.InstrumentationScope(),
	}
	if m := s.more; m != nil {
		stub.Events, stub.Links, stub.Status = m.events, m.links, m.status
		if m.parent != nil {
			stub.Parent = *m.parent
		}
	}
	return stub.Snapshot()
}

// readEnd returns the END of a span as it is delivered, and the estimate of its memory. The
// SDK's snapshot of an ended span is immutable but for the attributes of its links,
// which are the application's.
func readEnd(s sdktrace.ReadOnlySpan, sc trace.SpanContext, kept *trace.SpanContext) (sdktrace.ReadOnlySpan, int) {
	links := s.Links()
	size := sizeOf(endBytes, s.Name(), s.Attributes(), s.Events(), links, s.Status(), sc)
	if len(links) > 0 || kept != nil {
		end := &endState{s, ownLinks(slices.Clone(links)), s.Parent()}
		if kept != nil {
			end.parent = *kept
		}
		s = end
	}
	return s, size
}

// endState is an ended span with links of its own, or another parent.
type endState struct {
	sdktrace.ReadOnlySpan
	links  []sdktrace.Link
	parent trace.SpanContext
}

func (s *endState) Links() []sdktrace.Link    { return s.links }
func (s *endState) Parent() trace.SpanContext { return s.parent }

// stripped is what is offered in place of an END that is larger than the whole queue: the
// span without its attributes, events and links, which count as dropped. It is nil of another phase.
func stripped(e *entry) *entry {
	if e.phase != PhaseEnd {
		return nil
	}
	s := tracetest.SpanStubFromReadOnlySpan(e.span)
	s.DroppedAttributes += len(s.Attributes)
	s.DroppedEvents += len(s.Events)
	s.DroppedLinks += len(s.Links)
	s.Attributes, s.Events, s.Links = nil, nil, nil
	size := sizeOf(endBytes, s.Name, nil, nil, nil, s.Status, s.SpanContext)
	return &entry{span: s.Snapshot(), key: e.key, bytes: bounded(size), phase: PhaseEnd}
}

// runningState is a span that runs, as it is now.
type runningState struct {
	tracetest.SpanStub
	end         time.Time // not zero if it has ended by now
	size        int
	fingerprint uint64
}

// readRunning reads the state of a running span. Its links are those of the START, since
// later ones are shared with the application.
func readRunning(live sdktrace.ReadOnlySpan, start *startMore) *runningState {
	s := &runningState{SpanStub: tracetest.SpanStubFromReadOnlySpan(live)}
	s.end, s.EndTime = s.EndTime, time.Time{}
	s.DroppedAttributes, s.DroppedEvents, s.DroppedLinks, s.ChildSpanCount = 0, 0, 0, 0
	s.Events, s.Links = ownEvents(s.Events), nil
	if start != nil {
		s.Links = start.links
		if start.parent != nil {
			s.Parent = *start.parent
		}
	}
	s.size = sizeOf(startBytes, s.Name, s.Attributes, s.Events, s.Links, s.Status, s.SpanContext)
	s.fingerprint = fingerprint(s.Name, s.Attributes, s.Events, s.Status)
	return s
}

var fingerprintSeed = maphash.MakeSeed()

// fingerprint is a hash of what can change of a running span. Events are only ever added: their number
// and the last one stand for all.
func fingerprint(name string, attrs []attribute.KeyValue, events []sdktrace.Event, status sdktrace.Status) uint64 {
	hash := attribute.NewHasher()
	for i := range attrs {
		hash.Write(attrs[i])
	}
	changes := struct {
		name      string
		attrs     attribute.Distinct
		status    sdktrace.Status
		events    int
		lastEvent string
		lastAt    time.Time
	}{name: name, attrs: hash.Distinct(), status: status, events: len(events)}
	if n := len(events); n > 0 {
		changes.lastEvent, changes.lastAt = events[n-1].Name, events[n-1].Time
	}
	return maphash.Comparable(fingerprintSeed, changes)
}

// ownLinks gives every link attributes of its own: the SDK's keep the slice that the
// application passed in. links must not be shared.
func ownLinks(links []sdktrace.Link) []sdktrace.Link {
	for i := range links {
		links[i].Attributes = slices.Clone(links[i].Attributes)
	}
	return links
}

// ownEvents does the same for events: the SDK copies their attributes today,
// but its documentation does not promise it.
func ownEvents(events []sdktrace.Event) []sdktrace.Event {
	for i := range events {
		events[i].Attributes = slices.Clone(events[i].Attributes)
	}
	return events
}
