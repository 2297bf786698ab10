package sgpexporter

// Stats is what an [Exporter] has done since [New].
type Stats struct {
	// Requests counts the requests with spans.
	Requests RequestStats
	// LogRecords counts the log records of [Exporter.LogProcessor].
	LogRecords LogRecordStats
	// Mapping counts what the mapping has made of spans.
	Mapping MappingStats
	// Spool is what is in the spool of [WithSpool]; zero without one.
	Spool SpoolStats
}

// RequestStats counts requests with spans, those of the spool's replay too.
type RequestStats struct {
	// Sent is the number of requests, each attempt one.
	Sent uint64
	// Retries is how often a request that failed for now was about to be sent again, after a wait within a call.
	Retries uint64
	// Splits is the number of requests that were refused whole, or failed alone, and whose items were sent again
	// in parts or altered.
	Splits uint64
	// Refused is the number of items, STARTs and ENDs, that SGP refused alone and for good.
	Refused uint64
}

// MappingStats counts what the mapping has made of spans, by the writes of them.
type MappingStats struct {
	// Cut is the number of ENDs whose attributes a limit of the SDK has cut: see
	// [ErrAttributesDropped].
	Cut uint64
	// InheritedGroups is the number of writes of spans that named no conversation and took
	// that of their trace.
	InheritedGroups uint64
	// ForgottenGroups is the number of traces whose conversation was forgotten, to
	// remember the last 8,192 at least. A span of such a trace has the group that it
	// names itself, or none.
	ForgottenGroups uint64
	// ForgottenSpans is the number of spans of which it was forgotten whether usage below
	// them is billed, to remember the last 32,768 at least. The usage of one that ends after
	// that is billed.
	ForgottenSpans uint64
}

// LogRecordStats counts the log records that belong to spans: those that
// [Exporter.LogProcessor] took, and nothing else that is logged. In every value that
// [Exporter.Stats] returns, Offered = Joined + Refused + Evicted + Expired + Held.
type LogRecordStats struct {
	// Offered is the number of all of them.
	Offered uint64
	// Joined were written with their span's END.
	Joined uint64
	// Refused were above what one span may have.
	Refused uint64
	// Evicted were lost because too many were held, Expired because their span got no
	// other for an hour and did not end.
	Evicted, Expired uint64
	// Held are kept now, for spans that run, in HeldBytes of memory, by estimate.
	Held, HeldBytes int64
}

// Stats returns the counts. Those of a disabled or nil Exporter are zero.
func (e *Exporter) Stats() Stats {
	if e.Disabled() {
		return Stats{}
	}
	records, mapped := e.records.Stats(), e.mapper.Stats()
	var spool SpoolStats
	if e.spool != nil {
		spool = e.spool.stats()
	}
	return Stats{Requests: RequestStats{
		Sent: e.client.Requests(), Retries: e.metrics.retriesMade.Load(), Splits: e.metrics.splitsMade.Load(),
		Refused: e.metrics.itemsRefused.Load(),
	}, Spool: spool, LogRecords: LogRecordStats{
		Offered: records.Added, Joined: records.Taken, Refused: records.Refused,
		Evicted: records.Evicted, Expired: records.Expired,
		Held: records.Held, HeldBytes: records.HeldBytes,
	}, Mapping: MappingStats{
		Cut: mapped.Cut, InheritedGroups: mapped.Inherited,
		ForgottenGroups: mapped.ForgottenConversations, ForgottenSpans: mapped.ForgottenSpans,
	}}
}
