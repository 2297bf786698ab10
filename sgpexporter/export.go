package sgpexporter

import (
	"context"
	"errors"
	"sync"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// ExportSnapshots delivers snapshots in their order, in as few requests as
// [WithMaxRequestItems] and [WithMaxRequestBytes] allow, one after another, and
// returns when each is stored, rejected or given up, or ctx ends. An unknown
// [asyncprocessor.Phase] is passed over.
//
// The error is nil when all are delivered, and else consists of
// [asyncprocessor.ExportError] values, one for each reason, joined if there are
// several. What the global OpenTelemetry error handler is told of, spans that are
// rejected and a key that is refused, is apart and marked as Reported:
//
//   - [asyncprocessor.ReasonRejected]: SGP refused these alone, with a 400, 409, 413 or
//     422. The error matches [*RejectedError]. All others are stored. A request
//     that is rejected whole is halved until the culprit stands alone: for one
//     culprit among n snapshots that is at most 2·log2(n)+1 requests more, and
//     never more than 3n in all. A lone 409 is tried once more without
//     its parent, if it has one.
//   - [ReasonUnauthorized], matching [ErrUnauthorized]: see [WithAPIKey] and
//     [WithAPIKeySource].
//   - [asyncprocessor.ReasonExportFailed]: no answer, or none but refusals for now,
//     until ctx or [WithRetry] ended it; an answer that is not SGP's
//     ([ErrNotSGP]); a redirect ([ErrRedirected]); any other 4xx.
//   - [asyncprocessor.ReasonExporterPanic], matching [ErrClientPanic].
//   - [ReasonFiltered], [ReasonHookPanic]: a hook's doing.
//   - [ReasonUnencodable]: reading the span panicked.
//   - [ReasonDisabled], matching [ErrDisabled];
//     [asyncprocessor.ReasonAlreadyShutdown], matching [ErrShutdown].
//
// A request that was abandoned without an answer may still take effect later.
func (e *Exporter) ExportSnapshots(ctx context.Context, snapshots []asyncprocessor.Snapshot) error {
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
	x.Exporter, x.snapshots = e, snapshots

	op := e.metrics.begin(ctx, snapshots)
	x.run(ctx)
	op.end(ctx, &x.losses, x.lastStatus)
	return x.losses.err()
}

// export is one call of ExportSnapshots.
type export struct {
	*Exporter
	snapshots  []asyncprocessor.Snapshot
	batch      transport.Batch
	index      []int          // of each item of batch, in snapshots
	names      []mapping.Item // of each item of batch
	input      mapping.Input
	lastStatus int
	losses     losses
}

var exportPool = sync.Pool{New: func() any { return new(export) }}

// maxPooledBytes bounds the buffers that are kept for the next call.
const maxPooledBytes = 8 << 20

func (x *export) release() {
	batch, index, names := x.batch, x.index[:0], x.names[:0]
	batch.Reset()
	clear(names[:cap(names)])
	*x = export{batch: batch, index: index, names: names}
	if x.batch.Cap() <= maxPooledBytes {
		exportPool.Put(x)
	}
}

// run encodes and sends. Items are encoded until one does not fit into the
// request any more; then those before it are sent, and it begins the next one.
func (x *export) run(ctx context.Context) {
	w := x.mapper.Writer()
	defer w.Close()
	for i, s := range x.snapshots {
		if s.Phase != asyncprocessor.PhaseStart && s.Phase != asyncprocessor.PhaseEnd {
			continue
		}
		err := x.mapper.FromSpan(&x.input, phaseOf(s.Phase), s.Span)
		var buf []byte
		var item mapping.Item
		if err == nil {
			buf, item, err = w.Append(x.batch.Buffer(), &x.input)
		}
		if err != nil {
			x.unmapped(i, err)
			continue
		}
		x.batch.Commit(buf)
		x.index, x.names = append(x.index, i), append(x.names, item)
		if n := x.batch.Len(); n > 1 && (n > x.maxItems || x.batch.BodySize() > x.client.MaxBodyBytes()) {
			if !x.send(ctx, n-1, i+1) {
				return
			}
		}
	}
	x.send(ctx, x.batch.Len(), len(x.snapshots))
}

// send delivers the first n items of the batch. When that fails for a reason
// that is not theirs it gives up all that is left, the snapshots from next on
// included, and returns false: they would only fail in the same way, and later.
func (x *export) send(ctx context.Context, n, next int) bool {
	result := x.client.Send(ctx, &x.batch, n, (*items)(x))
	if result.LastStatus != 0 {
		x.lastStatus = result.LastStatus
	}
	if result.Err != nil {
		left := x.index[result.Settled:]
		for i := next; i < len(x.snapshots); i++ {
			left = append(left, i)
		}
		reason, errorType := reasonOf(result.Err), transport.ErrorType(result.Err)
		reported := reason == ReasonUnauthorized && x.reports.key.cost(len(left), result.Err)
		for _, i := range left {
			x.losses.add(i, reason, errorType, result.Err, reported)
		}
		return false
	}
	x.batch.Drop(n)
	x.index = x.index[:copy(x.index, x.index[n:])]
	x.names = x.names[:copy(x.names, x.names[n:])]
	return true
}

func reasonOf(err error) asyncprocessor.DropReason {
	switch {
	case errors.Is(err, ErrUnauthorized):
		return ReasonUnauthorized
	case errors.Is(err, ErrClientPanic):
		return asyncprocessor.ReasonExporterPanic
	}
	return asyncprocessor.ReasonExportFailed
}

// unmapped settles a snapshot that did not become an item.
func (x *export) unmapped(i int, err error) {
	var panicked *mapping.HookPanicError
	switch {
	case errors.Is(err, mapping.ErrFiltered):
		x.losses.add(i, ReasonFiltered, string(ReasonFiltered), err, false)
	case errors.As(err, &panicked):
		x.losses.add(i, ReasonHookPanic, string(ReasonHookPanic), err, false)
	default:
		x.losses.add(i, ReasonUnencodable, string(ReasonUnencodable), err, false)
	}
}

// items is what Send asks and tells about single items.
type items export

// Detach implements transport.Items.
func (x *items) Detach(dst []byte, i int) ([]byte, error) {
	if !x.names[i].HasParent() {
		return dst, errNoParent
	}
	return x.names[i].AppendWithoutParent(dst, x.batch.Item(i)), nil
}

var errNoParent = errors.New("sgpexporter: the item has no parent")

// Rejected implements transport.Items.
func (x *items) Rejected(i int, status *transport.StatusError) {
	item := x.names[i]
	err := &RejectedError{
		TraceID: item.TraceID, SpanID: item.ID, Name: shorten(item.Name, maxNameBytes), Phase: x.snapshots[x.index[i]].Phase,
		StatusCode: status.Code, Reason: status.Reason,
	}
	x.metrics.refused(context.Background(), status.Code)
	x.losses.add(x.index[i], asyncprocessor.ReasonRejected, string(asyncprocessor.ReasonRejected), err, x.reports.rejected(err))
}

// phaseOf returns the phase of the mapping for that of a snapshot, 0 for one that it
// does not know.
func phaseOf(phase asyncprocessor.Phase) mapping.Phase {
	switch phase {
	case asyncprocessor.PhaseStart:
		return mapping.PhaseStart
	case asyncprocessor.PhaseEnd:
		return mapping.PhaseEnd
	case asyncprocessor.PhaseUpdate:
		return mapping.PhaseUpdate
	case asyncprocessor.PhaseUnfinished:
		return mapping.PhaseUnfinished
	}
	return 0
}
