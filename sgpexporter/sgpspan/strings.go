package sgpspan

import (
	"math/bits"
	"strings"
	"unicode/utf8"
)

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// indexSpecial returns the index of the first byte of s that cannot stand in a
// JSON string as it is: a quote, a backslash, a control character, and unless
// validUTF8, a byte that is not ASCII. It returns len(s) when there is none. It
// looks at eight bytes at a time: prompts are long and nearly all of their
// bytes are ordinary.
func indexSpecial(s string, validUTF8 bool) int {
	var notASCII uint64
	if !validUTF8 {
		notASCII = highBits
	}
	i := 0
	for ; i+8 <= len(s); i += 8 {
		b := s[i : i+8]
		w := uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
			uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
		quote := w ^ lowBits*'"'
		backslash := w ^ lowBits*'\\'
		// In each term the lowest byte that is marked is truly special; a
		// borrow can only mark bytes above it.
		marked := (w-lowBits*' ')&^w&highBits |
			(quote-lowBits)&^quote&highBits |
			(backslash-lowBits)&^backslash&highBits |
			w&notASCII
		if marked != 0 {
			return i + bits.TrailingZeros64(marked)/8
		}
	}
	for ; i < len(s); i++ {
		if c := s[i]; c < ' ' || c == '"' || c == '\\' || c >= utf8.RuneSelf && !validUTF8 {
			return i
		}
	}
	return i
}

// appendString appends s as a JSON string. What JSON text in UTF-8 cannot hold,
// or SGP would change, becomes U+FFFD: bytes that are not UTF-8, and NUL.
// repaired reports whether there was any.
func appendString(dst []byte, s string) (out []byte, repaired bool) {
	const hex = "0123456789abcdef"
	dst = append(dst, '"')
	state := utf8Unknown
	for {
		n := indexSpecial(s, state == utf8Valid)
		dst = append(dst, s[:n]...)
		if s = s[n:]; s == "" {
			return append(dst, '"'), repaired
		}
		switch c := s[0]; {
		case c == '"' || c == '\\':
			dst = append(dst, '\\', c)
		case c == '\n':
			dst = append(dst, '\\', 'n')
		case c == '\t':
			dst = append(dst, '\\', 't')
		case c == '\r':
			dst = append(dst, '\\', 'r')
		case c == 0:
			dst = append(dst, "\uFFFD"...)
			repaired = true
		case c < ' ':
			dst = append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
		default:
			if state == utf8Unknown {
				state = utf8Invalid
				if utf8.ValidString(s) {
					state = utf8Valid
					continue
				}
			}
			r, size := utf8.DecodeRuneInString(s)
			if r == utf8.RuneError && size == 1 {
				dst = append(dst, "\uFFFD"...)
				repaired = true
			} else {
				dst = append(dst, s[:size]...)
			}
			s = s[size:]
			continue
		}
		s = s[1:]
	}
}

// unquote returns what a JSON string, quotes included, spells. It is only called
// on strings that scanJSON has accepted. Half a surrogate pair becomes a byte that
// is not UTF-8, for the encoder to find and note.
func unquote(quoted string) string {
	s := quoted[1 : len(quoted)-1]
	n := strings.IndexByte(s, '\\')
	if n < 0 {
		return s
	}
	out := make([]byte, 0, len(s))
	for n >= 0 {
		out = append(out, s[:n]...)
		c := s[n+1]
		s = s[n+2:]
		switch c {
		case 'b':
			out = append(out, '\b')
		case 'f':
			out = append(out, '\f')
		case 'n':
			out = append(out, '\n')
		case 'r':
			out = append(out, '\r')
		case 't':
			out = append(out, '\t')
		case 'u':
			var r rune
			r, s = unquoteUnicode(s)
			if isHighSurrogate(r) || isLowSurrogate(r) {
				out = append(out, 0xFF) // no UTF-8 either
			} else {
				out = utf8.AppendRune(out, r)
			}
		default: // quote, backslash, slash
			out = append(out, c)
		}
		n = strings.IndexByte(s, '\\')
	}
	return string(append(out, s...))
}

// unquoteUnicode reads what follows "\u", and the second half of a surrogate
// pair when there is one.
func unquoteUnicode(s string) (r rune, rest string) {
	r, _ = hex4(s)
	s = s[4:]
	if isHighSurrogate(r) && strings.HasPrefix(s, `\u`) {
		if low, ok := hex4(s[2:]); ok && isLowSurrogate(low) {
			return (r-0xD800)<<10 | (low - 0xDC00) + 0x10000, s[6:]
		}
	}
	return r, s
}

// cutString returns the longest prefix of s that has at most n bytes and does
// not end within a rune.
func cutString(s string, n int) string {
	if len(s) <= n {
		return s
	}
	for i := n; i > n-utf8.UTFMax && i >= 0; i-- {
		if utf8.RuneStart(s[i]) {
			return s[:i]
		}
	}
	return s[:n] // not UTF-8
}
