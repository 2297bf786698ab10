package transport

import (
	"errors"
	"net"
	"net/http"
	"sync/atomic"
)

const (
	// minLearned is the least that the limit can be brought down to.
	minLearned = 16 << 10
	// growAfter is the number of accepted requests after which a lowered limit
	// doubles: one request in a thousand is spent to find out whether the
	// server takes more by now.
	growAfter = 1000
	// growSoon is that number where it is not known that the size was the reason.
	growSoon = 32
)

// sizeLimit is the size, in bytes before compression, above which no request is
// made of several items. It starts at what is configured; a 413, or a failure
// that may be due to the size, lowers it to half of what was sent, and it recovers slowly.
type sizeLimit struct {
	configured int64
	growAfter  int64
	current    atomic.Int64
	accepted   atomic.Int64 // requests since current changed
}

func (l *sizeLimit) init(configured, growAfter int64) {
	l.configured, l.growAfter = configured, growAfter
	l.current.Store(configured)
}

func (l *sizeLimit) get() int64 { return l.current.Load() }

// refused learns from a request of size bytes that was too large. A lone item that is too
// large tells only that the limit is below it.
func (l *sizeLimit) refused(size int64, items int) {
	lower := size - 1
	if items > 1 {
		lower = size / 2
	}
	lower = min(max(lower, minLearned), l.configured)
	for {
		current := l.current.Load()
		if lower >= current {
			return
		}
		if l.current.CompareAndSwap(current, lower) {
			l.accepted.Store(0)
			return
		}
	}
}

// stored learns from a request that was accepted.
func (l *sizeLimit) stored() {
	current := l.current.Load()
	if current == l.configured || l.accepted.Add(1) < l.growAfter {
		return
	}
	if l.current.CompareAndSwap(current, min(2*current, l.configured)) {
		l.accepted.Store(0)
	}
}

// mayBeTooLarge says that a request may have failed for its size: the line or SGP needs more time for it than
// there is, or somebody between closes the connection in place of a 413.
func mayBeTooLarge(err error) bool {
	var (
		status     *StatusError
		unanswered *unansweredError
		connection *net.OpError
	)
	switch {
	case errors.As(err, &status):
		return status.Code == http.StatusRequestTimeout || status.Code == http.StatusGatewayTimeout
	case errors.As(err, &connection) && connection.Op == "dial", errors.Is(err, errRestart):
		return false
	}
	return errors.As(err, &unanswered)
}
