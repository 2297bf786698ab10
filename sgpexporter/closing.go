package sgpexporter

import "context"

// shutdownKey is the key of the channel that shutdownBegun returns.
type shutdownKey struct{}

// shutdownBegun returns a channel that is closed when the Shutdown of the processor
// whose call ctx is of has begun; nil, which is never closed, for another context.
func shutdownBegun(ctx context.Context) <-chan struct{} {
	begun, _ := ctx.Value(shutdownKey{}).(<-chan struct{})
	return begun
}
