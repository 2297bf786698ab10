package live

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

const (
	maxQueryBytes  = 512
	maxSearchSpans = 5000 // the span ids that one answer names
)

// searchResult says where a text was found.
type searchResult struct {
	Traces    map[string]int `json:"traces"`          // matching spans by trace
	Spans     []string       `json:"spans,omitempty"` // those of the trace that was asked for
	Truncated bool           `json:"truncated,omitempty"`
}

// serveSearch looks for a text in names, ids, types, statuses and payloads,
// without regard to case. One search runs at a time, so that many browsers do
// not take the machine from the service.
func (p *Page) serveSearch(w http.ResponseWriter, r *http.Request) {
	q := strings.TrimSpace(r.URL.Query().Get("q"))
	if q == "" || len(q) > maxQueryBytes {
		http.Error(w, "q: 1 to "+strconv.Itoa(maxQueryBytes)+" bytes", http.StatusBadRequest)
		return
	}
	select {
	case p.searching <- struct{}{}:
		defer func() { <-p.searching }()
	case <-r.Context().Done():
		return
	}
	result, err := search(r.Context(), p.store.all(), q, r.URL.Query().Get("trace"))
	if err != nil {
		return // the browser has gone
	}
	writeJSON(w, result)
}

func search(ctx context.Context, spans []*span, q, traceID string) (searchResult, error) {
	q = strings.ToLower(q)
	result := searchResult{Traces: map[string]int{}}
	for i, s := range spans {
		if i%256 == 0 && ctx.Err() != nil {
			return result, ctx.Err()
		}
		if !s.matches(q) {
			continue
		}
		result.Traces[s.item.TraceID]++
		if s.item.TraceID != traceID {
			continue
		}
		if len(result.Spans) == maxSearchSpans {
			result.Truncated = true
			continue
		}
		result.Spans = append(result.Spans, s.item.ID)
	}
	return result, nil
}

// matches reports whether s holds q, which is in lower case.
func (s *span) matches(q string) bool {
	it := &s.item
	for _, text := range []string{it.Name, it.Type, it.Status, it.ID, it.TraceID, it.GroupID} {
		if strings.Contains(strings.ToLower(text), q) {
			return true
		}
	}
	for _, raw := range [][]byte{it.Input, it.Output, it.Metadata, it.Expected} {
		if len(raw) > 0 && strings.Contains(strings.ToLower(unescape(string(raw))), q) {
			return true
		}
	}
	return false
}

// unescape replaces the escapes of JSON strings by what they stand for, so that
// <script> is found though encoders write it as \u003cscript\u003e. raw is valid
// JSON; what comes out is text to search, not JSON any more.
func unescape(raw string) string {
	i := strings.IndexByte(raw, '\\')
	if i < 0 {
		return raw
	}
	var b strings.Builder
	b.Grow(len(raw))
	for ; i >= 0; i = strings.IndexByte(raw, '\\') {
		b.WriteString(raw[:i])
		raw = raw[i+1:]
		if raw == "" {
			break
		}
		c := raw[0]
		raw = raw[1:]
		switch c {
		case 'n', 'r', 't', 'b', 'f':
			b.WriteByte(' ')
		case 'u':
			r := hexRune(raw)
			raw = raw[min(4, len(raw)):]
			if utf16.IsSurrogate(r) && strings.HasPrefix(raw, `\u`) {
				r = utf16.DecodeRune(r, hexRune(raw[2:]))
				raw = raw[min(6, len(raw)):]
			}
			b.WriteRune(r)
		default:
			b.WriteByte(c)
		}
	}
	b.WriteString(raw)
	return b.String()
}

func hexRune(s string) rune {
	if len(s) < 4 {
		return utf8.RuneError
	}
	n, err := strconv.ParseUint(s[:4], 16, 16)
	if err != nil {
		return utf8.RuneError
	}
	return rune(n)
}
