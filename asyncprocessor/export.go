package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
)

// errExporterPanic is wrapped by the error that stands for a panic.
var errExporterPanic = errors.New("exporter panicked")

// errExportTimeout is the cause of an export's context that ended by
// WithExportTimeout.
var errExportTimeout = errors.New("asyncprocessor: export timeout")

// export is one call of the exporter, on a goroutine of its own.
type export struct {
	*dispatcher
	batch *batch
}

// run calls ExportSnapshots, or KeepSnapshots, with a timeout, and settles what it says. A panic is an outcome too.
func (x *export) run() {
	o := panicked(errExporterPanic) // if it ends this goroutine with runtime.Goexit
	snapshots := x.batch.snapshots
	defer func() {
		if r := recover(); r != nil {
			o = panicked(fmt.Errorf("%w: %v", errExporterPanic, r))
		}
		x.queue.finish(x.batch, o)
		clear(snapshots) // let the collector have the spans
	}()
	parent, send := x.exportCtx, x.exporter.ExportSnapshots
	if x.batch.keep {
		parent, send = x.keepCtx, x.keeper.KeepSnapshots
	}
	ctx := context.WithValue(parent, callKey{}, x)
	if x.cfg.ExportTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, x.cfg.ExportTimeout, errExportTimeout)
		defer cancel()
	}
	x.queue.readStarts(x.batch)
	o = outcomeOf(send(ctx, snapshots))
	if !x.batch.keep { // what was kept is still to be delivered
		x.lag.record(snapshots, o)
	}
}
