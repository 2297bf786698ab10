package sgptest

import (
	"crypto/tls"
	"net"
	"net/http"
	"time"
)

// faultScript says which fault is next. Server.mu guards it.
type faultScript struct {
	latency   time.Duration
	queue     []Fault
	byRequest func(*Request) Fault
}

// next takes the next fault of the script, or, if that is at its end, the
// function to ask.
func (fs *faultScript) next() (Fault, func(*Request) Fault) {
	if len(fs.queue) == 0 {
		return Fault{}, fs.byRequest
	}
	f := fs.queue[0]
	if f.times > 1 {
		fs.queue[0].times--
	} else {
		fs.queue = fs.queue[1:]
	}
	return f, nil
}

// Inject adds faults to the script: one for each request from now on, in the
// order in which the requests have been received whole. When the script is at
// its end, requests are answered as SGP does, or as [Server.SetFault] says.
func (s *Server) Inject(faults ...Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, f := range faults {
		if f.times >= 0 {
			s.faults.queue = append(s.faults.queue, f)
		}
	}
}

// SetFault makes fault choose the fault of each request that the script of
// [Server.Inject] has none for; nil ends that. It is called on the request's
// goroutine, concurrently for concurrent requests, with a copy of the record,
// which has no Status yet. It may call the server's methods but Close.
func (s *Server) SetFault(fault func(r *Request) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.byRequest = fault
}

// SetLatency delays every answer from now on by d, besides the delay of a fault.
// It is like [Latency] for all requests; 0 ends it.
func (s *Server) SetLatency(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults.latency = d
}

// ClearFaults forgets the rest of the script, the function of SetFault and the
// latency. What a request already waits for goes on.
func (s *Server) ClearFaults() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults = faultScript{}
}

// apply answers the request, with the fault.
func (x *exchange) apply(f Fault) {
	if !x.sleep(f.delay) {
		x.abort()
	}
	if f.stored && f.kind != faultNone && f.kind != faultTruncate && f.kind != faultLater {
		x.commit()
	}
	switch f.kind {
	case faultNone:
		status, body := x.commit()
		x.answered(status)
		answer(x.w, status, allow(status), body)
	case faultTruncate:
		status, body := x.commit()
		x.answered(status)
		answerPart(x.w, status, allow(status), body, f.keep)
	case faultStatus:
		x.answered(f.status)
		answer(x.w, f.status, f.header, []byte(f.body))
	case faultReset:
		x.reset()
	case faultHang:
		<-x.ctx.Done()
		x.abort()
	case faultLater:
		x.effectLater(f.release)
	}
}

// allow is the header that goes with a status (RFC 9110: 405 must name the
// methods).
func allow(status int) http.Header {
	if status == http.StatusMethodNotAllowed {
		return http.Header{"Allow": {http.MethodPut}}
	}
	return nil
}

// sleep waits, and says whether the request is still wanted.
func (x *exchange) sleep(d time.Duration) bool {
	if d <= 0 {
		return true
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-x.ctx.Done():
		return false
	}
}

// abort ends the request without an answer. It does not return.
func (x *exchange) abort() { panic(http.ErrAbortHandler) }

func (x *exchange) effectLater(release <-chan struct{}) {
	closed := x.server.ctx
	<-x.ctx.Done()
	if release != nil && closed.Err() == nil {
		select {
		case <-release:
		case <-closed.Done():
		}
	}
	if closed.Err() == nil {
		x.late = true
		x.commit()
	}
	x.abort()
}

// reset ends the connection at once: with linger 0 the kernel sends RST, not FIN.
func (x *exchange) reset() {
	conn, _, err := http.NewResponseController(x.w).Hijack()
	if err != nil {
		x.abort()
	}
	raw := conn
	if secure, ok := conn.(*tls.Conn); ok {
		raw = secure.NetConn()
	}
	if ours, ok := raw.(*silentConn); ok {
		defer func() { _ = ours.Close() }()
		raw = ours.Conn
	}
	if tcp, ok := raw.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = raw.Close()
}
