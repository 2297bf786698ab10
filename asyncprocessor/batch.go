package asyncprocessor

import (
	"time"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// batch is what one call of the exporter carries. Its snapshots and starts belong to the export from
// when it is launched; the rest is guarded by the queue's lock.
type batch struct {
	snapshots []Snapshot
	starts    []startRead // STARTs that are still to be read

	items []*item // by index of the snapshot; nil once it is settled
	bytes uint64
	keep  bool // for the exporter's KeepSnapshots
}

// startRead is a START in a batch that is still to be read.
type startRead struct {
	index int // in the batch
	start startState
	live  sdktrace.ReadOnlySpan
	first bool // the span is tracked: this is the first write of it
}

// batchDue reports whether a batch is to be sent: because it is full, because its first
// snapshot has waited the batch timeout, or because somebody waits for the queue to
// drain, or for room in it.
func (q *queue) batchDue(now time.Duration) bool {
	ready := q.traces.ready
	return ready.items > 0 && (ready.reaches(q.fullBatch()) || q.closed || q.pressed || now-q.traces.oldest >= q.cfg.BatchTimeout)
}

func (q *queue) fullBatch() amount {
	return amount{uint64(q.cfg.MaxExportBatchSize), uint64(q.cfg.MaxExportBatchBytes)}
}

// nextBatch takes a batch out of the queues of the traces that are ready, one trace after the
// other. A snapshot that is larger than a batch goes alone.
func (q *queue) nextBatch() *batch {
	size := min(q.cfg.MaxExportBatchSize, int(q.traces.ready.items))
	b := &batch{items: make([]*item, 0, size), snapshots: make([]Snapshot, 0, size)}
	for full := false; q.traces.first != nil && !full; {
		t := q.traces.first
		if t.alone && len(b.items) > 0 {
			break
		}
		for t.head != nil && !full {
			if n := len(b.items); n == q.cfg.MaxExportBatchSize || n > 0 && b.bytes+uint64(t.head.bytes) > uint64(q.cfg.MaxExportBatchBytes) {
				full = true
				break
			}
			q.take(q.traces.pop(t), b)
			full = t.alone
		}
		if t.exporting.items == 0 {
			break // its first does not fit: it is the next batch's first
		}
		q.traces.popReady()
	}
	if !q.traces.ready.reaches(q.fullBatch()) { // else the next batch is due in any case, and the list may be long
		q.traces.oldest = noDeadline
		for t := q.traces.first; t != nil; t = t.next {
			q.traces.oldest = min(q.traces.oldest, q.due(t.head))
		}
	}
	return b
}

// take puts an item into b.
func (q *queue) take(it *item, b *batch) {
	it.state = exporting
	it.trace.exporting = it.trace.exporting.plus(it.amount())
	q.counts.send(it)
	it.sent = true
	if r := it.run; r != nil && !r.sent {
		r.sent = true
		if it.span = r.fixed; it.span == nil || r.tracked {
			b.starts = append(b.starts, startRead{len(b.items), r.start, r.live, r.tracked})
		}
		if !r.tracked {
			q.letGo(r)
			if q.traces.find(it.key) == it { // no END waits behind it
				q.counts.untracked++
			}
		}
	}
	b.items = append(b.items, it)
	b.snapshots = append(b.snapshots, Snapshot{Phase: it.phase, Span: it.span})
	b.bytes += uint64(it.bytes)
}
