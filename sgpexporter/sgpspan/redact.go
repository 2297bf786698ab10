package sgpspan

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

const (
	// Redacted stands where a redactor has taken something out. JSON that would grow by it
	// to more than twice its length and 4 KiB goes whole: hardly anything would be left.
	Redacted = "[REDACTED]"

	valueKey = "value"
	tooDeep  = "[nested too deep]"
)

// RedactKeys returns a hook that replaces by [Redacted] the value of every field
// that one of the patterns matches: in input, output, expected and metadata, at any
// depth, and in JSON within strings. A pattern is a name in which * stands for
// any characters and ? for one; upper and lower case are the same.
//
// A pattern is held against three names of a field: its key ("password"), the
// attribute that it was taken from, wherever it is now ("gen_ai.input.messages",
// "llm.input_messages.0.message.content", "otel.status_description"), and its
// path from the span, array indexes left out ("metadata.attributes.user.email",
// "input"). A group whose attribute matches, or "group_id", is left out, and so are
// the ids of the application's variant and interaction. A message
// that was an event is known by the event's name too ("gen_ai.user.message").
//
// Put it before hooks that change keys, as [RedactPatterns] and [RedactLong] can.
func RedactKeys(patterns ...string) func(*Span) bool {
	globs := make([]string, len(patterns))
	for i, p := range patterns {
		globs[i] = strings.ToLower(p)
	}
	match := func(name string) bool { return name != "" && matchAny(globs, strings.ToLower(name)) }
	return func(s *Span) bool {
		if s.GroupID != "" && (match(s.GroupSource) || match("group_id")) {
			s.GroupID = ""
		}
		if match("application_variant_id") || match("sgp.application_variant_id") {
			s.ApplicationVariantID = ""
		}
		if match("application_interaction_id") || match("sgp.application_interaction_id") {
			s.ApplicationInteractionID = ""
		}
		r := rewriter{redact: func(key, source string, path []byte) bool {
			return match(key) || match(source) || len(path) > 0 && matchAny(globs, path)
		}}
		r.span(s)
		return true
	}
}

func matchAny[T string | []byte](globs []string, name T) bool {
	for _, g := range globs {
		if matchGlob(g, name) {
			return true
		}
	}
	return false
}

// matchGlob reports whether glob matches all of name.
func matchGlob[T string | []byte](glob string, name T) bool {
	g, n := 0, 0
	star, from := -1, 0 // the last *, and where in name what follows it is tried
	for n < len(name) {
		switch {
		case g < len(glob) && glob[g] == '*':
			star, from = g, n
			g++
		case g < len(glob) && (glob[g] == '?' || glob[g] == name[n]):
			g++
			n++
		case star >= 0:
			from++
			g, n = star+1, from
		default:
			return false
		}
	}
	return strings.Trim(glob[g:], "*") == ""
}

// RedactPatterns returns a hook that replaces by [Redacted] what the patterns
// match: in the name, in the notes, and in every string, number, byte slice and
// key of input, output, expected and metadata, at any depth, and in JSON within strings.
// What a group named keep matches stays. [RedactSecrets] and [RedactEmails] look
// in the same places for what everyone has.
//
// A group id, or an id of the application, in which a pattern matches is redacted and
// gets a hash of what it was, so that two groups do not become one. The hash tells whoever knows the
// value that it is the one; use [RedactKeys] with "group_id" where that matters.
//
// Patterns are searched in every string of every span. On prompts of many kilobytes
// that takes milliseconds; a pattern that begins with plain text takes least. A string
// with more than 400 matches, and one in 20 bytes, goes whole.
func RedactPatterns(patterns ...*regexp.Regexp) func(*Span) bool {
	return redactText(func(s string) (string, bool) {
		out := s
		for _, p := range patterns {
			out = withoutMatches(out, p)
		}
		return out, out != s
	}, nil)
}

// withoutMatches returns s with [Redacted] in the place of what p matches. A long string
// with more matches than maxMatches goes whole.
func withoutMatches(s string, p *regexp.Regexp) string {
	first := p.FindStringIndex(s)
	switch {
	case first == nil:
		return s
	case first[0] == 0 && first[1] == len(s) && s != "" && p.SubexpIndex("keep") < 0:
		return Redacted
	case len(s) <= maxFreeString:
		return p.ReplaceAllString(s, "${keep}"+Redacted)
	}
	limit := maxMatches(len(s))
	matches := p.FindAllStringSubmatchIndex(s, limit+1)
	if len(matches) > limit {
		return Redacted
	}
	keep := p.SubexpIndex("keep")
	var b strings.Builder
	b.Grow(len(s) + len(matches)*len(Redacted))
	done := 0
	for _, m := range matches {
		b.WriteString(s[done:m[0]])
		if keep >= 0 && m[2*keep] >= 0 {
			b.WriteString(s[m[2*keep]:m[2*keep+1]])
		}
		b.WriteString(Redacted)
		done = m[1]
	}
	b.WriteString(s[done:])
	return b.String()
}

// maxFreeString is the length up to which a string may grow as it will.
const maxFreeString = 256

// maxMatches is how many matches are taken out of a string of so many bytes one by one.
func maxMatches(length int) int { return 400 + length/20 }

// redactText returns a hook that puts what text returns in the place of every
// string, and redacts the scalars in fields for whose name secret is true.
func redactText(text func(string) (string, bool), secret func(name string) bool) func(*Span) bool {
	return func(s *Span) bool {
		for _, id := range [...]*string{&s.GroupID, &s.ApplicationVariantID, &s.ApplicationInteractionID} {
			if left, changed := text(*id); changed {
				sum := sha256.Sum256([]byte(*id))
				*id = left + "~" + hex.EncodeToString(sum[:8])
			}
		}
		r := rewriter{rewrite: text, secret: secret}
		r.span(s)
		return true
	}
}

// RedactLong returns a hook that cuts what is longer than maxBytes: the name, and
// every string, key and byte slice of input, output, expected and metadata, at any
// depth, and in JSON within strings. A string keeps its beginning, up to a rune's
// end, and says how long it was; a byte slice goes whole.
func RedactLong(maxBytes int) func(*Span) bool {
	maxBytes = max(maxBytes, 0)
	text := func(s string) (string, bool) {
		if len(s) <= maxBytes {
			return s, false
		}
		return cutString(s, maxBytes) + "[REDACTED, had " + strconv.Itoa(len(s)) + " bytes]", true
	}
	size := func(n int) (string, bool) {
		return "[REDACTED, had " + strconv.Itoa(n) + " bytes]", n > maxBytes
	}
	return func(s *Span) bool {
		r := rewriter{rewrite: text, size: size}
		r.span(s)
		return true
	}
}
