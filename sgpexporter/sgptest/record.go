package sgptest

import (
	"net/http"
	"time"
)

// Request is a request as the server received it; one that did not come whole is
// not recorded. The slices and maps are shared with the server: read them only.
type Request struct {
	// Seq counts the requests over the server's life, from 1, in the order in
	// which they had been received whole.
	Seq uint64
	// Time is when it had been received.
	Time   time.Time
	Method string
	Path   string
	// Header has the API key too.
	Header http.Header
	// Body is the body, decompressed; nil if it was too large or could not be
	// decompressed.
	Body []byte
	// WireBytes is the length of the body as it was sent.
	WireBytes int64
	// Items are the spans of the body; nil if it was refused on its own account.
	// Their Raw is a part of Body.
	Items []Span
	// Status is the answer's status, 0 as long as there is none: the request
	// waits, or it was ended without one. It is set just before the answer is
	// sent.
	Status int
	// Stored says that the request took effect, whatever was answered.
	Stored bool
	// Rejection is why the server refused the request; nil if it did not.
	Rejection *Rejection
	// Fault names the fault that was injected, latency included; "" if none was.
	Fault string
}

// Stats are counts over the server's life. A Reset does not restart them.
type Stats struct {
	// Requests were received whole, with any path and any answer.
	Requests uint64
	// Stored requests took effect, Items is the number of items in them, those
	// that are repeated in one request included.
	Stored, Items uint64
	// Rejected requests were refused by the server itself.
	Rejected uint64
	// Violations is the number of violations.
	Violations uint64
	// Evicted spans were forgotten because of a bound.
	Evicted uint64
	// Spans are kept now, in so many bytes of JSON.
	Spans int
	Bytes int64
}

// Stats returns the counts.
func (s *Server) Stats() Stats {
	s.mu.Lock()
	defer s.mu.Unlock()
	stats := s.stats
	stats.Evicted = s.store.evicted
	stats.Spans = s.store.byFirst.Len()
	stats.Bytes = s.store.bytes
	return stats
}

// admit numbers and records a request, and returns the fault that is due.
func (s *Server) admit(record *Request) Fault {
	s.mu.Lock()
	s.stats.Requests++
	record.Seq = s.stats.Requests
	fault, byRequest := s.faults.next()
	fault.delay += s.faults.latency
	record.Fault = fault.String()
	if !s.cfg.noRecording {
		s.requests = append(s.requests, record)
		s.reqBytes += int64(len(record.Body))
		s.forgetRequests()
		s.notify()
	}
	view := *record
	s.mu.Unlock()
	if byRequest == nil {
		return fault
	}
	latency := fault.delay
	fault = byRequest(&view) // outside of the lock: it may call the server's methods
	fault.delay += latency
	s.mu.Lock()
	defer s.mu.Unlock()
	record.Fault = fault.String()
	s.notify()
	return fault
}

// forgetRequests keeps the records within their bounds.
func (s *Server) forgetRequests() {
	for len(s.requests) > 0 && ((s.cfg.maxRequests >= 0 && len(s.requests) > s.cfg.maxRequests) ||
		(s.cfg.maxBytes >= 0 && s.reqBytes > s.cfg.maxBytes)) {
		s.reqBytes -= int64(len(s.requests[0].Body))
		s.requests[0] = nil
		s.requests = s.requests[1:]
	}
}

// Requests returns the recorded requests by Seq, also those that were refused
// and those that wait for their answer.
func (s *Server) Requests() []Request {
	s.mu.Lock()
	defer s.mu.Unlock()
	requests := make([]Request, len(s.requests))
	for i, r := range s.requests {
		requests[i] = *r
	}
	return requests
}

// Spans returns the stored spans in first-stored order: by the first write of
// each that took effect. Those of one trace are in the order of their starts;
// those of different traces may come in any.
func (s *Server) Spans() []Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	spans := make([]Span, 0, len(s.store.spans))
	for el := s.store.byFirst.Front(); el != nil; el = el.Next() {
		spans = append(spans, el.Value.(*entry).snapshot())
	}
	return spans
}

// Trace returns the stored spans of a trace in first-stored order.
func (s *Server) Trace(traceID string) []Span {
	s.mu.Lock()
	defer s.mu.Unlock()
	var spans []Span
	if t := s.store.traces[traceID]; t != nil {
		for _, e := range t.entries {
			spans = append(spans, e.snapshot())
		}
	}
	return spans
}

// Span returns a stored span, and whether there is one. Of two rows of one span
// (see [WithLenient]) it is the newer; Spans has both.
func (s *Server) Span(traceID, id string) (Span, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e := s.store.get(traceID, id)
	if e == nil || e.span.TraceID != traceID {
		return Span{}, false
	}
	return e.snapshot(), true
}

// Reset forgets all spans, requests and violations. Counts and sequence numbers
// go on, faults and latency stay (see [Server.ClearFaults]).
func (s *Server) Reset() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.store.reset()
	s.requests, s.reqBytes = nil, 0
	s.violations = nil
	s.notify()
}
