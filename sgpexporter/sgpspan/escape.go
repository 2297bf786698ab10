package sgpspan

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

// appendString appends s as a JSON string. What JSON text in UTF-8 cannot hold,
// or SGP would change, becomes U+FFFD: bytes that are not UTF-8, and NUL.
// repaired reports whether there was any.
func appendString(dst []byte, s string) (_ []byte, repaired bool) {
	dst = append(dst, '"')
	for notASCII := uint64(highBits); ; {
		var n int
		if dst, n = appendPlain(dst, s, notASCII); n == len(s) {
			return append(dst, '"'), repaired
		}
		s = s[n:]
		if c := s[0]; c < utf8.RuneSelf {
			dst = append(dst, escapes[c]...)
			repaired = repaired || c == 0
			s = s[1:]
			continue
		}
		// Asked once for all that follows: text is mostly valid.
		if !utf8.ValidString(s) {
			dst, bad := appendInvalid(dst, s)
			return append(dst, '"'), repaired || bad
		}
		notASCII = 0
	}
}

// appendPlain appends s up to the first byte that notPlain marks, and returns how many
// bytes that is. It looks at eight bytes at a time, and writes as many, in one go:
// prompts are long and nearly all of their bytes are ordinary.
func appendPlain(dst []byte, s string, notASCII uint64) (_ []byte, n int) {
	if cap(dst)-len(dst) < len(s)+8 {
		dst = slices.Grow(dst, len(s)+8)
	}
	start := len(dst)
	out := dst[start : start+len(s)+8]
	i := 0
	for ; i <= len(s)-8; i += 8 {
		w := load64(s, i)
		binary.LittleEndian.PutUint64(out[i:i+8], w)
		if marked := notPlain(w, notASCII); marked != 0 {
			n = i + bits.TrailingZeros64(marked)/8
			return dst[:start+n], n
		}
	}
	if i < len(s) {
		w := loadTail(s, len(s)-i)
		binary.LittleEndian.PutUint64(out[i:i+8], w)
		if marked := notPlain(w, notASCII); marked != 0 {
			n = i + bits.TrailingZeros64(marked)/8
			return dst[:start+n], n
		}
	}
	return dst[:start+len(s)], len(s)
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
