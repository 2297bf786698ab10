package mapping

import "go.opentelemetry.io/otel/trace"

// Relation is what one span says of others, as Observe takes note of it. Who keeps
// relations where this process's memory does not last gives them back with Recall.
type Relation struct {
	TraceID              trace.TraceID
	SpanID, ParentSpanID trace.SpanID
	// Uses says that the span has usage, which those above it need not be billed for.
	Uses bool
	// Conversation is the one of the trace, "" for none, Source the attribute that says
	// so, and Weak whether any other says it better.
	Conversation, Source string
	Weak                 bool
}

// Relation returns what in says of others, and false for nothing. in was observed.
func (in *Input) Relation() (r Relation, ok bool) {
	r = Relation{TraceID: in.TraceID, SpanID: in.SpanID, ParentSpanID: in.ParentSpanID, Uses: in.uses}
	if own, has := in.ownConversation(); has {
		r.Conversation, r.Source, r.Weak = own.id, own.source, own.weak
	}
	return r, r.ParentSpanID.IsValid() || r.Conversation != ""
}

// Recall takes note of relations as if their spans were observed now, in this order.
func (m *Mapper) Recall(relations []Relation) {
	inputs := make([]Input, len(relations))
	uses := false
	for i, r := range relations {
		uses = uses || r.Uses
		inputs[i] = Input{Phase: PhaseEnd, TraceID: r.TraceID, SpanID: r.SpanID, ParentSpanID: r.ParentSpanID, uses: r.Uses}
		if r.Conversation != "" {
			m.conversations.learn(spanKey{r.TraceID, r.SpanID}, conversation{id: r.Conversation, source: r.Source, weak: r.Weak})
		}
	}
	m.lineage.see(inputs, uses)
}
