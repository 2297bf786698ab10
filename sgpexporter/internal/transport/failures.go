package transport

import "sync"

// failures is why requests fail at present. It is for whoever cancels them and then
// does not hear what they return: a processor's Shutdown that has no time left.
type failures struct {
	mu      sync.Mutex // guards what follows
	failing int        // requests under way that have failed for now
	last    error      // the last failure of these, or of one that was cancelled since
}

// failed notes a failure of a request, and whether it is its first.
func (f *failures) failed(err error, first bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if first {
		f.failing++
	}
	f.last = err
}

// over notes the end of a request: whether it had failed, and whether it was
// cancelled. Only of one that was cancelled the failure is kept, until another
// request ends by itself.
func (f *failures) over(failed, cancelled bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if failed {
		f.failing--
	}
	if f.failing == 0 && !cancelled {
		f.last = nil
	}
}

// Failure returns the last failure of a request that is tried again at present,
// or that was cancelled instead, and nil when there is none.
func (c *Client) Failure() error {
	c.failures.mu.Lock()
	defer c.failures.mu.Unlock()
	return c.failures.last
}
