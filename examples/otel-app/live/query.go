package live

import (
	"strings"
	"time"
	"unicode"
)

// query is what someone looks for: spans for which everything in it holds.
//
//	cancel request        both words, in any order, anywhere in the span, in any case
//	"cancel request"      these words in a row
//	status:error          or ok, canceled, running, unfinished
//	running               the same as status:running
//	type:completion       likewise service:, model:, group: (also conversation:), name:
//	duration:>2s          or <2s, of a span that has ended
type query struct {
	words []string // in lower case
	terms []func(s *span) bool
}

func parseQuery(text string) query {
	var q query
	for _, term := range splitQuery(text) {
		if strings.EqualFold(term, "running") {
			term = "status:running"
		}
		key, value, found := strings.Cut(strings.ToLower(term), ":")
		test := termOf(key, value)
		switch {
		case !found || test == nil:
			q.words = append(q.words, strings.ToLower(strings.Trim(term, `"`)))
		case value != "": // not still being typed
			q.terms = append(q.terms, test)
		}
	}
	return q
}

// splitQuery splits at spaces that are not between quotation marks.
func splitQuery(text string) []string {
	quoted := false
	return strings.FieldsFunc(text, func(r rune) bool {
		if r == '"' {
			quoted = !quoted
		}
		return unicode.IsSpace(r) && !quoted
	})
}

// termOf returns what key:value asks of a span, both in lower case, or nil if that is no
// term but a word with a colon in it.
func termOf(key, value string) func(*span) bool {
	value = strings.Trim(value, `"`)
	has := func(field func(s *span) string) func(*span) bool {
		return func(s *span) bool { return strings.Contains(strings.ToLower(field(s)), value) }
	}
	switch key {
	case "status":
		return func(s *span) bool { return strings.HasPrefix(s.statusName(), value) }
	case "type":
		return has(func(s *span) string { return s.item.Type })
	case "name":
		return has(func(s *span) string { return s.item.Name })
	case "service":
		return has(func(s *span) string { return s.fields.service })
	case "model":
		return has(func(s *span) string { return s.fields.model })
	case "group", "conversation":
		return has(func(s *span) string { return s.item.GroupID })
	case "duration":
		return durationTerm(value)
	}
	return nil
}

// durationTerm reads >2s, <500ms, or 2s, which is >2s. What cannot be read asks nothing.
func durationTerm(value string) func(*span) bool {
	less := strings.HasPrefix(value, "<")
	d, err := time.ParseDuration(strings.TrimLeft(value, "<>="))
	if err != nil {
		return func(*span) bool { return true }
	}
	return func(s *span) bool {
		took := s.end - s.start
		return s.ended && (less && took < d.Microseconds() || !less && took >= d.Microseconds())
	}
}

// statusName is the span's status as the page calls it.
func (s *span) statusName() string {
	switch {
	case s.failed:
		return "error"
	case !s.ended:
		return "running"
	case s.fields.unfinished:
		return "unfinished"
	case s.item.Status == "CANCELED":
		return "canceled"
	}
	return "ok"
}

// matches reports whether all of q holds for s.
func (q query) matches(s *span) bool {
	for _, holds := range q.terms {
		if !holds(s) {
			return false
		}
	}
	if len(q.words) == 0 {
		return true
	}
	it := &s.item
	short := strings.ToLower(strings.Join([]string{it.Name, it.Type, it.Status, it.ID, it.TraceID, it.GroupID}, "\n"))
	var payloads string
	read := false
	for _, word := range q.words {
		if strings.Contains(short, word) {
			continue
		}
		if !read {
			payloads, read = s.payloadText(), true
		}
		if !strings.Contains(payloads, word) {
			return false
		}
	}
	return true
}

// payloadText is what the payloads hold, in lower case.
func (s *span) payloadText() string {
	it := &s.item
	var b strings.Builder
	for _, raw := range [][]byte{it.Input, it.Output, it.Metadata, it.Expected} {
		b.WriteString(strings.ToLower(unescape(string(raw))))
		b.WriteByte('\n')
	}
	return b.String()
}
