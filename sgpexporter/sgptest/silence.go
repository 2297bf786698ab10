package sgptest

import (
	"net"
	"sync"
)

// SilenceConnections makes the connections that the server has at present go silent: see
// [Silencer.Silence]. It is for a server that listens: see [Server.Start].
func (s *Server) SilenceConnections() int {
	if s.silencer == nil {
		return 0
	}
	return s.silencer.Silence()
}

// Silencer is a listener whose connections can go silent, for a server of your own, one
// with HTTP/2 say. Make one with [NewSilencer].
type Silencer struct {
	net.Listener

	mu    sync.Mutex // guards conns
	conns map[*silentConn]struct{}
}

// NewSilencer returns a listener in front of l.
func NewSilencer(l net.Listener) *Silencer {
	return &Silencer{Listener: l, conns: make(map[*silentConn]struct{})}
}

// Accept implements net.Listener.
func (l *Silencer) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	c := &silentConn{Conn: conn, listener: l, silent: make(chan struct{}), closed: make(chan struct{})}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.conns[c] = struct{}{}
	return c, nil
}

// Silence makes the connections that there are at present go silent, as behind a firewall
// that has forgotten them, and returns how many: they stay open, but what their clients
// send is lost, and nothing is answered any more. New connections are as before.
func (l *Silencer) Silence() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := len(l.conns)
	for c := range l.conns {
		close(c.silent)
		delete(l.conns, c)
	}
	return n
}

// silentConn is a connection that can go silent.
type silentConn struct {
	net.Conn
	listener *Silencer
	silent   chan struct{} // closed when it goes silent
	closed   chan struct{} // closed with it
	once     sync.Once
}

// Read implements net.Conn.
func (c *silentConn) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	select {
	case <-c.silent:
		<-c.closed
		return 0, net.ErrClosed
	default:
		return n, err
	}
}

// Write implements net.Conn.
func (c *silentConn) Write(p []byte) (int, error) {
	select {
	case <-c.silent:
		return len(p), nil
	default:
		return c.Conn.Write(p)
	}
}

// Close implements net.Conn.
func (c *silentConn) Close() error {
	c.once.Do(func() {
		close(c.closed)
		c.listener.mu.Lock()
		defer c.listener.mu.Unlock()
		delete(c.listener.conns, c)
	})
	return c.Conn.Close()
}
