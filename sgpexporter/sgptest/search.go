package sgptest

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
)

const (
	// searchPath is where spans are searched for, under the base URL.
	searchPath = "/v5/spans/search"
	// maxSearchIDs is the SGP API's limit of the ids in one search.
	maxSearchIDs = 10_000
	// defaultLimit and maxLimit are this server's own.
	defaultLimit = 100
	maxLimit     = 1000
)

// filters are those of a search's body that this server knows, all of which must hold.
// An empty one holds for every span.
type filters struct {
	TraceIDs      []string       `json:"trace_ids"`
	SpanIDs       []string       `json:"span_ids"`
	ParentIDs     []string       `json:"parent_ids"`
	ParentsOnly   bool           `json:"parents_only"`
	Names         []string       `json:"names"`
	Types         []string       `json:"types"`
	Statuses      []string       `json:"statuses"`
	GroupID       string         `json:"group_id"`
	ExtraMetadata map[string]any `json:"extra_metadata"`
}

func (f *filters) hold(s *Span) bool {
	for _, one := range []struct {
		of    []string
		value string
	}{
		{f.TraceIDs, s.TraceID}, {f.SpanIDs, s.ID}, {f.ParentIDs, s.ParentID},
		{f.Names, s.Name}, {f.Types, s.Type}, {f.Statuses, s.Status},
	} {
		if len(one.of) > 0 && !slices.Contains(one.of, one.value) {
			return false
		}
	}
	// Only keys at the top of the metadata are compared: a dot in a key is a dot.
	for key, want := range f.ExtraMetadata {
		if got, ok := s.Metadata[key]; !ok || !reflect.DeepEqual(got, want) {
			return false
		}
	}
	return (f.GroupID == "" || f.GroupID == s.GroupID) && (!f.ParentsOnly || s.ParentID == "")
}

// paging is the query of a search.
type paging struct {
	limit         int
	startingAfter string
	from, to      time.Time
	compare       func(a, b Span) int
}

// sortings are the values of sort_by. A span that has not ended has no duration, and
// stands before all that have.
var sortings = map[string]func(a, b Span) int{
	"start_timestamp": func(a, b Span) int { return a.StartTimestamp.Compare(b.StartTimestamp) },
	"duration_ms":     func(a, b Span) int { return cmp.Compare(a.Duration(), b.Duration()) },
	"input_tokens":    func(a, b Span) int { return cmp.Compare(tokens(a).InputTokens, tokens(b).InputTokens) },
	"output_tokens":   func(a, b Span) int { return cmp.Compare(tokens(a).OutputTokens, tokens(b).OutputTokens) },
}

func tokens(s Span) Usage {
	u, _ := usageOf(s.Output)
	return u
}

func readPaging(query url.Values) (paging, *Rejection) {
	p := paging{limit: defaultLimit, startingAfter: query.Get("starting_after"), compare: sortings["start_timestamp"]}
	for name := range query {
		switch value := query.Get(name); name {
		case "limit":
			n, err := strconv.Atoi(value)
			if err != nil || n < 1 || n > maxLimit {
				return p, reject(http.StatusUnprocessableEntity, name, fmt.Sprintf("must be a number from 1 to %d", maxLimit))
			}
			p.limit = n
		case "sort_by":
			if p.compare = sortings[value]; p.compare == nil {
				return p, reject(http.StatusUnprocessableEntity, name, fmt.Sprintf("has no value %q", shorten(value)))
			}
		case "sort_order":
			if value != "asc" && value != "desc" {
				return p, reject(http.StatusUnprocessableEntity, name, "must be asc or desc")
			}
		case "from_ts", "to_ts":
			t, err := time.Parse(time.RFC3339Nano, value)
			if err != nil {
				return p, reject(http.StatusUnprocessableEntity, name, "is not an RFC 3339 timestamp")
			}
			if name == "from_ts" {
				p.from = t
			} else {
				p.to = t
			}
		case "starting_after":
		default:
			return p, reject(http.StatusUnprocessableEntity, shorten(name), "is not a parameter that this server knows")
		}
	}
	if query.Get("sort_order") == "desc" {
		ascending := p.compare
		p.compare = func(a, b Span) int { return ascending(b, a) }
	}
	return p, nil
}

// readFilters reads the body of a search.
func readFilters(body []byte) (filters, *Rejection) {
	var f filters
	if !json.Valid(body) {
		return f, reject(http.StatusBadRequest, "", "not JSON")
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.DisallowUnknownFields() // a filter that is ignored would find too much
	if err := decoder.Decode(&f); err != nil {
		return f, reject(http.StatusUnprocessableEntity, "", strings.TrimPrefix(err.Error(), "json: "))
	}
	if ids := len(f.TraceIDs) + len(f.SpanIDs) + len(f.ParentIDs); ids > maxSearchIDs {
		return f, reject(http.StatusUnprocessableEntity, "", fmt.Sprintf("has %d ids, more than %d", ids, maxSearchIDs))
	}
	return f, nil
}

// serveSearch answers a search. It is no request in the sense of [Server.Requests], and
// no fault is injected into it.
func (s *Server) serveSearch(w http.ResponseWriter, r *http.Request) {
	body, _, rejected, err := readBody(r, s.cfg.maxBodyBytes)
	if err != nil {
		panic(http.ErrAbortHandler) // the client gave up
	}
	var items []json.RawMessage
	if rejected == nil {
		items, rejected = s.search(r, body)
	}
	if rejected != nil {
		header := http.Header{}
		if rejected.Status == http.StatusMethodNotAllowed {
			header.Set("Allow", http.MethodPost)
		}
		body, _ = json.Marshal(rejected)
		answer(w, rejected.Status, header, body)
		return
	}
	body, _ = json.Marshal(map[string]any{"items": items})
	answer(w, http.StatusOK, nil, body)
}

func (s *Server) search(r *http.Request, body []byte) ([]json.RawMessage, *Rejection) {
	if rejected := s.checkProtocol(r); rejected != nil {
		return nil, rejected
	}
	page, rejected := readPaging(r.URL.Query())
	if rejected != nil {
		return nil, rejected
	}
	f, rejected := readFilters(body)
	if rejected != nil {
		return nil, rejected
	}
	found := slices.DeleteFunc(s.Spans(), func(span Span) bool {
		return !f.hold(&span) || span.StartTimestamp.Before(page.from) ||
			(!page.to.IsZero() && span.StartTimestamp.After(page.to))
	})
	slices.SortStableFunc(found, page.compare)
	if page.startingAfter != "" {
		last := slices.IndexFunc(found, func(span Span) bool { return span.ID == page.startingAfter })
		if last < 0 {
			return nil, reject(http.StatusUnprocessableEntity, "starting_after", "is not the id of a span that the search finds")
		}
		found = found[last+1:]
	}
	items := []json.RawMessage{}
	for i := range found[:min(page.limit, len(found))] {
		if item, err := found[i].echo(); err == nil {
			items = append(items, item)
		}
	}
	return items, nil
}
