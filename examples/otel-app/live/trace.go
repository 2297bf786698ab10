package live

import (
	"cmp"
	"container/list"
	"maps"
	"slices"
)

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

	title, asked  *span // the spans that give the name and the preview
	start, end    int64
	news          int64 // when a span of it was last heard of
	running       int
	errors        int
	failedRoots   int
	canceledRoots int
	refused       int
	usage         usage

	// How many spans have which value.
	services, groups, types, models facet
}

// facet counts spans by the value of one of their fields.
type facet map[string]int

func (f facet) count(value string, n int) {
	if value == "" {
		return
	}
	if f[value] += n; f[value] == 0 {
		delete(f, value)
	}
}

// maxFacetValues is how many values of a field the list is told of a trace.
const maxFacetValues = 16

// values returns those that the most spans have first.
func (f facet) values() []string {
	list := slices.SortedFunc(maps.Keys(f), func(a, b string) int {
		return cmp.Or(cmp.Compare(f[b], f[a]), cmp.Compare(a, b))
	})
	return list[:min(len(list), maxFacetValues)]
}

func newTrace(id string, seq uint64) *trace {
	return &trace{id: id, arrived: seq, spans: map[string]*list.Element{}, changes: list.New(),
		services: facet{}, groups: facet{}, types: facet{}, models: facet{}}
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

	if t.title == nil {
		t.start, t.end, t.news = s.start, s.start, s.start
	}
	t.start = min(t.start, s.start)
	t.news = max(t.news, s.news())
	if s.ended {
		t.end = max(t.end, s.end)
	}
	if t.title == nil || t.title == old || titleBefore(s, t.title) {
		t.title = s
	}
	if s.preview != "" && (t.asked == nil || t.asked == old || s.start < t.asked.start) {
		t.asked = s
	}
}

func (t *trace) count(s *span, n int) {
	t.bytes += int64(n) * s.size()
	t.services.count(s.fields.service, n)
	t.groups.count(s.item.GroupID, n)
	t.types.count(s.item.Type, n)
	t.models.count(s.fields.model, n)
	if !s.ended {
		t.running += n
	}
	if s.item.Status == "CANCELED" && s.item.ParentID == "" {
		t.canceledRoots += n
	}
	if s.failed {
		t.errors += n
		if s.item.ParentID == "" {
			t.failedRoots += n
		}
	}
}

// news is when the span was last heard of.
func (s *span) news() int64 {
	if s.ended {
		return s.end
	}
	return max(s.start, s.fields.heartbeat)
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
	ID       string `json:"id"`
	Name     string `json:"name"`
	Type     string `json:"type,omitempty"`
	Preview  string `json:"preview,omitempty"`
	Start    int64  `json:"start"`
	End      int64  `json:"end"`  // the last end so far; the trace may run on
	News     int64  `json:"news"` // when a span of it was last heard of
	Spans    int    `json:"spans"`
	Running  int    `json:"running,omitempty"`
	Errors   int    `json:"errors,omitempty"`   // spans that failed
	Failed   bool   `json:"failed,omitempty"`   // a root did, or what stands for one
	Canceled bool   `json:"canceled,omitempty"` // a root was
	Refused  int    `json:"refused,omitempty"`  // spans that found no room
	Usage    usage  `json:"usage,omitzero"`
	Arrived  uint64 `json:"arrived"` // orders traces by when they were first heard of

	Service  string   `json:"service,omitempty"` // of the span that gives the name
	Group    string   `json:"group,omitempty"`   // the conversation that most of its spans name
	Services []string `json:"services,omitempty"`
	Types    []string `json:"types,omitempty"`
	Models   []string `json:"models,omitempty"`
}

func (t *trace) summary() summary {
	s := summary{
		ID: t.id, Name: t.title.item.Name, Type: t.title.item.Type,
		Start: t.start, End: t.end, News: t.news, Canceled: t.canceledRoots > 0,
		Spans: len(t.spans), Running: t.running, Errors: t.errors, Refused: t.refused,
		Failed: t.failedRoots > 0 || t.title.failed && t.title.item.ParentID != "",
		Usage:  t.usage, Arrived: t.arrived,
		Service: t.title.fields.service, Services: t.services.values(), Types: t.types.values(), Models: t.models.values(),
	}
	if groups := t.groups.values(); len(groups) > 0 {
		s.Group = groups[0]
	}
	if s.Service == "" && len(s.Services) > 0 {
		s.Service = s.Services[0]
	}
	if t.asked != nil {
		s.Preview = t.asked.preview
	}
	return s
}
