package sgpspan

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// appendString appends s as a JSON string. What JSON text in UTF-8 cannot hold,
// or SGP would change, becomes U+FFFD: bytes that are not UTF-8, and NUL.
// repaired reports whether there was any.
func appendString(dst []byte, s string) (_ []byte, repaired bool) {
	dst = append(dst, '"')
	for validUTF8 := false; ; {
		n := indexSpecial(s, validUTF8)
		dst = append(dst, s[:n]...)
		if s = s[n:]; s == "" {
			return append(dst, '"'), repaired
		}
		if c := s[0]; c < utf8.RuneSelf {
			dst = append(dst, escapes[c]...)
			repaired = repaired || c == 0
			s = s[1:]
			continue
		}
		// Asked once for all that follows: text is mostly valid.
		if validUTF8 = utf8.ValidString(s); !validUTF8 {
			dst, bad := appendInvalid(dst, s)
			return append(dst, '"'), repaired || bad
		}
	}
}

// escapes is what stands in a JSON string for an ASCII character: itself, where it can.
var escapes = func() (table [utf8.RuneSelf]string) {
	for c := range table {
		table[c] = string(rune(c))
		if c < ' ' {
			table[c] = fmt.Sprintf(`\u%04x`, c)
		}
	}
	for c, text := range map[byte]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\t': `\t`, '\r': `\r`, '\b': `\b`, '\f': `\f`, 0: "\uFFFD"} {
		table[c] = text
	}
	return table
}()

// appendInvalid appends what stands in a JSON string for s, which is not all
// UTF-8.
func appendInvalid(dst []byte, s string) (out []byte, repaired bool) {
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			dst = append(dst, "\uFFFD"...)
			// One that was written as such takes three bytes.
			repaired = repaired || !strings.HasPrefix(s[i:], "\uFFFD")
		case r < utf8.RuneSelf:
			dst = append(dst, escapes[r]...)
			repaired = repaired || r == 0
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst, repaired
}
