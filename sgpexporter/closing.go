package sgpexporter

import (
	"context"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// shutdownBegun returns a channel that is closed when the Shutdown of the processor
// whose call ctx is of has begun; nil, which is never closed, for another context.
func shutdownBegun(ctx context.Context) <-chan struct{} { return asyncprocessor.ShutdownBegun(ctx) }
