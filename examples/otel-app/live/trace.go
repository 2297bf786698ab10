package live

import "container/list"

// trace is the spans of one trace and what the list shows of it. The store's
// lock guards it.
type trace struct {
	id      string
	seq     uint64                   // of its last change
	arrived uint64                   // seq of its first change: the list's order
	spans   map[string]*list.Element // by span id; the values are *span
	changes *list.List               // of *span, the last changed at the back
	place   *list.Element            // in the store's list of traces
	bytes   int64

	title, asked *span // the spans that give the name and the preview
	start, end   int64
	running      int
	errors       int
	failedRoots  int
	refused      int
	usage        usage
}

func newTrace(id string, seq uint64) *trace {
	return &trace{id: id, arrived: seq, spans: map[string]*list.Element{}, changes: list.New()}
}

// put adds s, or puts it in the place of old, the span of the same id.
func (t *trace) put(s, old *span) {
	if old != nil {
		t.count(old, -1)
		t.usage.sub(old.usage)
		e := t.spans[old.item.ID]
		e.Value = s
		t.changes.MoveToBack(e)
	} else {
		t.spans[s.item.ID] = t.changes.PushBack(s)
	}
	t.count(s, 1)
	t.usage.add(s.usage)

	if t.start == 0 || s.start < t.start {
		t.start = s.start
	}
	t.end = max(t.end, s.end)
	if t.title == nil || t.title == old || titleBefore(s, t.title) {
		t.title = s
	}
	if s.preview != "" && (t.asked == nil || t.asked == old || s.start < t.asked.start) {
		t.asked = s
	}
}

func (t *trace) count(s *span, n int) {
	t.bytes += int64(n) * s.size()
	if s.end == 0 {
		t.running += n
	}
	if s.failed {
		t.errors += n
		if s.item.ParentID == "" {
			t.failedRoots += n
		}
	}
}

// titleBefore reports whether a names the trace rather than b: a root before a
// child, then the earlier one.
func titleBefore(a, b *span) bool {
	if rootA, rootB := a.item.ParentID == "", b.item.ParentID == ""; rootA != rootB {
		return rootA
	}
	return a.start < b.start
}

// summary is a trace as the list shows it. Times are Unix microseconds.
type summary struct {
	ID      string `json:"id"`
	Name    string `json:"name"`
	Type    string `json:"type,omitempty"`
	Preview string `json:"preview,omitempty"`
	Start   int64  `json:"start"`
	End     int64  `json:"end,omitempty"` // the last end so far; the trace may run on
	Spans   int    `json:"spans"`
	Running int    `json:"running,omitempty"`
	Errors  int    `json:"errors,omitempty"`  // spans that failed
	Failed  bool   `json:"failed,omitempty"`  // a root did, or what stands for one
	Refused int    `json:"refused,omitempty"` // spans that found no room
	Usage   usage  `json:"usage,omitzero"`
	Arrived uint64 `json:"arrived"` // orders traces by when they were first heard of
}

func (t *trace) summary() summary {
	s := summary{
		ID: t.id, Name: t.title.item.Name, Type: t.title.item.Type,
		Start: t.start, End: t.end,
		Spans: len(t.spans), Running: t.running, Errors: t.errors, Refused: t.refused,
		Failed: t.failedRoots > 0 || t.title.failed && t.title.item.ParentID != "",
		Usage:  t.usage, Arrived: t.arrived,
	}
	if t.asked != nil {
		s.Preview = t.asked.preview
	}
	return s
}
