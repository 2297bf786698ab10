package main

import (
	"compress/gzip"
	"io"
	"net/http"
	"sync"
	"time"

	collector "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"
)

// delivered is what a backend knows of the spans that ended.
type delivered struct {
	mu    sync.Mutex // guards what follows
	spans map[string]bool
	late  time.Time // when the last span came that had ended more than lateAfter before
}

// lateAfter is how old a span's end may be when it is stored: the batch timeout, a
// request, and some. Of BatchSpanProcessor the timeout alone is 5 s.
const (
	lateAfter     = 2 * time.Second
	lateAfterPeer = 7 * time.Second
)

func (d *delivered) add(id string, end time.Time, late time.Duration) {
	now := time.Now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.spans == nil {
		d.spans = make(map[string]bool)
	}
	d.spans[id] = true
	if now.Sub(end) > late {
		d.late = now
	}
}

func (d *delivered) count() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	return len(d.spans)
}

// recovered is how long after over the last late span came, 0 when there was none.
func (d *delivered) recovered(over time.Time) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	return max(d.late.Sub(over), 0)
}

// collectorHandler is an OTLP receiver.
func collectorHandler(d *delivered) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var from io.Reader = r.Body
		if r.Header.Get("Content-Encoding") == "gzip" {
			unzipped, err := gzip.NewReader(r.Body)
			if err != nil {
				http.Error(w, err.Error(), http.StatusBadRequest)
				return
			}
			from = unzipped
		}
		body, err := io.ReadAll(from)
		var request collector.ExportTraceServiceRequest
		if err == nil {
			err = proto.Unmarshal(body, &request)
		}
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for _, resource := range request.ResourceSpans {
			for _, scope := range resource.ScopeSpans {
				for _, span := range scope.Spans {
					d.add(string(span.SpanId), time.Unix(0, int64(span.EndTimeUnixNano)), lateAfterPeer)
				}
			}
		}
		w.Header().Set("Content-Type", "application/x-protobuf")
		_, _ = w.Write(nil) // an empty ExportTraceServiceResponse
	})
}
