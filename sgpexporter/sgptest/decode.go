package sgptest

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"unicode/utf8"
)

var errNumberRange = errors.New("has a number that no float64 can hold")

// parser decodes JSON that json.Valid has accepted; it must not be used on
// anything else. It is there because encoding/json hides what a judge must see:
// it replaces invalid UTF-8 and lone surrogates without a word, takes field
// names in any case, and lets the last of two equal names win.
type parser struct {
	data []byte
	pos  int
	// repaired is set when a string had to be changed to be valid text.
	repaired bool
	// duplicate is the first name that an object gives twice.
	duplicate string
	// err is set when a value cannot be represented.
	err error
}

// peek skips white space and returns the first byte of the next token.
func (p *parser) peek() byte {
	for {
		switch c := p.data[p.pos]; c {
		case ' ', '\t', '\r', '\n':
			p.pos++
		default:
			return c
		}
	}
}

// members calls member for each name of the object that comes next, with the
// parser at the value, which member must consume.
func (p *parser) members(member func(name string)) {
	p.peek()
	p.pos++ // {
	for p.peek() != '}' {
		if p.data[p.pos] == ',' {
			p.pos++
			p.peek()
		}
		name, damaged := p.text()
		p.repaired = p.repaired || damaged
		p.peek()
		p.pos++ // :
		p.peek()
		member(name)
	}
	p.pos++ // }
}

// elements calls element for each value of the array that comes next, with the
// parser at the value, which element must consume.
func (p *parser) elements(element func(index int)) {
	p.peek()
	p.pos++ // [
	for i := 0; p.peek() != ']'; i++ {
		if p.data[p.pos] == ',' {
			p.pos++
			p.peek()
		}
		element(i)
	}
	p.pos++ // ]
}

// value decodes the next value as encoding/json decodes it into an any.
func (p *parser) value() any {
	switch p.peek() {
	case '{':
		return p.object()
	case '[':
		array := []any{}
		p.elements(func(int) { array = append(array, p.value()) })
		return array
	case '"':
		s, damaged := p.text()
		p.repaired = p.repaired || damaged
		return s
	case 't':
		p.pos += len("true")
		return true
	case 'f':
		p.pos += len("false")
		return false
	case 'n':
		p.pos += len("null")
		return nil
	}
	return p.number()
}

func (p *parser) object() map[string]any {
	m := map[string]any{}
	p.members(func(name string) {
		if _, twice := m[name]; twice && p.duplicate == "" {
			p.duplicate = name
		}
		m[name] = p.value()
	})
	return m
}

func (p *parser) number() float64 {
	start := p.pos
	for p.pos < len(p.data) && strings.IndexByte("+-.0123456789Ee", p.data[p.pos]) >= 0 {
		p.pos++
	}
	f, err := strconv.ParseFloat(string(p.data[start:p.pos]), 64)
	if err != nil {
		p.err = errNumberRange
	}
	return f
}

// text decodes the string that comes next. damaged says that it held a NUL,
// invalid UTF-8 or half of a surrogate pair, which are U+FFFD in s.
func (p *parser) text() (s string, damaged bool) {
	start := p.pos
	p.pos++
	escaped := false
	for ; p.data[p.pos] != '"'; p.pos++ {
		if p.data[p.pos] == '\\' {
			escaped = true
			p.pos++
		}
	}
	p.pos++
	quoted := p.data[start:p.pos]
	valid := utf8.Valid(quoted)
	if valid && !escaped {
		return string(quoted[1 : len(quoted)-1]), false
	}
	// Only valid strings come here, and Unmarshal takes all of them.
	_ = json.Unmarshal(quoted, &s)
	damaged = !valid || hasLoneSurrogate(quoted)
	if strings.IndexByte(s, 0) >= 0 {
		s, damaged = strings.ReplaceAll(s, "\x00", "\uFFFD"), true
	}
	return s, damaged
}

// hasLoneSurrogate says whether a JSON string escapes half of a surrogate pair,
// which has no UTF-8 form.
func hasLoneSurrogate(quoted []byte) bool {
	for i := 0; i < len(quoted); i++ {
		if quoted[i] != '\\' {
			continue
		}
		i++
		if quoted[i] != 'u' {
			continue
		}
		r := escapedRune(quoted[i+1:])
		i += 4
		switch {
		case r < 0xD800 || r > 0xDFFF:
		case r >= 0xDC00: // a low half that no high half came before
			return true
		case quoted[i+1] != '\\' || quoted[i+2] != 'u':
			return true
		default:
			if low := escapedRune(quoted[i+3:]); low < 0xDC00 || low > 0xDFFF {
				return true
			}
			i += 6
		}
	}
	return false
}

// escapedRune is the value of the four hexadecimal digits that b begins with.
func escapedRune(b []byte) uint64 {
	r, _ := strconv.ParseUint(string(b[:4]), 16, 16)
	return r
}
