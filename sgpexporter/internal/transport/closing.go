package transport

import "context"

type closingKey struct{}

// WithClosing returns a context whose requests hear that the process is about to end:
// begun is closed then. From then on no wait is longer than a second, so that a server
// that is back finds what is left; requests that nothing answers are sent once more, on
// new connections; and a key that is refused, or an address that never was SGP's, is
// tried once.
func WithClosing(ctx context.Context, begun <-chan struct{}) context.Context {
	if begun == nil {
		return ctx
	}
	return context.WithValue(ctx, closingKey{}, begun)
}

// closing returns the channel of WithClosing; nil, which is never closed, without one.
func closing(ctx context.Context) <-chan struct{} {
	begun, _ := ctx.Value(closingKey{}).(<-chan struct{})
	return begun
}

func isClosed(begun <-chan struct{}) bool {
	select {
	case <-begun:
		return true
	default:
		return false
	}
}
