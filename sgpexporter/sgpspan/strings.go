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

// special marks, in their highest bit, the bytes of w that cannot stand in a JSON string
// as they are: quotes, backslashes and control characters. A flipped 2 makes a quote the
// next above the control characters.
func special(w uint64) uint64 {
	low := w &^ highBits // sums of these do not carry into the next byte
	notBelow := (low ^ lowBits*2) + lowBits*(0x80-' '-1)
	notBackslash := (low ^ lowBits*'\\') + lowBits*0x7F
	return ^(notBelow&notBackslash | w) & highBits
}

// notPlain marks, in their highest bit, the bytes that special marks, and those of
// notASCII.
func notPlain(w, notASCII uint64) uint64 { return special(w) | w&notASCII }

func load64(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// loadShort loads s, shorter than eight bytes, and spaces after it.
func loadShort(s string) uint64 {
	n := len(s)
	w := uint64(lowBits*' ') << (8 * n)
	switch { // what is loaded twice is the same
	case n >= 4:
		first, last := s[:4], s[n-4:]
		w |= load32(first) | load32(last)<<(8*(n-4))
	case n > 0:
		w |= uint64(s[0]) | uint64(s[n/2])<<(8*(n/2)) | uint64(s[n-1])<<(8*(n-1))
	}
	return w
}

func load32(s string) uint64 {
	return uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24
}

// indexSpecial returns the index of the first byte of s that cannot stand in a
// JSON string as it is, counting bytes that are not ASCII unless validUTF8. It
// returns len(s) when there is none. It looks at eight bytes at a time: prompts
// are long and nearly all of their bytes are ordinary.
func indexSpecial(s string, validUTF8 bool) int {
	var notASCII uint64
	if !validUTF8 {
		notASCII = highBits
	}
	if len(s) < 8 {
		if marked := notPlain(loadShort(s), notASCII); marked != 0 {
			return bits.TrailingZeros64(marked) / 8
		}
		return len(s)
	}
	last := len(s) - 8 // where the last eight begin, some of which were looked at before
	for i := 0; i < last; i += 8 {
		if marked := notPlain(load64(s, i), notASCII); marked != 0 {
			return i + bits.TrailingZeros64(marked)/8
		}
	}
	if marked := notPlain(load64(s, last), notASCII); marked != 0 {
		return last + bits.TrailingZeros64(marked)/8
	}
	return len(s)
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
