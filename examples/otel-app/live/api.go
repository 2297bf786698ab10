package live

import (
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"time"
)

// statsView is the processor's counts, as the page's chart wants them.
type statsView struct {
	Now       int64             `json:"now"` // Unix microseconds
	Queue     bool              `json:"queue"`
	Offered   uint64            `json:"offered"`
	Exported  uint64            `json:"exported"`
	Coalesced uint64            `json:"coalesced"`
	Dropped   uint64            `json:"dropped"`
	Queued    int64             `json:"queued"`
	InFlight  int64             `json:"in_flight"`
	DroppedBy map[string]uint64 `json:"dropped_by,omitempty"`
	Ignored   uint64            `json:"ignored,omitempty"` // items that Ingest could not read
	Notice    string            `json:"notice,omitempty"`  // of WithNotice
}

func (p *Page) stats() statsView {
	v := statsView{Now: time.Now().UnixMicro(), Ignored: p.ignored.Load()}
	if p.cfg.notice != nil {
		v.Notice = p.cfg.notice()
	}
	if p.source == nil {
		return v
	}
	s := p.source.Stats()
	v.Queue = true
	v.Offered, v.Exported, v.Coalesced, v.Dropped = s.Offered, s.Exported, s.Coalesced, s.Dropped
	v.Queued, v.InFlight = s.Queued, s.InFlight
	v.DroppedBy = make(map[string]uint64, len(s.DroppedBy))
	for reason, n := range s.DroppedBy {
		v.DroppedBy[string(reason)] = n
	}
	return v
}

func (p *Page) serveStats(w http.ResponseWriter, _ *http.Request) { writeJSON(w, p.stats()) }

func (p *Page) serveTraces(w http.ResponseWriter, _ *http.Request) {
	d := p.store.since(0, "")
	slices.SortFunc(d.traces, func(a, b summary) int { return cmp.Compare(b.Arrived, a.Arrived) })
	if d.traces == nil {
		d.traces = []summary{} // an empty list in JSON, not null
	}
	writeJSON(w, map[string]any{"traces": d.traces})
}

func (p *Page) serveTrace(w http.ResponseWriter, r *http.Request) {
	id := r.URL.Query().Get("id")
	d := p.store.since(0, id)
	i := slices.IndexFunc(d.traces, func(s summary) bool { return s.ID == id })
	if i < 0 {
		http.Error(w, "no such trace", http.StatusNotFound)
		return
	}
	rows := make([]row, len(d.spans))
	for i, s := range d.spans {
		rows[i] = s.row()
	}
	slices.SortStableFunc(rows, func(a, b row) int { return cmp.Compare(a.Start, b.Start) })
	writeJSON(w, map[string]any{"trace": d.traces[i], "spans": rows})
}

// serveExport sends a trace as one batch of SGP spans, as PUT /v5/spans/batch takes it,
// oldest first.
func (p *Page) serveExport(w http.ResponseWriter, r *http.Request) {
	d := p.store.since(0, r.URL.Query().Get("id"))
	if len(d.spans) == 0 {
		http.Error(w, "no such trace", http.StatusNotFound)
		return
	}
	slices.SortStableFunc(d.spans, func(a, b *span) int { return cmp.Compare(a.start, b.start) })
	items := make([]*item, len(d.spans))
	for i, s := range d.spans {
		items[i] = &s.item
	}
	w.Header().Set("Content-Disposition", `attachment; filename="trace.json"`)
	writeJSON(w, map[string]any{"items": items})
}

func (p *Page) serveSpan(w http.ResponseWriter, r *http.Request) {
	s := p.store.span(r.URL.Query().Get("trace"), r.URL.Query().Get("id"))
	if s == nil {
		http.Error(w, "no such span", http.StatusNotFound)
		return
	}
	writeJSON(w, struct {
		Seq  uint64 `json:"seq"`
		Bare bool   `json:"bare,omitempty"` // payloads were not kept, for want of room
		Span item   `json:"span"`
	}{s.seq, s.bare, s.item})
}

func writeJSON(w http.ResponseWriter, v any) {
	body, err := json.Marshal(v)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Length", strconv.Itoa(len(body)))
	_, _ = w.Write(body) // nobody is left to tell
}
