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
		for i := 16; i > 0 && len(s) > 0; i-- {
			c := s[0]
			if c >= utf8.RuneSelf && notASCII != 0 {
				if n := threeByteRunes(s); n > 0 {
					dst, s = append(dst, s[:n]...), s[n:]
					continue
				}
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

// threeByteRunes returns how many bytes of s, from its beginning, are runes that take
// three: Chinese and Japanese are nearly all of them. It looks at two at a time, in a
// third of the time that utf8.ValidString takes. It passes over none of those with which
// there is more to look at: that begin with 0xE0, or with 0xED as surrogates do.
func threeByteRunes(s string) int {
	const (
		marks = 0xC0C0F0C0C0F0 // the bits that say which byte of a rune it is
		runes = 0x8080E08080E0
		plain = 0xFFFF &^ (1<<0x0 | 1<<0xD) // by the lower half of the first byte
	)
	i := 0
	for i+8 <= len(s) {
		w := load64(s, i)
		if w&marks != runes || plain>>(w&0xF)&(plain>>(w>>24&0xF))&1 == 0 {
			break
		}
		i += 6
	}
	for i+3 <= len(s) && s[i]>>4 == 0xE && plain>>(s[i]&0xF)&1 == 1 && s[i+1]>>6 == 2 && s[i+2]>>6 == 2 {
		i += 3
	}
	return i
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
	src, dst := unsafe.Pointer(unsafe.StringData(s)), unsafe.Pointer(unsafe.SliceData(out)) //nolint:gosec // see above
	i, n := 0, 0
	var seen uint64
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
		for marked := special(w); marked != 0; marked &= marked - 1 {
			before := uint(bits.TrailingZeros64(marked)) & 56
			e := &escapes[byte(w>>before)]
			at, more := n+int(before/8), int(e.more)
			seen |= e.more
			store(dst, at, e.text)
			store(dst, at+1+more, w>>before>>8)
			n += more
		}
		i, n = i+8, n+8
	}
	return i, n, seen&nulMore != 0
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

// nulMore is what more of NUL's has, and no other has a bit of: those have 1 or 5.
const nulMore = uint64(len("\uFFFD") - 1)

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
