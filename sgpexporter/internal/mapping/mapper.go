package mapping

import (
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/sdkspan"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// Defaults of Config.
const (
	// DefaultMaxStringBytes is the default of Config.MaxStringBytes: 1 MiB.
	DefaultMaxStringBytes = sgpspan.DefaultMaxStringBytes
	// DefaultMaxDepth is the default of Config.MaxDepth.
	DefaultMaxDepth = sgpspan.DefaultMaxDepth
	// DefaultSource is the default of Config.Source.
	DefaultSource = "otel-go"
)

// IDFormat says in which form W3C ids become SGP ids.
type IDFormat uint8

const (
	// HexIDs, the default, keeps the ids as they stand in logs: 32 and 16
	// lowercase hexadecimal digits.
	HexIDs IDFormat = iota
	// UUIDs writes the trace id's 16 bytes in the form of a UUID, and makes of
	// trace id and span id together a UUID of version 8 (RFC 9562): the first
	// 16 bytes of their SHA-256. A span's UUID is the same in every process
	// and differs between traces.
	UUIDs
)

// String returns the format's name in this package.
func (f IDFormat) String() string {
	switch f {
	case HexIDs:
		return "HexIDs"
	case UUIDs:
		return "UUIDs"
	}
	return fmt.Sprintf("IDFormat(%d)", uint8(f))
}

// Hook may change a mapped span before it is encoded; it drops the span when it
// returns false.
type Hook = func(*sgpspan.Span) (keep bool)

// Config configures a Mapper. The zero value is usable.
type Config struct {
	// IDs is the form of the ids.
	IDs IDFormat
	// Hooks run in order on each mapped span before it is encoded, and until
	// one of them drops it. They run concurrently on different spans.
	Hooks []Hook
	// MaxStringBytes bounds each string; 0 means DefaultMaxStringBytes.
	MaxStringBytes int
	// MaxDepth bounds the nesting of attribute values and JSON payloads;
	// 0 means DefaultMaxDepth.
	MaxDepth int
	// Source is metadata.__source__; "" means DefaultSource.
	Source string
	// AgentName, AgentID and ACPType are metadata.__agent_name__,
	// __agent_id__ and __acp_type__; each is absent when empty.
	AgentName, AgentID, ACPType string
}

// ErrFiltered is what Append returns for a span that a hook has dropped.
var ErrFiltered = errors.New("sgpexporter: span dropped by a hook")

// ErrNoParent is what AppendDetached returns for a span without a parent.
var ErrNoParent = errors.New("sgpexporter: span has no parent to leave out")

// Item names a span in a report.
type Item struct {
	// TraceID, ID and Name are what SGP was or would be sent, after the hooks.
	// Name is empty when a hook drops the span or panics.
	TraceID, ID, Name string
	// Phase is the snapshot's.
	Phase asyncprocessor.Phase
}

// Mapper maps snapshots to items of an SGP request. It is safe for concurrent
// use.
type Mapper struct {
	cfg     Config
	encoder sgpspan.Encoder
	cache   cache
}

// New returns a Mapper.
func New(cfg Config) *Mapper {
	if cfg.Source == "" {
		cfg.Source = DefaultSource
	}
	return &Mapper{
		cfg:     cfg,
		encoder: sgpspan.Encoder{MaxStringBytes: cfg.MaxStringBytes, MaxDepth: cfg.MaxDepth},
	}
}

// Append maps s and appends its SGP item, one JSON object, to dst. On error
// nothing is appended: ErrFiltered when a hook dropped the span, a
// *HookPanicError when one panicked, a *PanicError when s.Span did, or what it
// gave could not be mapped.
func (m *Mapper) Append(dst []byte, s asyncprocessor.Snapshot) ([]byte, error) {
	w := m.Writer()
	defer w.Close()
	return w.append(dst, s, false)
}

// AppendDetached is Append without parent_id, and with a note in the metadata
// that says so. It is for a span whose parent the server refuses. Without a parent it
// would be what Append appends: then it returns ErrNoParent.
func (m *Mapper) AppendDetached(dst []byte, s asyncprocessor.Snapshot) ([]byte, error) {
	w := m.Writer()
	defer w.Close()
	return w.append(dst, s, true)
}

// Writer maps one snapshot after the other, with the same working memory. It
// belongs to one goroutine.
type Writer struct {
	m  *Mapper
	sc *scratch
}

// Writer returns a Writer, to be closed.
func (m *Mapper) Writer() Writer { return Writer{m, scratches.Get().(*scratch)} }

// Close gives the working memory back.
func (w Writer) Close() { w.sc.release() }

// Append is Mapper.Append.
func (w Writer) Append(dst []byte, s asyncprocessor.Snapshot) ([]byte, error) {
	return w.append(dst, s, false)
}

func (w Writer) append(dst []byte, s asyncprocessor.Snapshot, detached bool) (out []byte, err error) {
	w.sc.reset()
	defer func() {
		if v := recover(); v != nil {
			out, err = dst, w.sc.panicked(s.Phase, v)
		}
	}()
	span := w.m.mapSpan(w.sc, s)
	if err := w.m.runHooks(span); err != nil {
		return dst, err
	}
	if detached {
		if span.ParentID == "" {
			return dst, ErrNoParent
		}
		span.Notes = append(span.Notes, "parent_id: left out, the server refused "+span.ParentID)
		span.ParentID = ""
	}
	return w.m.encoder.AppendJSON(dst, span), nil
}

// Item returns what names s in a report, as far as s.Span tells it without a panic.
func (m *Mapper) Item(s asyncprocessor.Snapshot) (item Item) {
	sc := scratches.Get().(*scratch)
	defer sc.release()
	defer func() {
		_ = recover()
		item = sc.item(s.Phase, item.Name)
	}()
	span := m.mapSpan(sc, s)
	if m.runHooks(span) == nil {
		item.Name = span.Name
	}
	return item
}

// item names the span that lives in sc.
func (sc *scratch) item(phase asyncprocessor.Phase, name string) Item {
	return Item{TraceID: clone(sc.span.TraceID), ID: clone(sc.span.ID), Name: name, Phase: phase}
}

func (m *Mapper) runHooks(span *sgpspan.Span) (err error) {
	if len(m.cfg.Hooks) == 0 {
		return nil
	}
	defer func() {
		if v := recover(); v != nil {
			err = &HookPanicError{Value: v, Stack: debug.Stack()}
		}
	}()
	for _, hook := range m.cfg.Hooks {
		if hook != nil && !hook(span) {
			return ErrFiltered
		}
	}
	return nil
}

// mapSpan maps s to a span that lives in sc.
func (m *Mapper) mapSpan(sc *scratch, s asyncprocessor.Snapshot) *sgpspan.Span {
	span := &sc.span
	sc.hooks = len(m.cfg.Hooks) > 0
	src := sdkspan.PeekEnded(s.Span)
	if src == nil {
		src = &sc.copied
		src.CopyIdentity(s.Span)
	}
	m.identity(sc, &src.SpanContext, &src.Parent)
	if src == &sc.copied {
		src.CopyState(s.Span) // what panics here is told with its ids
	}
	span.Name = src.Name
	span.Start = src.StartTime
	if s.Phase == asyncprocessor.PhaseEnd {
		span.End = src.EndTime
		if span.End.IsZero() {
			span.End = span.Start
			sc.note("end_timestamp: missing, set to start_timestamp")
		}
	}
	sc.collect(src)
	sc.group()
	sc.spanType()
	if sc.hasPayload || len(sc.flat) > 0 || len(sc.messages) > 0 {
		sc.payloads()
		sc.usage()
	}
	if s.Phase == asyncprocessor.PhaseEnd {
		sc.status(&src.Status)
	}
	m.metadata(sc, src)
	return span
}
