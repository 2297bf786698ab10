package asyncprocessor

// Stats is a consistent view of a [Processor]'s counts. Every value that
// [Processor.Stats] returns satisfies
//
//	Offered = Exported + Coalesced + Dropped + Queued + InFlight
//	Dropped = the sum over DroppedBy
//
// The unit is the snapshot: a span that starts and ends is two of them. Only
// snapshots of sampled spans count. A caller that waits for room under
// [WithBlocking] is not offered yet, and under [StartNever] only ENDs are.
type Stats struct {
	// Offered counts the snapshots that the SDK handed over since New.
	Offered uint64
	// Exported counts those that the exporter delivered.
	Exported uint64
	// Coalesced counts the STARTs left out because their END was in the same
	// batch. The END says all that the START said.
	Coalesced uint64
	// Dropped counts those that were lost, whatever the reason.
	Dropped uint64
	// Queued is the number that wait to be exported.
	Queued int64
	// InFlight is the number in the hands of the exporter.
	InFlight int64
	// DroppedBy splits Dropped by reason. The map belongs to the caller; a
	// reason that never occurred is absent.
	DroppedBy map[DropReason]uint64
}

// DropReason says why a snapshot was lost.
type DropReason string

const (
	// ReasonQueueFull: the queue was at [WithMaxQueueSize] or
	// [WithMaxQueueBytes].
	ReasonQueueFull DropReason = "queue_full"
	// ReasonStartRefused: a START came while the queue was three quarters
	// full. What room is left is kept for ENDs, which are worth more.
	ReasonStartRefused DropReason = "start_refused"
	// ReasonTooLarge: the snapshot alone is larger than [WithMaxQueueBytes].
	ReasonTooLarge DropReason = "too_large"
	// ReasonAlreadyShutdown: the snapshot came after Shutdown was called.
	ReasonAlreadyShutdown DropReason = "already_shutdown"
	// ReasonShutdownDeadline: Shutdown ran out of time before the snapshot
	// was known to be delivered.
	ReasonShutdownDeadline DropReason = "shutdown_deadline"
	// ReasonExportFailed: the exporter gave up.
	ReasonExportFailed DropReason = "export_failed"
	// ReasonExporterPanic: the exporter panicked.
	ReasonExporterPanic DropReason = "exporter_panic"
	// ReasonRejected: the backend refused the snapshot for good.
	ReasonRejected DropReason = "rejected"
	// ReasonFiltered: the application asked for it, by a hook of the exporter.
	// It is counted like the others, but it is no failure: it is not reported,
	// and no error of ForceFlush and Shutdown.
	ReasonFiltered DropReason = "filtered"
)
