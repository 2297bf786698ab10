package sgpexporter

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/spool"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// diskPatience is how long an export waits for the disk when it can do without it.
const diskPatience = time.Second

const (
	// directTime bounds the delivery at once of what is on disk already: there it can wait, too.
	directTime = 5 * time.Second
	// directConcurrency bounds these deliveries.
	directConcurrency = 16
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
// a second later. What the disk does not take failed for now. Without a spool it is
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
	x.spool.remember(x.ctx)
	switch {
	case x.keep:
		x.store(n)
	case x.spool.mode == SpoolAlways:
		x.storeAndSend(n, last)
	default:
		x.sendOrStore(n, last)
	}
}

// spoolItems returns the first n items of the batch, in memory of their own: the disk may take them
// when this call is over.
func (x *export) spoolItems(n int) []spool.Item {
	items := make([]spool.Item, n)
	now := time.Now()
	for i := range items {
		phase := x.snapshots[x.index[i]].Phase
		items[i] = spool.Item{
			Item: x.batch.Item(i), Phase: uint8(phase), Ends: ends(phase), At: now,
			JSON: slices.Clone(x.batch.JSON(i)),
		}
		items[i].Name = shorten(items[i].Name, maxNameBytes)
	}
	return items
}

func ends(phase asyncprocessor.Phase) bool {
	return phase == asyncprocessor.PhaseEnd || phase == asyncprocessor.PhaseUnfinished
}

// store hands items to the spool.
func (x *export) store(n int) {
	items := x.spoolItems(n)
	err := x.spool.append(x.ctx, x.spool.mode == SpoolAlways, items, nil)
	for i := range items {
		if err != nil {
			x.notSpooled(x.index[i], err)
		}
	}
}

// append adds items, which durable makes survive a loss of power. held hears, before that, which of
// them are the caller's to deliver.
func (s *spooler) append(ctx context.Context, durable bool, items []spool.Item, held func(seqs []spool.Seq, held []bool)) error {
	var seqs []spool.Seq // of the goroutine of the disk
	return s.disk.Do(ctx, durable, func(l *spool.Log) (err error) {
		if seqs, err = l.Append(items); err == nil && held != nil {
			held(seqs, l.Hold(seqs))
		}
		return err
	}, func(l *spool.Log) { l.Withdraw(seqs) })
}

// notSpooled adds snapshot i to the losses: the disk does not take it for now.
func (x *export) notSpooled(i int, err error) {
	x.losses.add(i, loss{reason: asyncprocessor.ReasonExportFailed, errorType: "spool", retryable: true},
		fmt.Errorf("sgpexporter: spool: %w", err))
}

// storeAndSend has items on disk, from when on they count as exported. Those that need not wait
// for others there are delivered at once, in the background: this call is over when they are on disk.
func (x *export) storeAndSend(n int, last bool) {
	s, items := x.spool, x.spoolItems(n)
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
	var batch transport.Batch
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
	ctx, cancel := s.replayContext(directTime)
	defer cancel()
	s.deliver(ctx, &batch, phases, seqs)
}

// sendOrStore delivers items, but those that have others of their trace before them in the
// spool: they go behind them. Spans that are about to be written and run are noted there.
func (x *export) sendOrStore(n int, last bool) {
	s := x.spool
	run, end := false, false
	for _, i := range x.index[:n] {
		if ends(x.snapshots[i].Phase) {
			end = true
		} else {
			run = true
		}
	}
	if !run && s.disk.Waiting() == 0 {
		x.deliver(&x.batch, x.index, n, last)
		if end && s.disk.Running() > 0 {
			x.noteEnds(n)
		}
		return
	}
	items := x.spoolItems(n)
	behind := make(chan []int, 1)
	ctx, cancel := context.WithTimeout(x.ctx, diskPatience)
	defer cancel()
	err := s.disk.Do(ctx, false, func(l *spool.Log) error {
		var waits []int
		var later, running []spool.Item
		for i := range items {
			switch {
			case l.Waits(items[i].TraceID):
				waits, later = append(waits, i), append(later, items[i])
			case !items[i].Ends:
				running = append(running, items[i])
			}
		}
		if _, err := l.Append(later); err != nil {
			return err
		}
		behind <- waits
		return l.AppendWritten(running)
	}, nil)
	select {
	case waits := <-behind: // if the running ones are not noted, they are not ended after a crash
		x.deliverBut(waits, n, last)
	default:
		x.sendWithoutDisk(n, last, err)
	}
	if end && s.disk.Running() > 0 {
		x.noteEnds(n)
	}
}

// sendWithoutDisk delivers items that the disk does not take, but those that have others of their
// trace before them in the spool: they fail for now.
func (x *export) sendWithoutDisk(n int, last bool, cause error) {
	s := x.spool
	if s.disk.Waiting() == 0 {
		x.deliver(&x.batch, x.index, n, last)
		return
	}
	traces := make([]string, n)
	for i := range traces {
		traces[i] = x.batch.Item(i).TraceID
	}
	behind := make(chan []int, 1)
	ctx, cancel := context.WithTimeout(x.ctx, diskPatience)
	defer cancel()
	_ = s.disk.Do(ctx, false, func(l *spool.Log) error {
		var waits []int
		for i, trace := range traces {
			if l.Waits(trace) {
				waits = append(waits, i)
			}
		}
		behind <- waits
		return nil
	}, nil)
	var waits []int
	select {
	case waits = <-behind:
	default:
		for i := range traces {
			waits = append(waits, i)
		}
	}
	for _, i := range waits {
		x.notSpooled(x.index[i], cause)
		x.hold(traces[i], cause)
	}
	x.deliverBut(waits, n, last)
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

// noteEnds says to the spool which spans do not run any more: those whose END is not among
// what failed for now.
func (x *export) noteEnds(n int) {
	again := x.failedForNow()
	var over []spool.Item
	for i := range n {
		if at := x.index[i]; ends(x.snapshots[at].Phase) && !again[at] {
			item := x.batch.Item(i)
			over = append(over, spool.Item{Item: transport.Item{TraceID: item.TraceID, ID: item.ID}})
		}
	}
	if len(over) == 0 {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(x.ctx), diskPatience)
	defer cancel()
	_ = x.spool.disk.Do(ctx, false, func(l *spool.Log) error {
		running := slices.DeleteFunc(over, func(it spool.Item) bool { return l.Waits(it.TraceID) || !l.Runs(it.TraceID, it.ID) })
		return l.Ended(running)
	}, nil)
}
