package sgpspan

import (
	"encoding/binary"
	"math/bits"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// special marks the bytes of w, eight bytes of a string, that cannot stand in a
// JSON string as they are: a quote, a backslash, a control character, and those of
// notASCII. The lowest byte that is marked is truly special; above it a borrow
// can mark one that is not.
func special(w, notASCII uint64) uint64 {
	below := (w - lowBits*' ') | ((w ^ lowBits*'"') - lowBits) | ((w ^ lowBits*'\\') - lowBits)
	return below&^w&highBits | w&notASCII
}

func load64(s string, i int) uint64 {
	b := s[i : i+8]
	return uint64(b[0]) | uint64(b[1])<<8 | uint64(b[2])<<16 | uint64(b[3])<<24 |
		uint64(b[4])<<32 | uint64(b[5])<<40 | uint64(b[6])<<48 | uint64(b[7])<<56
}

// loadTail loads the last bytes of s, fewer than eight, and spaces after them.
func loadTail(s string, left int) uint64 {
	const spaces = lowBits * ' '
	if len(s) >= 8 {
		return load64(s, len(s)-8)>>(8*(8-left)) | spaces<<(8*left)
	}
	w := uint64(spaces) << (8 * left)
	for k, c := range []byte(s[len(s)-left:]) {
		w |= uint64(c) << (8 * k)
	}
	return w
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
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if marked := special(load64(s, i), notASCII); marked != 0 {
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
//
// It writes sixteen bytes at a time and then steps back to the first that is
// special, which beats a copy for each run between two of them: they are close
// together in source code and in JSON.
func appendString(dst []byte, s string) (out []byte, repaired bool) {
	if len(s) <= shortString && isPlain(s) {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"'), false
	}
	var notASCII uint64 = highBits
	i, n := 0, len(dst)
	dst = slices.Grow(dst, len(s)+minRoom)
	dst = dst[:cap(dst)]
	dst[n] = '"'
	n++
	for i < len(s) {
		src, out := s[i:], dst[n:]
		for len(src) >= 16 && len(out) >= 18 {
			w, x := load64(src, 0), load64(src, 8)
			binary.LittleEndian.PutUint64(out, w)
			binary.LittleEndian.PutUint64(out[8:], x)
			first, second := special(w, notASCII), special(x, notASCII)
			if first|second == 0 {
				src, out = src[16:], out[16:]
				continue
			}
			at := bits.TrailingZeros64(first) / 8
			if first == 0 {
				at = 8 + bits.TrailingZeros64(second)/8
			}
			short := shortEscapes[src[at]]
			if short == 0 {
				src, out = src[at:], out[at:]
				break
			}
			out[at], out[at+1] = '\\', short
			src, out = src[at+1:], out[at+2:]
		}
		i, n = len(s)-len(src), len(dst)-len(out)
		left := len(src)
		if len(out) < left+minRoom {
			dst = slices.Grow(dst, left+minRoom)
			dst = dst[:cap(dst)]
		}
		var w uint64
		if left >= 8 {
			w = load64(s, i)
		} else {
			w = loadTail(s, left)
		}
		binary.LittleEndian.PutUint64(dst[n:], w)
		marked := special(w, notASCII)
		if marked == 0 {
			i += 8
			n += min(left, 8)
			continue
		}
		before := bits.TrailingZeros64(marked) / 8
		i += before
		n += before
		c := s[i]
		switch short := shortEscapes[c]; {
		case short != 0:
			dst[n], dst[n+1] = '\\', short
			n += 2
		case c >= utf8.RuneSelf && notASCII != 0:
			// Asked once for all that follows: text is mostly valid.
			if utf8.ValidString(s[i:]) {
				notASCII = 0
				continue
			}
			dst, bad := appendInvalid(dst[:n], s[i:])
			return append(dst, '"'), repaired || bad
		case c >= ' ':
			dst[n] = c
			n++
		default:
			n = len(appendControl(dst[:n], c))
			repaired = repaired || c == 0
		}
		i++
	}
	dst[n] = '"'
	return dst[:n+1], repaired
}

// shortString is the length, in bytes, up to which a string is looked at before it
// is copied: keys, ids and names, nearly all of which are plain.
const shortString = 64

// isPlain reports whether s can stand in a JSON string as it is and is ASCII.
func isPlain(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if special(load64(s, i), highBits) != 0 {
			return false
		}
	}
	return i == len(s) || special(loadTail(s, len(s)-i), highBits) == 0
}

// minRoom is what appendString needs beyond the length of what is still to
// write: two words, an escape sequence and the quotes.
const minRoom = 16 + 6 + 2

// shortEscapes has what follows the backslash in escape sequences of two bytes.
var shortEscapes = [256]byte{'"': '"', '\\': '\\', '\n': 'n', '\t': 't', '\r': 'r', '\b': 'b', '\f': 'f'}

// appendControl appends what stands for a control character.
func appendControl(dst []byte, c byte) []byte {
	const hex = "0123456789abcdef"
	switch short := shortEscapes[c]; {
	case short != 0:
		return append(dst, '\\', short)
	case c == 0:
		return append(dst, "\uFFFD"...)
	}
	return append(dst, '\\', 'u', '0', '0', hex[c>>4], hex[c&15])
}

// appendInvalid appends what stands in a JSON string for s, which is not all
// UTF-8.
func appendInvalid(dst []byte, s string) (out []byte, repaired bool) {
	for i, r := range s {
		switch {
		case r == utf8.RuneError:
			dst = append(dst, "\uFFFD"...)
			// One that was written as such takes three bytes.
			repaired = repaired || !strings.HasPrefix(s[i:], "\uFFFD")
		case r == '"' || r == '\\':
			dst = append(dst, '\\', byte(r))
		case r < ' ':
			dst = appendControl(dst, byte(r))
			repaired = repaired || r == 0
		default:
			dst = utf8.AppendRune(dst, r)
		}
	}
	return dst, repaired
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
