package transport

import (
	"net"
	"net/http"
	"sync"
	"time"
)

const (
	// maxHeaderBytes bounds the headers of an answer, those of informational ones
	// included. SGP's have a few hundred bytes.
	maxHeaderBytes = 64 << 10
	// maxConnections bounds the connections to SGP over HTTP/1: they do not take the
	// file descriptors that a service needs itself.
	maxConnections = 64
	// maxRetired bounds the transports whose requests may still be under way. They are
	// retired a second apart at least, and a request ends with WithTimeout.
	maxRetired = 16
)

// connections are those of our own HTTP client. They can be renewed: requests from then
// on use new ones, and those under way keep theirs.
type connections struct {
	mu      sync.Mutex // guards what follows
	current *http.Transport
	retired []*http.Transport
}

// RoundTrip implements http.RoundTripper.
func (c *connections) RoundTrip(req *http.Request) (*http.Response, error) {
	c.mu.Lock()
	current := c.current
	c.mu.Unlock()
	return current.RoundTrip(req)
}

// renew makes the requests from now on use new connections. HTTP/2 would go on using
// one into which everything is written and from which nothing comes.
func (c *connections) renew() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.retired = append(c.retired, c.current)
	if len(c.retired) > maxRetired {
		c.retired = append(c.retired[:0], c.retired[1:]...)
	}
	c.current = c.current.Clone()
	for _, t := range c.retired {
		t.CloseIdleConnections()
	}
}

// CloseIdleConnections closes those without a request.
func (c *connections) CloseIdleConnections() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, t := range append(c.retired, c.current) {
		t.CloseIdleConnections()
	}
}

// newTransport is http.DefaultTransport as net/http makes it, which another
// package may have replaced or changed, with more idle connections to one host, bounds,
// and pings that find out when an HTTP/2 connection has gone silent.
func newTransport() *http.Transport {
	dialer := &net.Dialer{Timeout: 10 * time.Second, KeepAlive: 30 * time.Second}
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            dialer.DialContext,
		ForceAttemptHTTP2:      true,
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    maxConnections,
		MaxConnsPerHost:        maxConnections,
		IdleConnTimeout:        90 * time.Second,
		TLSHandshakeTimeout:    10 * time.Second,
		ExpectContinueTimeout:  time.Second,
		MaxResponseHeaderBytes: maxHeaderBytes,
		HTTP2: &http.HTTP2Config{
			SendPingTimeout:  10 * time.Second,
			PingTimeout:      5 * time.Second,
			WriteByteTimeout: 10 * time.Second,
		},
		// Bodies are large: fewer system calls.
		WriteBufferSize: 64 << 10,
		ReadBufferSize:  16 << 10,
	}
}
