package live

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	streamInterval = 100 * time.Millisecond // between two looks at the store
	ticksPerStats  = 5                      // looks at the store between two at the queue
	writeTimeout   = 15 * time.Second       // a browser that takes nothing for so long is let go
	spansPerEvent  = 500                    // so that no event keeps the browser busy for long
	retryMillis    = 1000                   // how soon a browser connects again
)

// row is a span as the waterfall shows it. Times are Unix microseconds.
type row struct {
	ID     string `json:"id"`
	Parent string `json:"parent,omitempty"`
	Name   string `json:"name"`
	Type   string `json:"type,omitempty"`
	Kind   string `json:"kind,omitempty"`
	Status string `json:"status,omitempty"`
	Start  int64  `json:"start"`
	End    *int64 `json:"end,omitempty"`  // absent while the span runs
	News   int64  `json:"news,omitempty"` // while it runs: when it was last heard of
	Failed bool   `json:"failed,omitempty"`
	Events int    `json:"events,omitempty"`
	Usage  usage  `json:"usage,omitzero"`
	Seq    uint64 `json:"seq"` // grows with each change of the span

	Service    string `json:"service,omitempty"`
	Pod        string `json:"pod,omitempty"`
	Model      string `json:"model,omitempty"`
	HTTP       int    `json:"http,omitempty"`        // the response's status code
	FirstToken int64  `json:"first_token,omitempty"` // microseconds after the start
	Unfinished bool   `json:"unfinished,omitempty"`  // the end is not the span's own
}

func (s *span) row() row {
	f := &s.fields
	r := row{
		ID: s.item.ID, Parent: s.item.ParentID, Name: s.item.Name, Type: s.item.Type, Kind: f.kind, Status: s.item.Status,
		Start: s.start, Failed: s.failed, Events: f.events, Usage: s.usage, Seq: s.seq,
		Service: f.service, Pod: f.pod, Model: f.model, HTTP: f.httpStatus, FirstToken: f.firstToken, Unfinished: f.unfinished,
	}
	if s.ended {
		r.End = &s.end
	} else {
		r.News = s.news()
	}
	return r
}

// The events of a stream, in the order in which one look at the store sends
// them: hello (once), traces, spans (in parts), stats. The last one of a look
// has an id, with which the browser's own reconnect takes up where it stopped.
type (
	helloEvent struct {
		Epoch string `json:"epoch"`
		Now   int64  `json:"now"` // the server's clock, Unix microseconds
		Ask   string `json:"ask,omitempty"`
		Stats bool   `json:"stats"` // whether there is a queue to show
	}
	tracesEvent struct {
		Reset   bool      `json:"reset,omitempty"` // forget every trace first
		Removed []string  `json:"removed,omitempty"`
		Traces  []summary `json:"traces,omitempty"`
	}
	spansEvent struct {
		Trace string `json:"trace"`
		Reset bool   `json:"reset,omitempty"` // forget the trace's spans first
		Spans []row  `json:"spans"`
	}
)

// serveEvents streams changes until the browser goes away or the page is closed.
//
// It keeps no queue: it asks the store what changed since the last write that
// the browser took. So a browser that is slow gets fewer, larger updates, and
// neither Ingest nor memory notices.
func (p *Page) serveEvents(w http.ResponseWriter, r *http.Request) {
	traceID := r.URL.Query().Get("trace")
	// The browser sends the header when it connects again by itself, the page's
	// script the parameter when it does.
	seq, resumed := p.resumeFrom(cmp.Or(r.Header.Get("Last-Event-ID"), r.URL.Query().Get("since")))

	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := &eventWriter{w: w, rc: http.NewResponseController(w)}
	_, _ = fmt.Fprintf(out, "retry: %d\n\n", retryMillis)
	out.event("hello", helloEvent{p.epoch, time.Now().UnixMicro(), p.cfg.askPath, p.source != nil}, "")

	d := p.store.since(seq, traceID)
	p.writeDelta(out, d, traceID, !resumed || d.reset)
	seq = d.seq
	tick := time.NewTicker(streamInterval)
	defer tick.Stop()
	for n := 0; ; n++ {
		if n%ticksPerStats == 0 {
			out.event("stats", p.stats(), "")
		}
		if out.flush() != nil {
			return
		}
		select {
		case <-p.closed:
			return
		case <-r.Context().Done():
			return
		case <-tick.C:
		}
		d = p.store.since(seq, traceID)
		if d.seq != seq {
			p.writeDelta(out, d, traceID, d.reset)
			seq = d.seq
		}
	}
}

// resumeFrom reads the id of the last event that a browser saw. One of another
// run of the server means nothing here.
func (p *Page) resumeFrom(lastEventID string) (seq uint64, ok bool) {
	epoch, n, found := strings.Cut(lastEventID, ".")
	if !found || epoch != p.epoch {
		return 0, false
	}
	seq, err := strconv.ParseUint(n, 10, 64)
	return seq, err == nil
}

func (p *Page) writeDelta(out *eventWriter, d delta, traceID string, fresh bool) {
	id := p.epoch + "." + strconv.FormatUint(d.seq, 10)
	if fresh || d.reset || len(d.traces) > 0 || len(d.removed) > 0 {
		out.event("traces", tracesEvent{Reset: d.reset, Removed: d.removed, Traces: d.traces}, "")
	}
	for part := d.spans; len(part) > 0 || fresh; fresh = false {
		n := min(len(part), spansPerEvent)
		rows := make([]row, n)
		for i, s := range part[:n] {
			rows[i] = s.row()
		}
		part = part[n:]
		out.event("spans", spansEvent{Trace: traceID, Reset: fresh, Spans: rows}, "")
	}
	// Only now has the browser everything up to here.
	out.event("mark", struct{}{}, id)
}

// eventWriter writes server-sent events and remembers the first error.
type eventWriter struct {
	w   io.Writer
	rc  *http.ResponseController
	err error
}

func (o *eventWriter) Write(b []byte) (int, error) {
	if o.err != nil {
		return 0, o.err
	}
	// A ResponseWriter without deadlines is one of a test: it does not hang.
	_ = o.rc.SetWriteDeadline(time.Now().Add(writeTimeout))
	n, err := o.w.Write(b)
	o.err = err
	return n, err
}

func (o *eventWriter) event(name string, data any, id string) {
	body, err := json.Marshal(data)
	if err != nil {
		o.err = err
		return
	}
	if id != "" {
		_, _ = fmt.Fprintf(o, "id: %s\n", id)
	}
	_, _ = fmt.Fprintf(o, "event: %s\ndata: %s\n\n", name, body)
}

func (o *eventWriter) flush() error {
	if o.err == nil {
		o.err = o.rc.Flush()
	}
	return o.err
}
