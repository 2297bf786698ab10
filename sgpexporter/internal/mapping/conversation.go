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
// spans that this process has seen, for the spans that do not say it.
type conversations struct {
	active    atomic.Bool // a span has had one
	inherited atomic.Uint64
	mu        sync.Mutex // guards traces
	traces    recent[trace.TraceID, conversation]
}

type conversation struct {
	id, source string
	weak       bool // from roleWeakGroup
}

// learn remembers that a trace is of a conversation: of several the first, of a weak
// one and another the other.
func (c *conversations) learn(traceID trace.TraceID, own conversation) {
	if len(own.id) > sgpspan.MaxIDBytes {
		return
	}
	c.active.Store(true)
	c.mu.Lock()
	defer c.mu.Unlock()
	if known, ok := c.traces.get(traceID); !ok || known.weak && !own.weak {
		own.id = strings.Clone(own.id) // it may be a part of something large
		c.traces.put(traceID, own)
	}
}

// of returns the conversation of a trace.
func (c *conversations) of(traceID trace.TraceID) (conversation, bool) {
	if !c.active.Load() {
		return conversation{}, false
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.traces.get(traceID)
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
			best, own = id, conversation{text, k.name, k.role == roleWeakGroup}
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
	if of, ok := m.conversations.of(in.TraceID); ok && !(of.weak && isWeak) {
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
