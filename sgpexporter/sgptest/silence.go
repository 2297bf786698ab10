package sgptest

import (
	"net"
	"sync"
)

// SilenceConnections makes the connections that the server has at present go silent, as
// behind a firewall that has forgotten them, and returns how many: they stay open, but
// what their clients send is lost, and nothing is answered any more. New connections are
// as before. It is for a server that listens: see [Server.Start].
func (s *Server) SilenceConnections() int {
	if s.silencer == nil {
		return 0
	}
	return s.silencer.silence()
}

// silencer is a listener whose connections can go silent.
type silencer struct {
	net.Listener

	mu    sync.Mutex // guards conns
	conns map[*silentConn]struct{}
}

func newSilencer(l net.Listener) *silencer {
	return &silencer{Listener: l, conns: make(map[*silentConn]struct{})}
}

// Accept implements net.Listener.
func (l *silencer) Accept() (net.Conn, error) {
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

func (l *silencer) silence() int {
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
	listener *silencer
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
