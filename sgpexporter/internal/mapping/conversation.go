package mapping

import (
	"strings"
	"sync"
	"sync/atomic"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// maxConversations is how many traces are remembered at least, by default.
const maxConversations = 1 << 13

// conversations remembers the conversation of each trace, by the attributes of its
// spans that this process has seen, for the spans that do not say it. In a trace with
// several, as of a worker that has one trace for all that it does, such a span has that
// of the nearest span above it.
type conversations struct {
	active    atomic.Bool // a span has had one
	inherited atomic.Uint64
	mu        sync.Mutex // guards what follows
	traces    recent[trace.TraceID, conversation]
	// relatives are the spans of traces with several conversations, from the second
	// one on.
	relatives recent[spanKey, relative]
}

type conversation struct {
	id, source string
	weak       bool // from roleWeakGroup
	several    bool // the trace has others too
}

// relative is a span with a conversation of its own, or another and what is above it.
type relative struct {
	own    conversation
	parent trace.SpanID
}

// maxAbove bounds how many spans above one are asked for their conversation.
const maxAbove = 64

// learn remembers that a span of a trace is of a conversation. The trace is of the
// first of several; of a weak one and another it is of the other.
func (c *conversations) learn(span spanKey, own conversation) {
	if len(own.id) > sgpspan.MaxIDBytes {
		return
	}
	c.active.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	known, ok := c.traces.get(span.trace)
	switch {
	case !ok || known.weak && !own.weak:
		own.id = strings.Clone(own.id) // it may be a part of something large
		c.traces.put(span.trace, own)
	case own.weak || own.id == known.id && !known.several:
	default:
		if !known.several {
			known.several = true
			c.traces.put(span.trace, known)
		}
		own.id = strings.Clone(own.id)
		c.relatives.put(span, relative{own: own})
	}
}

// of returns the conversation of a span that does not say it.
func (c *conversations) of(in *Input) (conversation, bool) {
	if !c.active.Load() {
		return conversation{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	first, ok := c.traces.get(in.TraceID)
	if !first.several || !in.ParentSpanID.IsValid() {
		return first, ok
	}
	c.relatives.put(spanKey{in.TraceID, in.SpanID}, relative{parent: in.ParentSpanID})
	above := in.ParentSpanID
	for range maxAbove {
		r, known := c.relatives.get(spanKey{in.TraceID, above})
		if r.own.id != "" {
			return r.own, true
		}
		if !known {
			break
		}
		above = r.parent
	}
	return first, ok
}

// ownConversation returns what a span says itself.
func (in *Input) ownConversation() (own conversation, ok bool) {
	if !in.roles.hasAny(groupRoles) {
		return own, false
	}
	best := keyID(0)
	for i, id := range in.keys {
		if id <= 0 {
			continue
		}
		k := &keyTable[id-1]
		if k.role != roleGroup && k.role != roleWeakGroup {
			continue
		}
		v := in.Attributes[i].Value
		if v.Type() != attribute.STRING {
			continue
		}
		if text := v.AsString(); text != "" && (best == 0 || id < best) {
			best, own = id, conversation{id: text, source: k.name, weak: k.role == roleWeakGroup}
		}
	}
	return own, best != 0
}

// group sets the group: the span's own conversation, else that of its trace, else what
// groups spans where none is known. An id that the encoder has to repair stays among the
// attributes too, whole.
func (m *Mapper) group(sc *scratch, in *Input) {
	if id, ok := sc.text(roleGroup); ok {
		sc.ownGroup(roleGroup, id)
		return
	}
	weak, isWeak := sc.text(roleWeakGroup)
	if of, ok := m.conversations.of(in); ok && !(of.weak && isWeak) {
		sc.span.GroupID, sc.span.GroupSource = of.id, of.source
		m.conversations.inherited.Add(1)
		return
	}
	if isWeak {
		sc.span.GroupID, sc.span.GroupSource = weak, string(sc.attr(sc.found[roleWeakGroup]).Key)
	}
}

func (sc *scratch) ownGroup(r role, id string) {
	sc.span.GroupID, sc.span.GroupSource = id, string(sc.attr(sc.found[r]).Key)
	if fitsID(id) {
		sc.take(sc.found[r])
	}
}
