package asyncprocessor

import "context"

// Progress tells the [Processor], from within a call of [Exporter.ExportSnapshots] and
// with its context, what became of some of its snapshots already: delivered holds the
// indexes of those that were delivered, and err, read as the result of the call would
// be, names those that were not. They are counted and their room is free at once, and
// a trace all of whose snapshots in the call are through goes on.
//
// What was told is final: the result of the call is about the others alone. With
// another context it does nothing. It never blocks, and may be called concurrently.
func Progress(ctx context.Context, delivered []int, err *ExportError) {
	if x, ok := ctx.Value(callKey{}).(*export); ok {
		x.queue.progress(x.batch, delivered, err)
	}
}

// Warn hands an error that has cost no snapshot yet to the [Processor] whose call ctx
// is of, to be told to the global OpenTelemetry error handler: at most once in
// ten seconds, on a goroutine of its own. With another context it does nothing. It
// never blocks.
func Warn(ctx context.Context, err error) {
	if x, ok := ctx.Value(callKey{}).(*export); ok {
		x.queue.reporter.warn(err)
	}
}

// ShutdownBegun returns a channel that is closed when the Shutdown of the [Processor] has begun whose
// call ctx is of: from then on nothing gets better by waiting. With another context it is nil, which is
// never closed.
func ShutdownBegun(ctx context.Context) <-chan struct{} {
	if x, ok := ctx.Value(callKey{}).(*export); ok {
		return x.closing
	}
	return nil
}

// callKey is the key under which the context of a call of the exporter has its export.
type callKey struct{}
