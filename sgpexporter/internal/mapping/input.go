package mapping

import (
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/logrecords"
)

// Phase is the moment of a span's life that an [Input] shows.
type Phase uint8

// The phases.
const (
	// PhaseStart is the span as it started: no end, no status, no usage.
	PhaseStart Phase = iota + 1
	// PhaseEnd is the span as it ended.
	PhaseEnd
	// PhaseUpdate is a running span as it is now. It is mapped like a START, with
	// the time of the write in metadata.heartbeat.
	PhaseUpdate
	// PhaseUnfinished is the last word on a span whose END does not come. It is
	// mapped like an END, but CANCELED where the span has no end of its own, and
	// without usage.
	PhaseUnfinished
)

// String returns "START", "END", "UPDATE", "UNFINISHED", or "Phase(n)" for any
// other value.
func (p Phase) String() string {
	switch p {
	case PhaseStart:
		return "START"
	case PhaseEnd:
		return "END"
	case PhaseUpdate:
		return "UPDATE"
	case PhaseUnfinished:
		return "UNFINISHED"
	}
	return fmt.Sprintf("Phase(%d)", uint8(p))
}

// ended reports whether an item of this phase has an end.
func (p Phase) ended() bool { return p == PhaseEnd || p == PhaseUnfinished }

// Input is a span at one moment, as the mapping reads it: a plain copy of what
// OpenTelemetry knows of it, from an SDK's span or from anywhere else. The mapping
// changes nothing that it points to.
type Input struct {
	// Phase is the moment.
	Phase Phase
	// WrittenAt is the time of the write. PhaseUpdate and PhaseUnfinished need it.
	WrittenAt time.Time

	TraceID trace.TraceID
	SpanID  trace.SpanID
	// ParentTraceID is the trace of the parent; zero means TraceID.
	ParentTraceID trace.TraceID
	ParentSpanID  trace.SpanID // zero for a root
	// ParentIsRemote says that the parent is a span of another process.
	ParentIsRemote bool
	TraceState     trace.TraceState

	Name      string
	Kind      trace.SpanKind
	StartTime time.Time
	EndTime   time.Time // zero while the span runs

	Attributes []attribute.KeyValue
	Events     []sdktrace.Event
	Links      []sdktrace.Link
	Status     sdktrace.Status
	// Records are the log records that carry the span's id.
	Records []Record

	DroppedAttributes, DroppedEvents, DroppedLinks int
	ChildSpanCount                                 int

	Scope    instrumentation.Scope
	Resource *resource.Resource // nil for none

	classified bool
	keys       []keyID // of Attributes, once classified
	roles      roles   // of Attributes, likewise
	observed   bool
	ids        string // what appendIDs makes, once observed in a batch
	idsEnd     int    // where ids ends among those of the batch
	uses       bool   // the usage of the span counts for those above it, once observed
	below      bool   // there is usage below it, if it uses itself
	bill       decision
}

// Record is a log record that belongs to a span. The members of a body that is a map
// count as attributes.
type Record = logrecords.Record

// read fills in with what span says at a phase, but for Records. It asks each getter
// once, the ids first, so that a span whose getter panics can be named.
func (in *Input) read(phase Phase, span sdktrace.ReadOnlySpan) {
	in.Phase = phase
	sc, parent := span.SpanContext(), span.Parent()
	in.TraceID, in.SpanID, in.TraceState = sc.TraceID(), sc.SpanID(), sc.TraceState()
	in.ParentTraceID, in.ParentSpanID, in.ParentIsRemote = parent.TraceID(), parent.SpanID(), parent.IsRemote()
	in.Name = span.Name()
	in.Kind = span.SpanKind()
	in.StartTime = span.StartTime()
	in.EndTime = span.EndTime()
	in.Attributes = span.Attributes()
	in.Events = span.Events()
	in.Links = span.Links()
	in.Status = span.Status()
	in.DroppedAttributes = span.DroppedAttributes()
	in.DroppedEvents = span.DroppedEvents()
	in.DroppedLinks = span.DroppedLinks()
	in.ChildSpanCount = span.ChildSpanCount()
	in.Scope = span.InstrumentationScope()
	in.Resource = span.Resource()
}

// Reset empties in, so that it holds no memory of a span, to be filled again.
func (in *Input) Reset() { *in = Input{keys: in.keys[:0]} }

// FromSpan fills in, which is empty or Reset, with what span says at a phase; WrittenAt and Records are the
// caller's to set afterwards. It returns a *PanicError when a getter panics, as
// those of a ReadOnlySpan that is not the SDK's own can, or span is nil.
func (m *Mapper) FromSpan(in *Input, phase Phase, span sdktrace.ReadOnlySpan) (err error) {
	defer func() {
		if v := recover(); v != nil {
			in.Phase = phase
			err = m.panicked(in, v)
		}
	}()
	in.read(phase, span)
	in.classify() // while what it looks at is in the processor's cache
	return nil
}
