package sgpexporter

import (
	"cmp"
	"context"
	"errors"
	"sync"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// ExportSnapshots delivers snapshots, in as few requests as [WithMaxRequestItems] and
// [WithMaxRequestBytes] allow, and returns when each is stored, rejected or given up, or
// ctx ends. Those of one trace are delivered in their order. What becomes of a part of
// them is told by [asyncprocessor.Progress] at once, and once more by the error.
//
// The error is nil when all are delivered, and else consists of
// [asyncprocessor.ExportError] values, joined if there are several:
//
//   - [asyncprocessor.ReasonRejected]: SGP refused these alone, with a 400, 409, 413 or
//     422, and, after a 409, without their parent too, after a 413 or 422 without input,
//     output and attributes. The error matches [*RejectedError]. All others are stored:
//     when SGP refuses a request, what is at fault is found and set apart. A span that
//     the answer names costs 3 requests at most, beside the one that any batch costs, as
//     does one whose remote parent is refused, if it is the only such span in the
//     request. Another costs log2(n) + 1 of n snapshots, 10 of the 512 of a batch by
//     default, beside 4 for all of them: the batch, its two parts, and those that are sent
//     without their payload, together; and one for each part that is cut again because more
//     than two were found in it. What else there is does not wait for these, but for
//     the spans below them.
//   - [asyncprocessor.ReasonExportFailed], Retryable: there was no answer, or none that
//     judged the snapshots, for some seconds or until ctx ended: see [RetryConfig]; or one
//     request failed again and again while SGP took others, and what is at fault was set
//     apart. Any answer but 200 with JSON and the four above means "not now": a 5xx, a
//     404, a redirect ([ErrRedirected]), a page of a proxy ([ErrNotSGP]).
//   - The same, not Retryable: [WithRetry] allows no more attempts; or the processor is
//     shut down, and its base URL never was SGP's, or a span fails alone, with an answer,
//     though SGP takes others: what is behind it in its trace goes on then.
//   - [ReasonUnauthorized], matching [ErrUnauthorized]: SGP refuses the key. It is
//     Retryable, since the key may come back, but when the processor is shut down.
//   - [asyncprocessor.ReasonExporterPanic], matching [ErrClientPanic].
//   - [ReasonFiltered], [ReasonHookPanic]: a hook's doing.
//   - [ReasonUnencodable]: reading the span panicked.
//   - [ReasonUnknownPhase], matching [ErrUnknownPhase].
//   - [ReasonDisabled], matching [ErrDisabled];
//     [asyncprocessor.ReasonAlreadyShutdown], matching [ErrShutdown].
//
// A request that was abandoned without an answer may still take effect later.
func (e *Exporter) ExportSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
	return e.export(ctx, snapshots, false)
}

// export is a call of ExportSnapshots, or, with keep, of KeepSnapshots.
func (e *Exporter) export(ctx context.Context, snapshots []asyncprocessor.Snapshot, keep bool) error {
	if len(snapshots) == 0 {
		return nil
	}
	if e.Disabled() {
		return none(snapshots, ReasonDisabled, ErrDisabled)
	}
	if e.shutdown.Load() {
		return none(snapshots, asyncprocessor.ReasonAlreadyShutdown, ErrShutdown)
	}
	x := exportPool.Get().(*export)
	defer x.release()
	x.Exporter, x.keep = e, keep
	x.snapshots, x.ctx = snapshots, transport.WithClosing(ctx, shutdownBegun(ctx))

	op := e.metrics.begin(ctx, snapshots)
	x.run()
	x.forgetEnded()
	x.warnOfCutSpans(ctx)
	op.end(ctx, &x.losses, x.lastStatus)
	return x.losses.err()
}

// export is one call of ExportSnapshots.
type export struct {
	*Exporter
	ctx        context.Context
	keep       bool // in the spool
	snapshots  []asyncprocessor.Snapshot
	batch      transport.Batch
	inputs     []mapping.Input  // of each snapshot; without a phase where it is lost already
	index      []int            // of each item of batch, in snapshots
	held       map[string]error // traces of which an item was not delivered, and why
	down       error            // why nothing more is sent
	lastStatus int
	losses     losses
}

var exportPool = sync.Pool{New: func() any { return new(export) }}

// maxPooledBytes bounds the buffers that are kept for the next call.
const maxPooledBytes = 8 << 20

func (x *export) release() {
	batch, index, inputs := x.batch, x.index[:0], x.inputs
	batch.Reset()
	for i := range inputs {
		inputs[i].Reset()
	}
	*x = export{batch: batch, index: index, inputs: inputs}
	if x.batch.Cap() <= maxPooledBytes {
		exportPool.Put(x)
	}
}

// run encodes and sends. Items are encoded until one does not fit into the
// request any more; then those before it are sent, and it begins the next one.
func (x *export) run() {
	w := x.mapper.Writer()
	defer w.Close()
	x.read()
	w.Observe(x.inputs)
	// A buffer that grows is copied again and again, and with long prompts that takes most
	// of the time of encoding.
	x.batch.Grow(int(x.lastSize.Load()))
	for i := range x.inputs {
		if x.inputs[i].Phase == 0 {
			continue
		}
		if x.down != nil {
			x.failed(i, x.down)
			continue
		}
		buf, item, err := appendItem(w, x.batch.Buffer(), &x.inputs[i])
		if err != nil {
			x.unmapped(i, err)
			continue
		}
		if err := x.held[item.TraceID]; err != nil {
			x.failed(i, err) // what is before it in its trace was not delivered
			continue
		}
		x.batch.Commit(buf, item)
		x.index = append(x.index, i)
		if n := x.batch.Len(); n > 1 && (n > x.maxItems || x.batch.BodySize() > x.maxBodyBytes()) {
			x.send(n-1, false)
		}
	}
	x.lastSize.Store(int64(min(x.batch.BodySize(), maxPooledBytes)))
	x.send(x.batch.Len(), true)
}

// maxBodyBytes bounds a request of several items. What only goes to disk is not cut for what SGP takes at present: each
// part costs a write there, and an fsync.
func (x *export) maxBodyBytes() int {
	if x.spool != nil && (x.keep || x.spool.mode == SpoolAlways && x.spool.failing.Load()) {
		return x.maxBytes
	}
	return x.client.MaxBodyBytes()
}

// send delivers the first n items of the batch. After it they are stored, rejected, or
// among the losses.
func (x *export) send(n int, last bool) {
	if x.spool != nil {
		x.sendWithSpool(n, last)
	} else {
		x.deliver(&x.batch, x.index, n, last)
	}
	x.batch.Drop(n)
	x.index = x.index[:copy(x.index, x.index[n:])]
	if len(x.index) == 0 {
		return
	}
	// The one that did not fit is encoded already.
	if err := cmp.Or(x.down, x.held[x.batch.Item(0).TraceID]); err != nil {
		x.failed(x.index[0], err)
		x.batch.Reset()
		x.index = x.index[:0]
	}
}

// deliver sends the first n items of a batch, whose snapshots index tells.
func (x *export) deliver(batch *transport.Batch, index []int, n int, last bool) {
	parts := &parts{export: x, batch: batch, index: index}
	result := x.client.Send(x.ctx, batch, n, parts)
	if result.LastStatus != 0 {
		x.lastStatus = result.LastStatus
	}
	for _, failed := range result.Failed {
		if x.spooled(batch, index, failed) {
			continue
		}
		if !transport.FailedAlone(failed.Err) {
			x.down = failed.Err // the rest would fail in the same way, and later
		}
		for _, i := range failed.Items {
			if transport.Retryable(failed.Err) || !transport.FailedAlone(failed.Err) {
				x.hold(batch.Item(i).TraceID, failed.Err)
			}
			x.failed(index[i], failed.Err)
		}
	}
	if !last && !parts.told && len(result.Failed) == 0 {
		x.progress(x.ctx, index[:n], nil)
	}
}

func (x *export) hold(trace string, err error) {
	if x.held == nil {
		x.held = make(map[string]error)
	}
	x.held[trace] = err
}

// failed adds snapshot i to the losses: err is no verdict on it.
func (x *export) failed(i int, err error) {
	reason := asyncprocessor.ReasonExportFailed
	var disk *diskError
	switch {
	case errors.As(err, &disk):
		x.losses.add(i, loss{reason: reason, errorType: "spool", retryable: true}, err)
		return
	case errors.Is(err, ErrUnauthorized):
		reason, err = ReasonUnauthorized, x.at.unauthorized(err)
	case errors.Is(err, ErrClientPanic):
		reason = asyncprocessor.ReasonExporterPanic
	}
	x.losses.add(i, loss{reason: reason, errorType: transport.ErrorType(err), retryable: transport.Retryable(err)}, err)
}

// unmapped adds a snapshot that did not become an item to the losses.
func (x *export) unmapped(i int, err error) {
	reason := ReasonUnencodable
	var panicked *mapping.HookPanicError
	switch {
	case errors.Is(err, ErrUnknownPhase):
		reason = ReasonUnknownPhase
	case errors.Is(err, mapping.ErrFiltered):
		reason = ReasonFiltered
	case errors.As(err, &panicked):
		reason = ReasonHookPanic
	}
	x.losses.add(i, loss{reason: reason, errorType: string(reason)}, err)
}

// parts tells what became of parts of a batch while others are on their way.
type parts struct {
	*export
	batch *transport.Batch
	index []int // of each item, in the snapshots
	told  bool
}

// Stored implements transport.Sink.
func (p *parts) Stored(items []int) {
	p.told = true
	delivered := make([]int, len(items))
	for n, i := range items {
		delivered[n] = p.index[i]
	}
	p.progress(p.ctx, delivered, nil)
}

// Rejected implements transport.Sink.
func (p *parts) Rejected(i int, status *transport.StatusError) {
	p.told = true
	item, snapshot := p.batch.Item(i), p.index[i]
	err := &RejectedError{
		TraceID: item.TraceID, SpanID: item.ID, Name: shorten(item.Name, maxNameBytes), Phase: p.snapshots[snapshot].Phase,
		StatusCode: status.Code, Reason: status.Reason,
	}
	p.metrics.refused(p.ctx, status.Code)
	p.losses.add(snapshot, loss{reason: asyncprocessor.ReasonRejected, errorType: string(asyncprocessor.ReasonRejected)}, err)
	p.progress(p.ctx, nil, &asyncprocessor.ExportError{
		Undelivered: []int{snapshot}, Reason: asyncprocessor.ReasonRejected, Err: err,
	})
}
