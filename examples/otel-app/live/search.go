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

// searchResult says what a query was found in.
type searchResult struct {
	Traces    map[string]int `json:"traces"`          // matching spans by trace
	Spans     []string       `json:"spans,omitempty"` // those of the trace that was asked for
	Truncated bool           `json:"truncated,omitempty"`
	Words     []string       `json:"words,omitempty"` // to be marked
}

// serveSearch finds the spans for which a [query] holds. One search runs at a time, so that many browsers do
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
	result, err := search(r.Context(), p.store.all(), parseQuery(q), r.URL.Query().Get("trace"))
	if err != nil {
		return // the browser has gone
	}
	writeJSON(w, result)
}

func search(ctx context.Context, spans []*span, q query, traceID string) (searchResult, error) {
	result := searchResult{Traces: map[string]int{}, Words: q.words}
	for i, s := range spans {
		if i%256 == 0 && ctx.Err() != nil {
			return result, ctx.Err()
		}
		if !q.matches(s) {
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
