package live

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

const (
	maxPreviewInput = 256 << 10 // a longer input is not searched for a preview
	maxPreviewBytes = 160
)

// Keys under which applications and GenAI instrumentation put what was asked,
// in the order in which they are tried.
var (
	previewTexts    = []string{"question", "query", "prompt", "input", "text", "message", "value"}
	previewMessages = []string{"messages", "gen_ai.input.messages", "input_messages"}
)

// previewOf returns what a person asked, from the input of a span: so that ten
// traces of one route can be told apart in a list. It returns "" when the input
// is of no known form.
func previewOf(input json.RawMessage) string {
	if len(input) == 0 || len(input) > maxPreviewInput {
		return ""
	}
	var m map[string]any
	if json.Unmarshal(input, &m) != nil {
		return ""
	}
	for _, key := range previewTexts {
		if s, ok := m[key].(string); ok && strings.TrimSpace(s) != "" {
			return shorten(s)
		}
	}
	for _, key := range previewMessages {
		if list, ok := m[key].([]any); ok {
			if s := lastUserText(list); s != "" {
				return shorten(s)
			}
		}
	}
	return ""
}

func lastUserText(messages []any) string {
	for i := len(messages) - 1; i >= 0; i-- {
		m, ok := messages[i].(map[string]any)
		if !ok || m["role"] != "user" {
			continue
		}
		if s := textOf(m["content"]); s != "" {
			return s
		}
		if s := textOf(m["parts"]); s != "" {
			return s
		}
	}
	return ""
}

// textOf returns a message's content: a string, or the first part that is text.
func textOf(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case []any:
		for _, part := range v {
			p, ok := part.(map[string]any)
			if !ok {
				continue
			}
			for _, key := range []string{"content", "text"} {
				if s, ok := p[key].(string); ok && s != "" {
					return s
				}
			}
		}
	}
	return ""
}

// shorten makes one line of s, of at most maxPreviewBytes.
func shorten(s string) string {
	if len(s) > 4*maxPreviewBytes {
		s = s[:4*maxPreviewBytes]
	}
	s = strings.Join(strings.Fields(strings.ToValidUTF8(s, "")), " ")
	if len(s) <= maxPreviewBytes {
		return s
	}
	cut := maxPreviewBytes
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut] + "…"
}
