// Package context carries cancellation across calls.
package context

// A Context carries a deadline and a cancellation signal.
type Context interface {
	// Done is closed when work should stop.
	Done() <-chan struct{}
}

// A CancelFunc tells an operation to abandon its work.
type CancelFunc func()

// Background returns an empty [Context].
func Background() Context { return nil }

// WithCancel returns a derived context that ends when its cancel function is
// called. Call cancel as soon as the work is done.
func WithCancel(parent Context) (ctx Context, cancel CancelFunc) { return parent, nil }

func unexported() {}
