package sgpexporter

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/spool"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

const (
	// directTime bounds the delivery at once of what is on disk already: there it can wait, too.
	directTime = 5 * time.Second
	// directConcurrency bounds these deliveries.
	directConcurrency = 32
)

// Keeps reports whether the Exporter can keep snapshots: it has a spool.
func (e *Exporter) Keeps() bool { return !e.Disabled() && e.spool != nil }

// BatchTimeout is the longest that a snapshot waits in the processor for its batch: 50 ms with
// [SpoolAlways], whatever asyncprocessor.WithBatchTimeout says, since what waits is not on disk yet. It is 0,
// which is no limit, otherwise.
func (e *Exporter) BatchTimeout() time.Duration {
	if e.Keeps() && e.spool.mode == SpoolAlways {
		return 50 * time.Millisecond
	}
	return 0
}

// KeepSnapshots implements [asyncprocessor.Keeper]: it takes snapshots over to the spool of
// [WithSpool], from where they are delivered later, and returns when they are in its files: a
// kill -9 does not lose them. A loss of power does not either, with [SpoolAlways] at once, else
// a second later. What the disk does not take within a second failed for now. Without a spool it is
// [Exporter.ExportSnapshots].
//
// It goes on for up to 2 s when ctx has ended: a processor that has no time left cancels what is
// under way, and then hands over what is left.
func (e *Exporter) KeepSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	return e.export(ctx, snapshots, e.Keeps())
}

// sendWithSpool delivers the first n items of the batch, or hands them to the spool.
func (x *export) sendWithSpool(n int, last bool) {
	switch {
	case x.keep:
		x.store(&x.batch, x.index, upTo(n))
	case x.spool.mode == SpoolAlways:
		x.storeAndSend(n, last)
	default:
		x.sendOrStore(n, last)
	}
}

func upTo(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i
	}
	return all
}

// spoolItems returns some items of a batch, whose snapshots index tells, in memory of their own: the disk may
// take them when this call is over.
func (x *export) spoolItems(batch *transport.Batch, index, which []int) []spool.Item {
	items := make([]spool.Item, len(which))
	size := 0
	for _, i := range which {
		size += len(batch.JSON(i))
	}
	memory := make([]byte, 0, size)
	now := time.Now()
	for n, i := range which {
		phase, from := x.snapshots[index[i]].Phase, len(memory)
		memory = append(memory, batch.JSON(i)...)
		items[n] = spool.Item{
			Item: batch.Item(i), Phase: uint8(phase), Ends: ends(phase), At: now, JSON: memory[from:len(memory):len(memory)],
		}
		items[n].Name = shorten(items[n].Name, maxNameBytes)
	}
	return items
}

func ends(phase asyncprocessor.Phase) bool {
	return phase == asyncprocessor.PhaseEnd || phase == asyncprocessor.PhaseUnfinished
}

// store hands some items of a batch to the spool. What the disk does not take fails for now, and what
// follows of its trace.
func (x *export) store(batch *transport.Batch, index, which []int) {
	if len(which) == 0 {
		return
	}
	err := x.spool.append(x.ctx, x.spool.mode == SpoolAlways, x.spoolItems(batch, index, which), nil)
	if err == nil {
		return
	}
	err = &diskError{err}
	for _, i := range which {
		x.failed(index[i], err)
		x.hold(batch.Item(i).TraceID, err)
	}
}

// diskError is why the spool does not take items for now.
type diskError struct{ err error }

func (e *diskError) Error() string { return "sgpexporter: spool: " + e.err.Error() }
func (e *diskError) Unwrap() error { return e.err }

// append adds items, which durable makes survive a loss of power. held hears, before that, which of
// them are the caller's to deliver. After an error none is in the spool.
func (s *spooler) append(ctx context.Context, durable bool, items []spool.Item, held func(seqs []spool.Seq, held []bool)) error {
	var seqs []spool.Seq // of the goroutine of the disk
	return s.disk.Try(ctx, durable, func(l *spool.Log) (err error) {
		if seqs, err = l.Append(items); err == nil && held != nil {
			held(seqs, l.Hold(seqs))
		}
		return err
	}, func(l *spool.Log) { l.Withdraw(seqs) })
}

// storeAndSend has items on disk, from when on they count as exported. Those that need not wait
// for others there are delivered at once, in the background: this call is over when they are on disk.
func (x *export) storeAndSend(n int, last bool) {
	s, items := x.spool, x.spoolItems(&x.batch, x.index, upTo(n))
	held := make(chan heldItems, 1)
	hear := func(seqs []spool.Seq, mine []bool) { held <- heldItems{items, seqs, mine} }
	direct := s.beginDirect()
	if !direct {
		hear = nil // the replay delivers them
	}
	err := s.append(x.ctx, true, items, hear)
	switch {
	case err != nil:
		if direct {
			s.endDirect()
		}
		x.sendWithoutDisk(n, last, err)
		return
	case direct:
		s.workers.Go(func() {
			defer s.endDirect()
			s.deliverHeld(<-held)
		})
	}
	x.progress(x.ctx, slices.Clone(x.index[:n]), nil)
}

// heldItems are items on disk of which some are the caller's to deliver.
type heldItems struct {
	items []spool.Item
	seqs  []spool.Seq
	mine  []bool
}

// beginDirect reports whether a batch may be delivered now: not when SGP takes nothing for now, or
// many are under way.
func (s *spooler) beginDirect() bool {
	if s.failing.Load() || s.ctx.Err() != nil {
		return false
	}
	select {
	case s.direct <- struct{}{}:
		return true
	default:
		return false
	}
}

func (s *spooler) endDirect() { <-s.direct }

func (s *spooler) deliverHeld(h heldItems) {
	batch := batchPool.Get().(*transport.Batch)
	defer putBatch(batch)
	var phases []uint8
	var seqs []spool.Seq
	for i, mine := range h.mine {
		if mine {
			batch.Commit(append(batch.Buffer(), h.items[i].JSON...), h.items[i].Item)
			phases, seqs = append(phases, h.items[i].Phase), append(seqs, h.seqs[i])
		}
	}
	if len(seqs) == 0 {
		return
	}
	ctx, cancel := s.within(directTime)
	defer cancel()
	s.deliver(ctx, batch, phases, seqs)
}

// sendOrStore delivers items, but those that have others of their trace before them in the
// spool: they go behind them. Spans that are about to be written and run are noted there first.
func (x *export) sendOrStore(n int, last bool) {
	behind := x.behind(n)
	x.store(&x.batch, x.index, behind)
	var running []int
	for i, at := range x.index[:n] {
		if _, found := slices.BinarySearch(behind, i); !found && !ends(x.snapshots[at].Phase) {
			running = append(running, i)
		}
	}
	if len(running) > 0 {
		// A span that cannot be noted is delivered all the same. It is not ended after a crash.
		items := x.spoolItems(&x.batch, x.index, running)
		_ = x.spool.disk.Try(x.ctx, false, func(l *spool.Log) error {
			if err := l.AppendWritten(items); !errors.Is(err, spool.ErrFull) {
				return err
			}
			return nil // what is to be delivered needs the room
		}, nil)
	}
	x.deliverBut(behind, n, last)
	x.noteEnds(n)
}

// sendWithoutDisk delivers items that the disk does not take, but those that have others of their
// trace before them in the spool: they fail for now.
func (x *export) sendWithoutDisk(n int, last bool, err error) {
	err = &diskError{err}
	behind := x.behind(n)
	for _, i := range behind {
		x.failed(x.index[i], err)
		x.hold(x.batch.Item(i).TraceID, err)
	}
	x.deliverBut(behind, n, last)
}

// behind returns which of the first n items of the batch have others of their trace before them in the spool.
func (x *export) behind(n int) []int {
	disk := x.spool.disk
	if disk.Waiting() == 0 {
		return nil
	}
	var which []int
	waits := make(map[string]bool) // one answer for all of a trace
	for i := range n {
		trace := x.batch.Item(i).TraceID
		if _, asked := waits[trace]; !asked {
			waits[trace] = disk.Waits(trace)
		}
		if waits[trace] {
			which = append(which, i)
		}
	}
	return which
}

// deliverBut delivers the first n items of the batch without some.
func (x *export) deliverBut(without []int, n int, last bool) {
	switch len(without) {
	case 0:
		x.deliver(&x.batch, x.index, n, last)
		return
	case n:
		return
	}
	var batch transport.Batch
	var index []int
	for i := range n {
		if _, found := slices.BinarySearch(without, i); !found {
			batch.Commit(append(batch.Buffer(), x.batch.JSON(i)...), x.batch.Item(i))
			index = append(index, x.index[i])
		}
	}
	x.deliver(&batch, index, len(index), last)
}

// spooled hands items that failed to the spool, if there is one and waiting in the queue would not help: SGP
// refuses the key, or they would be lost. It does so with the rest of the call, too.
func (x *export) spooled(batch *transport.Batch, index []int, failed transport.Failed) bool {
	if x.spool == nil || transport.Retryable(failed.Err) && !errors.Is(failed.Err, ErrUnauthorized) {
		return false
	}
	x.spool.tellKept(x.ctx, failed.Err)
	x.keep = x.keep || !transport.FailedAlone(failed.Err)
	x.store(batch, index, slices.Sorted(slices.Values(failed.Items)))
	return true
}

// noteEnds says to the spool which spans do not run any more: those whose END is not among
// what failed for now.
func (x *export) noteEnds(n int) {
	var over []spool.Item
	var again map[int]bool
	for i, at := range x.index[:n] {
		if !ends(x.snapshots[at].Phase) {
			continue
		}
		item := x.batch.Item(i)
		if !x.spool.disk.Runs(item.TraceID, item.ID) || x.spool.disk.Waits(item.TraceID) {
			continue
		}
		if again == nil {
			again = x.failedForNow()
		}
		if !again[at] {
			over = append(over, spool.Item{Item: transport.Item{TraceID: item.TraceID, ID: item.ID}})
		}
	}
	if len(over) > 0 {
		// If it is not noted, SGP says after a crash that they have ended.
		x.spool.disk.Post(func(l *spool.Log) error { return l.Ended(over) })
	}
}
