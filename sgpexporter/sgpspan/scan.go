package sgpspan

import (
	"math/bits"
	"unicode/utf8"
)

// MaxJSONDepth is how deep [JSONValue] lets JSON text nest. What nests deeper is
// no JSON to this package, and stays the string that it was.
const MaxJSONDepth = 128

// rawInfo is what one scan of JSON text has found, so that text without fault
// is copied as it stands and is not scanned again.
type rawInfo struct {
	longest int32 // bytes of the longest string between its quotes, escapes included
	depth   uint8 // nesting; a scalar has 0
	dirty   bool  // holds what the encoder repairs: invalid UTF-8, NUL, half a surrogate pair, a number beyond float64
	ours    bool  // comes from Encoder.EncodeValue: the span's own objects in it do not count as depth
}

// scanJSON reports whether text is one JSON value with no space around it, by
// RFC 8259, except that invalid UTF-8 is let through and marked.
func scanJSON(text string) (info rawInfo, ok bool) {
	if len(text) == 0 || len(text) > 1<<31-1 {
		return info, false
	}
	s := scanner{text: text}
	ok = s.value(0) && s.pos == len(text)
	return s.info, ok
}

type scanner struct {
	text string
	pos  int
	info rawInfo
	utf8 utf8State
}

// utf8State is what is known of the text's bytes from the first one on that is
// not ASCII. It is asked once for all of them, not rune by rune: text is mostly
// valid.
type utf8State uint8

const (
	utf8Unknown utf8State = iota
	utf8Valid
	utf8Invalid
)

func (s *scanner) peek() byte {
	if s.pos < len(s.text) {
		return s.text[s.pos]
	}
	return 0
}

func (s *scanner) space() {
	for s.pos < len(s.text) {
		switch s.text[s.pos] {
		case ' ', '\t', '\r', '\n':
			s.pos++
		default:
			return
		}
	}
}

// value scans one value that starts at pos. depth is how many containers it
// stands in.
func (s *scanner) value(depth int) bool {
	switch c := s.peek(); {
	case c == '"':
		return s.str()
	case c == '{' || c == '[':
		if depth++; depth > MaxJSONDepth {
			return false
		}
		s.info.depth = max(s.info.depth, uint8(depth))
		s.pos++
		return s.container(c, depth)
	case c == 't':
		return s.literal("true")
	case c == 'f':
		return s.literal("false")
	case c == 'n':
		return s.literal("null")
	}
	return s.number()
}

// container scans what follows the bracket open.
func (s *scanner) container(open byte, depth int) bool {
	end := open + 2 // '{' and '}', '[' and ']' are two apart in ASCII
	s.space()
	if s.peek() == end {
		s.pos++
		return true
	}
	for {
		if open == '{' {
			if s.peek() != '"' || !s.str() {
				return false
			}
			s.space()
			if s.peek() != ':' {
				return false
			}
			s.pos++
			s.space()
		}
		if !s.value(depth) {
			return false
		}
		s.space()
		c := s.peek()
		s.pos++
		if c == end {
			return true
		}
		if c != ',' {
			return false
		}
		s.space()
	}
}

func (s *scanner) literal(word string) bool {
	if len(s.text)-s.pos < len(word) || s.text[s.pos:s.pos+len(word)] != word {
		return false
	}
	s.pos += len(word)
	return true
}

func (s *scanner) digits() int {
	start := s.pos
	for s.pos < len(s.text) && '0' <= s.text[s.pos] && s.text[s.pos] <= '9' {
		s.pos++
	}
	return s.pos - start
}

func (s *scanner) number() bool {
	start, exponent := s.pos, 0
	if s.peek() == '-' {
		s.pos++
	}
	if s.peek() == '0' {
		s.pos++
	} else if s.digits() == 0 {
		return false
	}
	if s.peek() == '.' {
		s.pos++
		if s.digits() == 0 {
			return false
		}
	}
	if c := s.peek(); c == 'e' || c == 'E' {
		s.pos++
		if c := s.peek(); c == '+' || c == '-' {
			s.pos++
		}
		if exponent = s.digits(); exponent == 0 {
			return false
		}
	}
	// Only a number of such a form can be beyond float64; the encoder decides.
	if exponent > 2 || s.pos-start > 200 {
		s.info.dirty = true
	}
	return true
}

// str scans a string, from quote to quote.
func (s *scanner) str() bool {
	s.pos++
	start := s.pos
	var notASCII uint64 = highBits
	if s.utf8 == utf8Valid {
		notASCII = 0
	}
	for {
		rest := s.text[s.pos:]
		for len(rest) >= 16 && notPlain(load64(rest, 0), notASCII)|notPlain(load64(rest, 8), notASCII) == 0 {
			rest = rest[16:]
		}
		for len(rest) >= 8 {
			if marked := notPlain(load64(rest, 0), notASCII); marked != 0 {
				rest = rest[bits.TrailingZeros64(marked)/8:]
				break
			}
			rest = rest[8:]
		}
		s.pos = len(s.text) - len(rest)
		if s.pos >= len(s.text) {
			return false
		}
		switch c := s.text[s.pos]; {
		case c == '"':
			s.info.longest = max(s.info.longest, int32(s.pos-start))
			s.pos++
			return true
		case c == '\\':
			if !s.escape() {
				return false
			}
		case c < ' ':
			return false
		case c >= utf8.RuneSelf && notASCII != 0:
			if s.utf8 == utf8Unknown {
				s.utf8 = utf8Invalid
				if utf8.ValidString(s.text[s.pos:]) {
					s.utf8, notASCII = utf8Valid, 0
					continue
				}
			}
			r, size := utf8.DecodeRuneInString(s.text[s.pos:])
			if r == utf8.RuneError && size == 1 {
				s.info.dirty = true
			}
			s.pos += size
		default:
			s.pos++
		}
	}
}

// escape scans an escape sequence.
func (s *scanner) escape() bool {
	s.pos += 2
	if s.pos > len(s.text) {
		return false
	}
	switch s.text[s.pos-1] {
	case '"', '\\', '/', 'b', 'f', 'n', 'r', 't':
		return true
	case 'u':
	default:
		return false
	}
	r, ok := hex4(s.text[min(s.pos, len(s.text)):])
	if !ok {
		return false
	}
	s.pos += 4
	switch {
	case r == 0:
		s.info.dirty = true
	case isLowSurrogate(r):
		s.info.dirty = true
	case isHighSurrogate(r):
		rest := s.text[s.pos:]
		if len(rest) >= 6 && rest[0] == '\\' && rest[1] == 'u' {
			if low, ok := hex4(rest[2:]); ok && isLowSurrogate(low) {
				s.pos += 6
				return true
			}
		}
		s.info.dirty = true
	}
	return true
}

func isHighSurrogate(r rune) bool { return 0xD800 <= r && r < 0xDC00 }
func isLowSurrogate(r rune) bool  { return 0xDC00 <= r && r < 0xE000 }

func hex4(s string) (r rune, ok bool) {
	if len(s) < 4 {
		return 0, false
	}
	for i := range 4 {
		c := s[i]
		switch {
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		case 'A' <= c && c <= 'F':
			c -= 'A' - 10
		default:
			return 0, false
		}
		r = r<<4 | rune(c)
	}
	return r, true
}
