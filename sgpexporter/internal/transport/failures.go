package transport

import "sync"

// failures is why requests fail at present: for whoever gives up on them and does not
// hear what they return, as a processor whose Shutdown has no time left.
type failures struct {
	mu   sync.Mutex // guards last
	last error
}

// note notes the last failure of what is to be tried again; nil when SGP has judged a
// request, or a failure is told to the caller as the last word.
func (f *failures) note(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.last = err
}

// Failure returns the last failure of what is to be tried again, nil when there was none
// since SGP judged a request.
func (c *Client) Failure() error {
	c.failures.mu.Lock()
	defer c.failures.mu.Unlock()
	return c.failures.last
}
