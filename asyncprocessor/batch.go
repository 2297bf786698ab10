package asyncprocessor

import (
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// batch is what one call of the exporter carries. Its snapshots and starts belong to the export from
// when it is launched; the rest is guarded by the queue's lock.
type batch struct {
	snapshots []Snapshot
	starts    []startRead // STARTs whose constants are still to be read

	items []*item // by index of the snapshot; nil once it is settled
	left  int     // that are not
	bytes uint64
	keep  bool // for the exporter's KeepSnapshots
}

// startRead is a START in a batch and the live span of which its constants are read.
type startRead struct {
	start  *startSpan
	live   sdktrace.ReadOnlySpan
	record *item // nil if the span is not tracked
	index  int   // in the batch
}

// batchDue reports whether a batch is to be sent: because it is full, because its first
// snapshot has waited the batch timeout, or because somebody waits for the queue to
// drain, or for room in it.
func (q *queue) batchDue(now time.Duration) bool {
	ready := q.traces.waiting
	return ready.items > 0 && (ready.items >= uint64(q.cfg.maxBatchSize) || ready.bytes >= uint64(q.cfg.maxBatchBytes) ||
		q.closed || q.pressed || now-q.traces.oldest >= q.cfg.batchTimeout)
}

// sendable reports whether something could be sent now.
func (q *queue) sendable() bool { return q.traces.first != nil && q.calls < q.cfg.concurrency }

// nextBatch takes a batch out of the queues of the traces that are ready, one trace after the
// other. A snapshot that is larger than a batch goes alone.
func (q *queue) nextBatch() *batch {
	b := new(batch)
	size := min(q.cfg.maxBatchSize, int(q.traces.waiting.items))
	b.items, b.snapshots = make([]*item, 0, size), make([]Snapshot, 0, size)
	for full := false; q.traces.first != nil && !full; {
		t := q.traces.first
		if t.alone {
			if b.left > 0 {
				break
			}
			full = true
		}
		var took amount
		for t.head != nil {
			if b.left == q.cfg.maxBatchSize || t.alone && b.left == 1 ||
				b.left > 0 && b.bytes+uint64(t.head.bytes) > uint64(q.cfg.maxBatchBytes) {
				full = true
				break
			}
			it := t.pop()
			took = took.plus(it.amount())
			q.take(it, b)
		}
		if took.items == 0 {
			break // its first does not fit: it is the next batch's first
		}
		t.exporting = took
		q.traces.popReady(took)
	}
	if q.traces.waiting.items < uint64(q.cfg.maxBatchSize) {
		q.traces.findOldest(q.due)
	}
	q.counts.inFlight += int64(b.left)
	return b
}

// take puts an item into b.
func (q *queue) take(it *item, b *batch) {
	it.state = exporting
	q.countEnd(it, -1)
	if it.phase == PhaseEnd && !it.sent {
		q.counts.endsSubmitted++
	}
	it.sent = true
	if it.phase == PhaseStart && !it.shared {
		it.shared = true
		read := startRead{start: &it.start, live: it.live, index: len(b.items)}
		if it.tracked {
			read.record = it
		}
		if read.record != nil || it.start.constants == nil {
			b.starts = append(b.starts, read)
		}
		if !it.tracked {
			q.letGo(it)
			if it.trace.spans.find(it.key.span) == it { // no END waits behind it
				q.counts.untracked++
			}
		}
	}
	b.items = append(b.items, it)
	b.snapshots = append(b.snapshots, Snapshot{Phase: it.phase, Span: it.span})
	b.bytes += uint64(it.bytes)
	b.left++
}
