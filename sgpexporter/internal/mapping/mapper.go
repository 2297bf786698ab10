package mapping

import (
	"cmp"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"

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
	// __agent_id__ and __acp_type__, AgentVersion and CommitSHA __agent_version__
	// and __commit_sha__; each is absent when empty.
	AgentName, AgentID, ACPType string
	AgentVersion, CommitSHA     string
	// MetadataAttributes are keys of attributes of spans that stand at the top of
	// the metadata, their dots as underscores.
	MetadataAttributes []string
	// WithoutContent redacts what models were asked and have answered, after the
	// hooks.
	WithoutContent bool
	// MaxRelations is how many spans, and traces, the mapping remembers at least, for what
	// they say of others; 0 means 32,768 spans and 8,192 traces.
	MaxRelations int
}

// ErrFiltered is what Append returns for a span that a hook has dropped.
var ErrFiltered = errors.New("sgpexporter: span dropped by a hook")

// Mapper maps spans to items of an SGP request. It is safe for concurrent
// use.
type Mapper struct {
	cfg     Config
	encoder sgpspan.Encoder
	cache   cache
	lifted  map[attribute.Key]string // names in the metadata, nil for none

	lineage       lineage
	conversations conversations
	cut           atomic.Uint64 // ENDs whose attributes a limit of the SDK has cut
}

// New returns a Mapper.
func New(cfg Config) *Mapper {
	if cfg.Source == "" {
		cfg.Source = DefaultSource
	}
	m := &Mapper{
		cfg:     cfg,
		encoder: sgpspan.Encoder{MaxStringBytes: cfg.MaxStringBytes, MaxDepth: cfg.MaxDepth},
		lifted:  liftedNames(cfg.MetadataAttributes),
	}
	m.lineage.spans.limit = cmp.Or(cfg.MaxRelations, maxLineage)
	m.conversations.traces.limit = cmp.Or(cfg.MaxRelations, maxConversations)
	m.conversations.relatives.limit = m.conversations.traces.limit
	if cfg.WithoutContent {
		m.cfg.Hooks = append(slices.Clip(cfg.Hooks), sgpspan.RedactContent())
	}
	return m
}

// Writer maps one span after the other, with the same working memory. It belongs to
// one goroutine.
type Writer struct {
	m  *Mapper
	sc *scratch
}

// Writer returns a Writer, to be closed.
func (m *Mapper) Writer() Writer { return Writer{m, scratches.Get().(*scratch)} }

// Close gives the working memory back.
func (w Writer) Close() { w.sc.release() }

// Append maps in and appends its SGP item, one JSON object, to dst. It runs the hooks,
// once. On error nothing is appended, and the item has the ids alone: ErrFiltered when
// a hook dropped the span, a *HookPanicError when one panicked, a *PanicError when
// mapping did.
func (w Writer) Append(dst []byte, in *Input) (out []byte, item Item, err error) {
	defer func() {
		if v := recover(); v != nil {
			err = w.m.panicked(in, v)
			out, item = dst, w.m.itemOf(in)
		}
	}()
	if !in.observed {
		w.observe(in)
		w.m.lineage.seeOne(in)
	}
	w.sc.reset()
	span := w.m.mapSpan(w.sc, in)
	if err := w.m.runHooks(span); err != nil {
		return dst, w.m.itemOf(in), err
	}
	out = w.m.encoder.AppendJSON(dst, span)
	item = Item{
		TraceID: span.TraceID, ID: span.ID, Name: span.Name,
		Phase: in.Phase, HasRemoteParent: in.ParentIsRemote,
	}
	if span.ParentID != "" {
		item.locateParent(out[len(dst):])
	}
	return out, item, nil
}

// itemOf names a span that has not been mapped.
func (m *Mapper) itemOf(in *Input) Item {
	item := Item{Phase: in.Phase, HasRemoteParent: in.ParentIsRemote}
	if in.TraceID.IsValid() || in.SpanID.IsValid() {
		item.TraceID, item.ID = m.ids(in.TraceID, in.SpanID)
	}
	return item
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

// mapSpan maps in to a span that lives in sc.
func (m *Mapper) mapSpan(sc *scratch, in *Input) *sgpspan.Span {
	span := &sc.span
	sc.hooks = len(m.cfg.Hooks) > 0
	m.identity(sc, in)
	span.Name = in.Name
	span.Start = in.StartTime
	if in.Phase.ended() {
		sc.end(in)
	}
	sc.collect(in, m.lifted)
	m.group(sc, in)
	sc.spanType(in)
	if sc.hasPayload() {
		sc.sides()
	}
	m.usage(sc, in)
	sc.application()
	if in.Phase.ended() {
		sc.status(in)
		sc.noteUnanswered()
	}
	m.metadata(sc, in)
	return span
}

// end sets the span's end.
func (sc *scratch) end(in *Input) {
	span := &sc.span
	span.End = in.EndTime
	switch {
	case in.Phase == PhaseUnfinished && span.End.IsZero():
		span.End = in.WrittenAt
		sc.note("unfinished: the span ran when its process ended; end_timestamp is the time of this write")
	case in.Phase == PhaseUnfinished:
		sc.note("unfinished: written in the place of the END, which was lost; usage is not known")
	case span.End.IsZero():
		span.End = span.Start
		sc.note("end_timestamp: missing, set to start_timestamp")
	}
}

// application sets what only an application knows.
func (sc *scratch) application() {
	if id, ok := sc.text(roleVariant); ok {
		sc.span.ApplicationVariantID = id
		sc.take(sc.found[roleVariant])
	}
	if id, ok := sc.text(roleInteraction); ok {
		sc.span.ApplicationInteractionID = id
		sc.take(sc.found[roleInteraction])
	}
	if sc.has(roleExpected) {
		kv := sc.attr(sc.found[roleExpected])
		sc.span.Expected = sc.spread(string(kv.Key), sc.structured(kv, false))
		sc.take(sc.found[roleExpected])
	}
}
