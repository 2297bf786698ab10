package integration

import (
	"net"
	"os"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
)

// reserve takes a port of loopback at which connections are refused until listen
// is called: a socket that is bound and does not listen. Nobody else can take the
// port meanwhile.
func reserve(t *testing.T) (address string, listen func() net.Listener) {
	t.Helper()
	syscall.ForkLock.RLock()
	fd, err := syscall.Socket(syscall.AF_INET, syscall.SOCK_STREAM, 0)
	if err == nil {
		syscall.CloseOnExec(fd)
	}
	syscall.ForkLock.RUnlock()
	require.NoError(t, err)
	file := os.NewFile(uintptr(fd), "reserved port")
	t.Cleanup(func() { _ = file.Close() })
	require.NoError(t, syscall.Bind(fd, &syscall.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}}))
	name, err := syscall.Getsockname(fd)
	require.NoError(t, err)
	bound := net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: name.(*syscall.SockaddrInet4).Port}
	return bound.String(), func() net.Listener {
		t.Helper()
		require.NoError(t, syscall.Listen(fd, syscall.SOMAXCONN))
		listener, err := net.FileListener(file)
		require.NoError(t, err)
		return listener
	}
}
