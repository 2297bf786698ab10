package sgpexporter

// Stats is what an [Exporter] has done since [New].
type Stats struct {
	// LogRecords counts the log records of [Exporter.LogProcessor].
	LogRecords LogRecordStats
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
	records := e.records.Stats()
	return Stats{LogRecords: LogRecordStats{
		Offered: records.Added, Joined: records.Taken, Refused: records.Refused,
		Evicted: records.Evicted, Expired: records.Expired,
		Held: records.Held, HeldBytes: records.HeldBytes,
	}}
}
