package sgpspan

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"strconv"
	"strings"
)

const (
	// Redacted stands where a redactor has taken something out.
	Redacted = "[REDACTED]"

	valueKey = "value"
	tooDeep  = "[nested too deep]"
)

// RedactKeys returns a hook that replaces by [Redacted] the value of every field
// that one of the patterns matches: in input, output and metadata, at any
// depth, and in JSON within strings. A pattern is a name in which * stands for
// any characters and ? for one; upper and lower case are the same.
//
// A pattern is held against three names of a field: its key ("password"), the
// attribute that it was taken from, wherever it is now ("gen_ai.input.messages",
// "llm.input_messages.0.message.content", "otel.status_description"), and its
// path from the span, array indexes left out ("metadata.attributes.user.email",
// "input"). A group whose attribute matches, or "group_id", is left out.
func RedactKeys(patterns ...string) func(*Span) bool {
	globs := make([]string, len(patterns))
	for i, p := range patterns {
		globs[i] = strings.ToLower(p)
	}
	match := func(name string) bool {
		if name == "" {
			return false
		}
		name = strings.ToLower(name)
		for _, g := range globs {
			if matchGlob(g, name) {
				return true
			}
		}
		return false
	}
	return func(s *Span) bool {
		if s.GroupID != "" && (match(s.GroupSource) || match("group_id")) {
			s.GroupID = ""
		}
		r := rewriter{redact: func(key, source, path string) bool {
			return match(key) || match(source) || match(path)
		}}
		r.span(s)
		return true
	}
}

// matchGlob reports whether glob matches all of name.
func matchGlob(glob, name string) bool {
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

// The patterns that [RedactPatterns] has for its defaults. What the group named
// keep matches is not replaced.
var (
	// APIKeyPattern matches the keys of well-known services by their form, JSON
	// Web Tokens, private keys, and what is assigned to a name such as
	// api_key, password or secret.
	APIKeyPattern = regexp.MustCompile(`\b(?:sk|rk|pk)[-_][A-Za-z0-9_-]{16,}` +
		`|\b(?:AKIA|ASIA)[0-9A-Z]{16}\b` +
		`|\bgh[pousr]_[A-Za-z0-9]{20,}|\bgithub_pat_[A-Za-z0-9_]{20,}|\bglpat-[A-Za-z0-9_-]{20,}` +
		`|\bxox[a-z]-[A-Za-z0-9-]{10,}|\bAIza[0-9A-Za-z_-]{30,}|\bhf_[A-Za-z0-9]{20,}` +
		`|\beyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*` +
		`|-----BEGIN [A-Z ]*PRIVATE KEY-----[^-]*(?:-----END [A-Z ]*PRIVATE KEY-----)?` +
		`|(?P<keep>(?i:\b(?:[a-z0-9_-]*(?:api[_-]?key|secret|password|passwd|access[_-]?token))["']?\s*[:=]\s*["']?))[^\s"',;&{}\[\]]{4,}`)
	// BearerTokenPattern matches the credentials of an Authorization header.
	BearerTokenPattern = regexp.MustCompile(`(?P<keep>(?i:\b(?:bearer|basic)\s+))[A-Za-z0-9._~+/-]{8,}=*`)
	// EmailPattern matches e-mail addresses.
	EmailPattern = regexp.MustCompile(`[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+`)
)

// RedactPatterns returns a hook that replaces by [Redacted] what the patterns
// match: in the name, in the notes, and in every string, number and key of input,
// output and metadata, at any depth, and in JSON within strings. What a group
// named keep matches stays. Without patterns it takes [APIKeyPattern],
// [BearerTokenPattern] and [EmailPattern].
//
// A group id in which a pattern matches is redacted and gets a hash of what it
// was, so that two groups do not become one. The hash tells whoever knows the
// value that it is the one; use [RedactKeys] with "group_id" where that matters.
func RedactPatterns(patterns ...*regexp.Regexp) func(*Span) bool {
	if len(patterns) == 0 {
		patterns = []*regexp.Regexp{APIKeyPattern, BearerTokenPattern, EmailPattern}
	}
	text := func(s string) (string, bool) {
		out := s
		for _, p := range patterns {
			if p == EmailPattern && strings.IndexByte(out, '@') < 0 {
				continue
			}
			if p.MatchString(out) {
				out = p.ReplaceAllString(out, "${keep}"+Redacted)
			}
		}
		return out, out != s
	}
	return func(s *Span) bool {
		if group, changed := text(s.GroupID); changed {
			sum := sha256.Sum256([]byte(s.GroupID))
			s.GroupID = group + "~" + hex.EncodeToString(sum[:8])
		}
		r := rewriter{text: text}
		r.span(s)
		return true
	}
}

// RedactLong returns a hook that cuts what is longer than maxBytes: the name, and
// every string, key and byte slice of input, output and metadata, at any
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
		r := rewriter{text: text, size: size}
		r.span(s)
		return true
	}
}
