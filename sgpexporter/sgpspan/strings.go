package sgpspan

import (
	"encoding/binary"
	"fmt"
	"math/bits"
	"runtime"
	"slices"
	"strings"
	"unicode/utf8"
	"unsafe"
)

const (
	lowBits  = 0x0101010101010101
	highBits = 0x8080808080808080
)

// suspect reports whether one of the bytes of w, eight of a string, may be one that
// cannot stand in a JSON string as it is, or is not ASCII. It misses none.
//
// A flipped 2 makes a quote the next above the control characters.
func suspect(w uint64) bool {
	return (((w^lowBits*2)-lowBits*(' '+1))|((w^lowBits*'\\')-lowBits)|w)&highBits != 0
}

// special marks, in their highest bit, the bytes of w that cannot stand in a JSON string
// as they are: quotes, backslashes and control characters.
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
		if marked := notPlain(load64(s, i), notASCII); marked != 0 {
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
func appendString(dst []byte, s string) (_ []byte, repaired bool) {
	if len(s) <= shortString && isPlain(s) {
		dst = append(dst, '"')
		dst = append(dst, s...)
		return append(dst, '"'), false
	}
	dst = append(dst, '"')
	var notASCII uint64 = highBits // 0 once what follows is known to be UTF-8
	for len(s) > 0 {
		dst = slices.Grow(dst, len(s)+wordsRoom)
		read, written, nul := appendWords(dst[len(dst):cap(dst)], s, notASCII)
		dst, s = dst[:len(dst)+written], s[read:]
		repaired = repaired || nul
		// The next two words it left: there are not two, or a byte in them is not ASCII, or
		// room ran out.
		for i := min(len(s), 16); i > 0; i-- {
			c := s[0]
			if c >= utf8.RuneSelf && notASCII != 0 {
				// Asked once for all that follows: text is mostly valid.
				if !utf8.ValidString(s) {
					dst, bad := appendInvalid(dst, s)
					return append(dst, '"'), repaired || bad
				}
				notASCII = 0
				break
			}
			dst = appendByte(dst, c)
			repaired = repaired || c == 0
			s = s[1:]
		}
	}
	return append(dst, '"'), repaired
}

// appendWords writes s to out, one or two words of eight bytes in a turn, until there are no
// two, not certainly room for them, or a byte in them that notASCII marks. It returns how
// many bytes it read and wrote, and whether a NUL was among them.
//
// A word is written as it is, and then once more from each byte on that has to be
// escaped. So where the next is read from does not depend on what is in this one, and
// escapes that are close together, as in source code and in JSON, cost little.
//
// Both conditions of the loop hold for all that it reads and writes in a turn. To have
// every access checked again would take half as long again as all else.
func appendWords(out []byte, s string, notASCII uint64) (read, written int, nul bool) {
	src, dst := unsafe.Pointer(unsafe.StringData(s)), unsafe.Pointer(unsafe.SliceData(out))
	i, n := 0, 0
	var zeros uint64
	for last, full := len(s)-16, len(out)-wordsRoom; i <= last && n <= full; {
		w, next := load(src, i), load(src, i+8)
		store(dst, n, w)
		store(dst, n+8, next)
		if !suspect(w) {
			w, i, n = next, i+8, n+8
			if !suspect(w) {
				i, n = i+8, n+8
				continue
			}
		}
		if w&notASCII != 0 {
			break
		}
		zeros |= (w - lowBits) &^ w
		for marked := special(w); marked != 0; marked &= marked - 1 {
			before := uint(bits.TrailingZeros64(marked)) & 56
			e := &escapes[byte(w>>before)]
			at, more := n+int(before/8), int(e.more)
			store(dst, at, e.text)
			store(dst, at+1+more, w>>before>>8)
			n += more
		}
		i, n = i+8, n+8
	}
	return i, n, zeros&highBits != 0
}

// wordsRoom is what a turn can write: a plain word, one with all bytes escaped, and what
// it writes beyond that.
const wordsRoom = 8 + 8*6 + 8

// fastWords says that eight bytes can be read and written as a word, whatever their
// address, and that the first is the lowest.
const fastWords = runtime.GOARCH == "amd64" || runtime.GOARCH == "arm64"

// load returns the eight bytes at p and offset, which are known to be there.
func load(p unsafe.Pointer, offset int) uint64 {
	at := unsafe.Add(p, offset)
	if fastWords {
		return *(*uint64)(at)
	}
	return binary.LittleEndian.Uint64((*[8]byte)(at)[:])
}

// store writes the eight bytes at p and offset, which are known to be there.
func store(p unsafe.Pointer, offset int, w uint64) {
	at := unsafe.Add(p, offset)
	if fastWords {
		*(*uint64)(at) = w
		return
	}
	binary.LittleEndian.PutUint64((*[8]byte)(at)[:], w)
}

// escape is what stands in a JSON string for a byte that cannot stand there itself.
type escape struct {
	text uint64 // the first byte is the lowest; 0 for bytes that can
	more uint64 // how many bytes it has beyond the first
}

var escapes = func() (table [256]escape) {
	for c := range byte(' ') {
		table[c] = newEscape(fmt.Sprintf(`\u%04x`, c))
	}
	for c, text := range map[byte]string{'"': `\"`, '\\': `\\`, '\n': `\n`, '\t': `\t`, '\r': `\r`, '\b': `\b`, '\f': `\f`, 0: "\uFFFD"} {
		table[c] = newEscape(text)
	}
	return table
}()

func newEscape(text string) escape {
	var word [8]byte
	n := copy(word[:], text)
	return escape{binary.LittleEndian.Uint64(word[:]), uint64(n - 1)}
}

// appendByte appends c, escaped if it has to be.
func appendByte(dst []byte, c byte) []byte {
	e := &escapes[c]
	if e.text == 0 {
		return append(dst, c)
	}
	n := len(dst)
	return binary.LittleEndian.AppendUint64(dst, e.text)[:n+1+int(e.more)]
}

// shortString is the length, in bytes, up to which a string is looked at before it
// is copied: keys, ids and names, nearly all of which are plain.
const shortString = 64

// isPlain reports whether s can stand in a JSON string as it is and is ASCII.
func isPlain(s string) bool {
	i := 0
	for ; i+8 <= len(s); i += 8 {
		if suspect(load64(s, i)) {
			return false
		}
	}
	return i == len(s) || !suspect(loadTail(s, len(s)-i))
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
		case r < utf8.RuneSelf:
			dst = appendByte(dst, byte(r))
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
