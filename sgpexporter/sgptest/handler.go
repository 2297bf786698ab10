package sgptest

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"time"
)

// exchange is one request on its way through the server.
type exchange struct {
	server *Server
	w      http.ResponseWriter
	// ctx ends when the client gives up or the server is closed.
	ctx      context.Context
	record   *Request // guarded by server.mu
	items    []Span
	rejected *Rejection
	// late says that the client has given up.
	late bool
}

// ServeHTTP answers a request of the SGP API. When a fault or Close ends a
// request without an answer it panics with [http.ErrAbortHandler], as net/http
// wants it, which closes the connection.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if !s.begin() {
		answer(w, http.StatusServiceUnavailable, nil, []byte(`{"detail":"server closed"}`))
		return
	}
	defer s.active.Done()
	if r.URL.Path == searchPath {
		s.serveSearch(w, r)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	defer context.AfterFunc(s.ctx, cancel)()

	x := &exchange{server: s, w: w, ctx: ctx}
	// The body is read first, whatever is wrong otherwise: a client that still
	// writes might not see the answer.
	body, wireBytes, rejected, err := readBody(r, s.cfg.maxBodyBytes)
	if err != nil {
		x.abort() // the client gave up before it had sent everything
	}
	if x.rejected = s.checkProtocol(r); x.rejected == nil {
		x.rejected = rejected
	}
	if x.rejected == nil {
		x.items, x.rejected = judge(body, rules{lenient: s.cfg.lenient, olderStore: s.cfg.olderStore})
	}
	if s.cfg.redactCredentials {
		for i := range x.items {
			x.items[i].redactCredentials()
		}
	}
	x.record = &Request{
		Time: time.Now(), Method: r.Method, Path: r.URL.Path, Header: r.Header.Clone(),
		Body: body, WireBytes: wireBytes, Items: x.items,
	}
	x.apply(s.admit(x.record))
}

// commit does what the request asks for and returns the answer.
func (x *exchange) commit() (status int, body []byte) {
	s := x.server
	s.mu.Lock()
	defer s.mu.Unlock()
	defer s.notify()
	last := s.store.collapse(x.items)
	if x.rejected == nil && !s.cfg.lenient {
		x.rejected = s.store.checkIdentity(x.items)
	}
	if x.rejected == nil {
		x.rejected = s.store.checkParents(x.items, last)
	}
	if x.rejected != nil {
		x.record.Rejection = x.rejected
		s.stats.Rejected++
		s.violate(Violation{Kind: x.rejected.kind, Rejection: x.rejected, Request: x.record.Seq})
		body, _ = json.Marshal(x.rejected)
		return x.rejected.Status, body
	}
	x.record.Stored = true
	s.stats.Stored++
	s.stats.Items += uint64(len(x.items))
	return http.StatusOK, s.write(x.items, last, Write{Request: x.record.Seq, Time: time.Now(), Late: x.late})
}

// write stores the items and returns the echo.
func (s *Server) write(items []Span, last map[identity]int, common Write) []byte {
	var echo bytes.Buffer
	echo.WriteString(`{"items":[`)
	add := func(span *Span) {
		if item, err := span.echo(); err == nil {
			if echo.Len() > len(`{"items":[`) {
				echo.WriteByte(',')
			}
			echo.Write(item)
		}
	}
	if s.cfg.noRecording {
		for i := range items {
			if last[s.store.identity(items[i].TraceID, items[i].ID)] == i {
				add(&items[i])
			}
		}
	} else {
		stored, violations := s.store.put(items, last, common)
		for _, e := range stored {
			add(&e.span)
		}
		for _, v := range violations {
			s.violate(v)
		}
		s.store.evict()
	}
	echo.WriteString(`]}`)
	return echo.Bytes()
}

// violate records a violation. s.mu must be held.
func (s *Server) violate(v Violation) {
	s.stats.Violations++
	if len(s.violations) < maxViolations {
		s.violations = append(s.violations, v)
	}
}

// answered records the status before the client can see it, so that whoever has
// an answer finds it recorded.
func (x *exchange) answered(status int) {
	x.server.mu.Lock()
	defer x.server.mu.Unlock()
	x.record.Status = status
	x.server.notify()
}

// answer writes a whole response. The content type is JSON unless header says
// otherwise.
func answer(w http.ResponseWriter, status int, header http.Header, body []byte) {
	answerPart(w, status, header, body, len(body))
}

// answerPart announces a response with the whole body, but sends only n bytes of
// it. net/http then closes the connection, as if it had broken.
func answerPart(w http.ResponseWriter, status int, header http.Header, body []byte, n int) {
	h := w.Header()
	h.Set("Content-Type", "application/json")
	for key, values := range header {
		h[key] = values
	}
	if bodyAllowed(status) {
		h.Set("Content-Length", strconv.Itoa(len(body)))
	}
	w.WriteHeader(status)
	if bodyAllowed(status) {
		_, _ = w.Write(body[:min(max(n, 0), len(body))]) // the client may have gone
	}
	// Close counts the request as answered when ServeHTTP returns, so nothing may
	// be left in a buffer then. It fails only where there is nothing to flush.
	_ = http.NewResponseController(w).Flush()
}

// bodyAllowed says whether a response of that status has a body (RFC 9110).
func bodyAllowed(status int) bool {
	return status >= 200 && status != http.StatusNoContent && status != http.StatusNotModified
}
