package sgptest

import (
	"context"
	"net"
	"sync"
)

// memoryNetwork is a listener whose connections are pipes within the process.
type memoryNetwork struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newMemoryNetwork() *memoryNetwork {
	return &memoryNetwork{conns: make(chan net.Conn), done: make(chan struct{})}
}

// dial has the signature of http.Transport.DialContext. There is one address.
func (m *memoryNetwork) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	client, server := net.Pipe()
	select {
	case m.conns <- server:
		return client, nil
	case <-m.done:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (m *memoryNetwork) Accept() (net.Conn, error) {
	select {
	case conn := <-m.conns:
		return conn, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memoryNetwork) Close() error {
	m.once.Do(func() { close(m.done) })
	return nil
}

func (m *memoryNetwork) Addr() net.Addr { return memoryAddr{} }

type memoryAddr struct{}

func (memoryAddr) Network() string { return "memory" }
func (memoryAddr) String() string  { return "sgptest.invalid" }
