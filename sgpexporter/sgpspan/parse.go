package sgpspan

import "strings"

// parseJSON opens text, JSON that scanJSON has accepted with info, for so many
// levels; what lies deeper stays text.
func parseJSON(text string, info rawInfo, levels int) Value {
	p := parser{text: text, info: info}
	return p.value(levels)
}

type parser struct {
	text string
	pos  int
	info rawInfo
}

func (p *parser) space() {
	for strings.IndexByte(" \t\r\n", p.text[p.pos]) >= 0 {
		p.pos++
	}
}

func (p *parser) value(levels int) Value {
	start := p.pos
	c := p.text[p.pos]
	if levels == 0 || c != '{' && c != '[' {
		p.skip()
		text, info := p.text[start:p.pos], p.info
		if info.dirty {
			info, _ = scanJSON(text) // the fault may be elsewhere
		}
		// Depth and longest string are the whole text's: they may say too
		// much of a part, never too little.
		return rawValue(text, info)
	}
	p.pos++
	if c == '{' {
		o := p.fields(nil, levels-1)
		return ObjectValue(&o)
	}
	var a Array
	for p.more(']') {
		a = append(a, p.value(levels-1))
	}
	return ArrayValue(&a)
}

// fields appends the members of the object whose bracket has been passed.
func (p *parser) fields(o Object, levels int) Object {
	for p.more('}') {
		start := p.pos
		p.skipString()
		key := unquote(p.text[start:p.pos])
		p.space()
		p.pos++ // colon
		p.space()
		o = append(o, Field{Key: key, Value: p.value(levels)})
	}
	return o
}

// more moves to the next member and reports whether there is one; past the
// closing bracket when there is none.
func (p *parser) more(end byte) bool {
	p.space()
	switch p.text[p.pos] {
	case end:
		p.pos++
		return false
	case ',':
		p.pos++
		p.space()
	}
	return true
}

func (p *parser) skipString() {
	for p.pos++; ; p.pos++ {
		p.pos += indexSpecial(p.text[p.pos:], true)
		switch p.text[p.pos] {
		case '"':
			p.pos++
			return
		case '\\':
			p.pos++
		}
	}
}

// skip moves past the value that starts at pos.
func (p *parser) skip() {
	open := 0
	for {
		switch p.text[p.pos] {
		case '"':
			p.skipString()
		case '{', '[':
			open++
			p.pos++
		case '}', ']':
			open--
			p.pos++
		case ',', ':', ' ', '\t', '\r', '\n':
			p.pos++
		default: // a number or a word
			for p.pos < len(p.text) && strings.IndexByte(",:]} \t\r\n", p.text[p.pos]) < 0 {
				p.pos++
			}
		}
		if open == 0 {
			return
		}
	}
}

// AppendJSONFields appends the fields of the object that text, in JSON, spells
// and returns the extended object. ok is false, and dst unchanged, when text is
// not a valid JSON object or nests deeper than [MaxJSONDepth].
func AppendJSONFields(dst Object, text string) (o Object, ok bool) {
	text = strings.Trim(text, " \t\r\n")
	if text == "" || text[0] != '{' {
		return dst, false
	}
	info, ok := scanJSON(text)
	if !ok {
		return dst, false
	}
	p := parser{text: text, info: info, pos: 1}
	return p.fields(dst, 0), true
}

// AppendFields appends the fields of the object that v is and returns the extended
// object. ok is false, and dst unchanged, for every other kind. Unlike Object it does
// not open v, and needs no memory where dst has room.
func (v *Value) AppendFields(dst Object) (o Object, ok bool) {
	switch {
	case v.Kind() != KindObject:
		return dst, false
	case v.form == formRaw:
		p := parser{text: v.attr.AsString(), info: v.raw, pos: 1}
		return p.fields(dst, 0), true
	case v.form == formObject:
		return append(dst, *v.object...), true
	case v.form == formAttributes:
		return appendAttributes(dst, *v.attrs), true
	}
	return appendAttributes(dst, v.attr.AsMap()), true
}
