package mapping

// Stats are counts since New.
type Stats struct {
	// Cut are the ENDs whose attributes a limit of the SDK has cut.
	Cut uint64
	// Inherited are the writes whose group is that of their trace.
	Inherited uint64
	// ForgottenSpans and ForgottenConversations are what was forgotten of spans with
	// usage around them, and of traces with a conversation, to stay within bounds.
	ForgottenSpans, ForgottenConversations uint64
}

// Cut returns the count of that name.
func (m *Mapper) Cut() uint64 { return m.cut.Load() }

// Stats returns the counts.
func (m *Mapper) Stats() Stats {
	s := Stats{Cut: m.cut.Load(), Inherited: m.conversations.inherited.Load()}
	m.lineage.mu.Lock()
	s.ForgottenSpans = m.lineage.spans.forgotten
	m.lineage.mu.Unlock()
	m.conversations.mu.Lock()
	s.ForgottenConversations = m.conversations.traces.forgotten
	m.conversations.mu.Unlock()
	return s
}
