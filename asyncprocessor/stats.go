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
	// Offered counts the snapshots that the SDK handed over since New, and those
	// that the Processor made itself.
	Offered uint64
	// Exported counts those that the exporter delivered, or keeps (see [Keeper]).
	Exported uint64
	// Coalesced counts those that a later one of their span took the place of while
	// they waited, as an END that of its START. It says all that they said.
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
	// Tracked is the number of running spans that the Processor holds to write
	// updates of. See [WithMaxTrackedSpans].
	Tracked int64
	// Untracked counts the spans that ran on when their START left and were not tracked, or were no longer:
	// they were more than [WithMaxTrackedSpans] or held more memory than there was room for. No updates
	// are written of them, and what they were is not kept. If their END finds no room (it counts in DroppedBy), or
	// they still run at Shutdown, the backend shows them as running.
	Untracked uint64
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
	// ReasonTraceShare: the queue was three quarters full, and the snapshot's trace
	// held more than half of it. What room is left is kept for other traces.
	ReasonTraceShare DropReason = "trace_share"
	// ReasonTooLarge: the snapshot alone is larger than [WithMaxQueueBytes]. Of an
	// END what remains without attributes, events and links was offered in its
	// place.
	ReasonTooLarge DropReason = "too_large"
	// ReasonAlreadyEnded: a START came for a span whose END waited or was in flight, as
	// from a workflow engine that replays.
	ReasonAlreadyEnded DropReason = "already_ended"
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
