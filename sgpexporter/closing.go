package sgpexporter

import "context"

// shutdownBegun returns a channel that is closed when the Shutdown of the processor
// whose call ctx is of has begun; nil, which is never closed, for another context.
//
// It needs asyncprocessor.ShutdownBegun(ctx), which the context of each call answers with
// a channel that Processor.Shutdown closes first of all. Until that is there a key that
// is refused takes all of Shutdown's time.
func shutdownBegun(context.Context) <-chan struct{} { return nil }
