package sgpspan

import (
	"math"
	"strings"
	"unicode/utf8"
)

// json rewrites JSON text, which scanJSON has accepted, from its first byte to its
// last: it is never opened, so that it takes no more memory than the text does. What
// would grow to more than about twice its length goes whole: almost all of it is
// redacted. It returns redactedJSON then.
func (r *rewriter) json(text string, depth int, hidden bool) (string, bool) {
	j := jsonRewriter{rewriter: r, parser: parser{text: text}}
	j.value(depth, hidden)
	switch {
	case j.over:
		return redactedJSON, true
	case j.out == nil:
		return text, false
	}
	return string(append(j.out, text[j.done:]...)), true
}

const (
	redactedJSON = `"` + Redacted + `"`
	// freeGrowth is by how many bytes JSON may grow in any case.
	freeGrowth = 4096
)

type jsonRewriter struct {
	*rewriter
	parser
	out  []byte // nil until something is changed
	done int    // what of the text is in out
	over bool   // it has grown too much
}

// replace puts a string in the place of the text from a position to the next.
func (j *jsonRewriter) replace(from int, s string) {
	most := len(j.text) + freeGrowth
	switch need := len(j.out) + from - j.done + 6*len(s) + 2; {
	case j.over:
		return
	case j.out == nil:
		j.out = make([]byte, 0, len(j.text)+len(s)+2)
	case need > cap(j.out):
		j.out = append(make([]byte, 0, max(need, len(j.text)+most)), j.out...)
	}
	j.out = append(j.out, j.text[j.done:from]...)
	j.out, _ = appendString(j.out, s)
	j.done = j.pos
	j.over = len(j.out)-j.done > most
}

// value rewrites the value that begins here.
func (j *jsonRewriter) value(depth int, hidden bool) {
	start := j.pos
	if j.over {
		j.skip()
		return
	}
	switch c := j.text[start]; {
	case c == '{' || c == '[':
		if depth > rewriteDepth {
			j.skip()
			j.replace(start, tooDeep)
			return
		}
		j.pos++
		if c == '{' {
			j.object(start, depth+1, hidden)
		} else {
			j.array(depth+1, hidden)
		}
	case c == '"':
		j.skipString()
		if s := unquote(j.text[start:j.pos]); hidden && s != "" {
			j.replace(start, Redacted)
		} else if s, changed := j.str(s, depth); changed {
			j.replace(start, s)
		}
	case c == '-' || '0' <= c && c <= '9':
		j.skip()
		if s, changed := j.number(j.text[start:j.pos], hidden); changed {
			j.replace(start, s)
		}
	default:
		j.skip()
	}
}

// object rewrites the members of the object that begins at start and whose bracket has
// been passed.
func (j *jsonRewriter) object(start, depth int, hidden bool) {
	var used usedKeys
	named := false
	for j.more('}') {
		from := j.pos
		j.skipString()
		if j.over {
			j.space()
			j.pos++ // colon
			j.space()
			j.skip()
			continue
		}
		key := unquote(j.text[from:j.pos])
		if other, changed := j.plain(key); changed {
			if used == nil {
				used = keysOf(j.text, start)
			}
			j.replace(from, validKey(used.unique(other)))
		}
		j.space()
		j.pos++ // colon
		j.space()
		n := j.enter(key)
		from = j.pos
		if j.redact != nil && j.redact(key, "", j.path) {
			j.skip()
			j.replace(from, Redacted)
		} else {
			j.value(depth, hidden || j.isSecret(key) || named && isPairValue(key))
		}
		j.path = j.path[:n]
		named = named || j.secret != nil && isPairName(key) && j.text[from] == '"' && j.secret(unquote(j.text[from:j.pos]))
	}
}

func (j *jsonRewriter) array(depth int, hidden bool) {
	flag := false
	for j.more(']') {
		from := j.pos
		j.value(depth, hidden || flag)
		flag = j.secret != nil && strings.HasPrefix(j.text[from:], `"`) && j.pos-from > 2 && j.isFlag(unquote(j.text[from:j.pos]))
	}
}

// validKey returns a key that JSON can hold, as the encoder would make it.
func validKey(key string) string {
	if utf8.ValidString(key) && strings.IndexByte(key, 0) < 0 {
		return key
	}
	return repairKey(key, math.MaxInt)
}

// keysOf returns the keys of the object that begins at start.
func keysOf(text string, start int) usedKeys {
	n := 0
	eachKey(text, start, func(string) { n++ })
	used := make(usedKeys, n)
	eachKey(text, start, used.add)
	return used
}

func eachKey(text string, start int, do func(key string)) {
	p := parser{text: text, pos: start + 1}
	for p.more('}') {
		from := p.pos
		p.skipString()
		do(unquote(text[from:p.pos]))
		p.space()
		p.pos++ // colon
		p.space()
		p.skip()
	}
}
