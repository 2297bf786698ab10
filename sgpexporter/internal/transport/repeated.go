package transport

import (
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"
)

// minRepeated is the number of bytes, of letters and digits alone, from which on what a
// reason has in common with a value that was sent is taken to be repeated from it. Few
// ordinary words are as long.
const minRepeated = 12

// withoutPayload puts an ellipsis for what a reason repeats of the values in items: a
// server may quote what it refuses, and what a span holds is not for a log. Names of
// fields stay. Letters and digits alone are compared, so that a value is found however
// it is quoted, escaped or broken into lines.
func withoutPayload(reason string, items []byte) string {
	var letters []byte
	var begin, end []int // in reason, of what each byte of letters is from
	fold(reason, func(r rune, from, to int) {
		letters = utf8.AppendRune(letters, r)
		for len(begin) < len(letters) {
			begin, end = append(begin, from), append(end, to)
		}
	})
	if len(letters) < minRepeated {
		return reason
	}
	sent := values(items)
	repeats := make([]bool, len(reason))
	for i := range len(letters) - minRepeated + 1 {
		last := i + minRepeated - 1
		if strings.Contains(sent, string(letters[i:last+1])) {
			for k := begin[i]; k < end[last]; k++ {
				repeats[k] = true
			}
		}
	}
	var kept strings.Builder
	for i, r := range reason {
		switch {
		case !repeats[i]:
			kept.WriteRune(r)
		case i == 0 || !repeats[i-1]:
			kept.WriteRune('…')
		}
	}
	return kept.String()
}

// values returns the letters and digits of the values in a run of encoded items, what
// stands between values between them, and no names.
func values(items []byte) string {
	var sent strings.Builder
	sent.Grow(len(items))
	for i := 0; i < len(items); i++ {
		if items[i] != '"' {
			sent.WriteByte(items[i]) // of a number, or sets values apart
			continue
		}
		end := i + 1
		for end < len(items) && items[end] != '"' {
			if items[end] == '\\' {
				end++
			}
			end++
		}
		text := items[i+1 : min(end, len(items))]
		i = end
		if isName := i+1 < len(items) && items[i+1] == ':'; !isName {
			fold(string(text), func(r rune, _, _ int) { sent.WriteRune(r) })
		}
	}
	return sent.String()
}

// fold calls f with each letter and digit of s, and where in s it is from, as a text
// from which JSON's escapes were not removed.
func fold(s string, f func(r rune, from, to int)) {
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		if r == '\\' {
			r, n = unescape(s[i:])
		}
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			f(r, i, i+n)
		}
		i += n
	}
}

// unescape reads the escape that s begins with. All but \u stand for what is neither
// letter nor digit.
func unescape(s string) (r rune, n int) {
	if len(s) >= 6 && s[1] == 'u' {
		if code, err := strconv.ParseUint(s[2:6], 16, 16); err == nil {
			return rune(code), 6
		}
	}
	return '\\', min(2, len(s))
}
