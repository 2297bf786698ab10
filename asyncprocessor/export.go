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

// export runs on a goroutine of its own: it calls the exporter, settles the
// counts and hands the batch back.
func (d *dispatcher) export(b *batch) {
	d.begun <- struct{}{}
	if d.queue.isAbandoned() {
		return // the exporter is being shut down
	}
	// What holds if the exporter ends this goroutine with runtime.Goexit.
	lost, err := allLost(ReasonExporterPanic, len(b.snapshots)), errExporterPanic
	defer func() {
		if !d.queue.settle(len(b.snapshots), b.bytes, lost) {
			return // Shutdown gave this export up: nobody waits for it
		}
		d.lag.record(b.snapshots, lost)
		b.untold, b.err = lost.untold(err)
		select {
		case d.done <- b:
		case <-d.stopped: // it gives up now
		}
	}()
	lost, err = d.call(b.snapshots)
}

// call is ExportSnapshots with a timeout, and with a panic turned into an error.
// It returns what was lost beside the error.
func (d *dispatcher) call(snapshots []Snapshot) (lost losses, err error) {
	ctx := d.exportCtx
	if d.cfg.exportTimeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, d.cfg.exportTimeout, errExportTimeout)
		defer cancel()
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("%w: %v", errExporterPanic, r)
			lost = allLost(ReasonExporterPanic, len(snapshots))
		}
	}()
	err = d.exporter.ExportSnapshots(ctx, snapshots)
	return lossesOf(err, len(snapshots)), err
}
