package sgpspan

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// rewriter goes through all of a span that can hold what the application said,
// and what others said to it. It is made anew for each span.
type rewriter struct {
	// redact reports whether the value of a field is to go, by the field's
	// key, its source and its path, which is in lower case; nil means none is.
	redact func(key, source string, path []byte) bool
	// secret reports whether all texts and numbers of a field are to go, by its key
	// or its source; nil means none are.
	secret func(name string) bool
	// rewrite returns what is left of a string, and whether that is anything
	// else; nil means that strings stay.
	rewrite func(s string) (string, bool)
	// size returns what is left of bytes that no longer are what they were;
	// nil means that they are looked at as text.
	size func(bytes int) (string, bool)

	path []byte
}

// rewriteDepth bounds how deep a rewriter looks. What lies deeper it cannot
// vouch for, and takes out.
const rewriteDepth = MaxJSONDepth

func (r *rewriter) span(s *Span) {
	s.Name, _ = r.str(s.Name, 0)
	for i := range s.Notes {
		s.Notes[i], _ = r.str(s.Notes[i], 0)
	}
	r.root("input", &s.Input)
	r.root("output", &s.Output)
	r.root("expected", &s.Expected)
	r.root("metadata", &s.Metadata)
}

func (r *rewriter) root(name string, o *Object) {
	if *o == nil {
		return
	}
	r.path = append(r.path[:0], name...)
	if r.redact != nil && r.redact(name, "", r.path) {
		*o = Object{{Key: valueKey, Value: StringValue(Redacted)}}
		return
	}
	r.object(*o, 0, false)
}

// object rewrites the fields of o. hidden says that o stands under the name of a
// secret.
func (r *rewriter) object(o Object, depth int, hidden bool) (changed bool) {
	named := false // the value of a name and value is a secret's
	for i := range o {
		f := &o[i]
		n := r.enter(f.Key)
		switch {
		case r.redact != nil && r.redact(f.Key, f.Source, r.path):
			f.Value.become(StringValue(Redacted))
			changed = true
		case r.value(&f.Value, depth, hidden || r.isSecret(f.Key) || r.isSecret(f.Source) || named && isPairValue(f.Key)):
			changed = true
		}
		r.path = r.path[:n]
		named = named || r.secret != nil && isPairName(f.Key) && r.secret(f.Value.Text())
	}
	return r.keys(o) || changed
}

// enter adds a key to the path, where anything asks for it, and returns the length that
// the path had.
func (r *rewriter) enter(key string) (n int) {
	n = len(r.path)
	if r.redact != nil {
		r.path = append(append(r.path, '.'), strings.ToLower(key)...)
	}
	return n
}

// keys rewrites the keys of o. Two that become one stay two.
func (r *rewriter) keys(o Object) (changed bool) {
	var used usedKeys
	for i := range o {
		f := &o[i]
		key, other := r.plain(f.Key)
		if !other {
			continue
		}
		if used == nil {
			used = usedKeys{}
			for k := range o {
				used.add(o[k].Key)
			}
		}
		if f.Source == "" {
			f.Source = f.Key // for the hooks that come after
		}
		f.Key = used.unique(key)
		changed = true
	}
	return changed
}

func (r *rewriter) isSecret(name string) bool {
	return r.secret != nil && name != "" && r.secret(name)
}

// isPairName reports whether key names what stands beside it as a value, as in
// {"name": "Authorization", "value": "…"}.
func isPairName(key string) bool {
	switch strings.ToLower(key) {
	case "name", "key", "header":
		return true
	}
	return false
}

func isPairValue(key string) bool {
	switch strings.ToLower(key) {
	case "value", "values":
		return true
	}
	return false
}

func (r *rewriter) array(a Array, depth int, hidden bool) (changed bool) {
	flag := false // the element before names a secret
	for i := range a {
		text := ""
		if r.secret != nil {
			text = a[i].Text()
		}
		changed = r.value(&a[i], depth, hidden || flag) || changed
		flag = text != "" && r.isFlag(text)
	}
	return changed
}

// isFlag reports whether an element of a list says that the next one is a secret: a
// flag of a command, or a header.
func (r *rewriter) isFlag(text string) bool {
	return (text[0] == '-' || namesHeader(text)) && r.isSecret(text)
}

// value rewrites v and reports whether that changed it. A value that it does not
// change keeps its form, and is encoded as fast as before.
func (r *rewriter) value(v *Value, depth int, hidden bool) bool {
	if v.source != "" && r.redact != nil && r.redact("", v.source, nil) {
		*v = StringValue(Redacted)
		return true
	}
	if depth++; depth > rewriteDepth && (v.Kind() == KindArray || v.Kind() == KindObject) {
		v.become(StringValue(tooDeep))
		return true
	}
	switch v.form {
	case formObject, formAttributes:
		return r.object(*v.Object(), depth, hidden)
	case formArray:
		return r.array(*v.array, depth, hidden)
	case formRaw:
		text, changed := r.json(v.attr.AsString(), depth, hidden)
		if changed {
			rewritten, _ := JSONValue(text)
			rewritten.raw.ours = v.raw.ours
			v.become(rewritten)
		}
		return changed
	case formNumber:
		return r.scalar(v, v.attr.AsString(), hidden)
	}
	return r.attribute(v, depth, hidden)
}

func (r *rewriter) attribute(v *Value, depth int, hidden bool) bool {
	switch v.attr.Type() {
	case attribute.STRING:
		s, changed := Redacted, hidden && v.attr.AsString() != ""
		if !changed {
			s, changed = r.str(v.attr.AsString(), depth)
		}
		if changed {
			v.become(StringValue(s))
		}
		return changed
	case attribute.INT64:
		return r.scalar(v, strconv.FormatInt(v.attr.AsInt64(), 10), hidden)
	case attribute.FLOAT64:
		return r.scalar(v, formatFloat(v.attr.AsFloat64()), hidden)
	case attribute.BYTESLICE:
		s, changed := r.bytes(v.attr.AsByteSlice(), depth, hidden)
		if changed {
			v.become(StringValue(s))
		}
		return changed
	case attribute.STRINGSLICE, attribute.INT64SLICE, attribute.FLOAT64SLICE, attribute.SLICE:
		if hidden && isLong(v.attr) {
			v.become(StringValue(Redacted)) // opening it would take many times its memory
			return true
		}
		if !hidden && !r.mayChange(v.attr, depth) {
			return false
		}
		opened := *v
		if !r.array(*opened.Array(), depth, hidden) {
			return false
		}
		*v = opened
		return true
	case attribute.MAP:
		opened := *v
		if !r.object(*opened.Object(), depth, hidden) {
			return false
		}
		*v = opened
		return true
	}
	return false
}

// mayChange reports whether rewriting a slice may change it. Opening one takes many
// times its memory.
func (r *rewriter) mayChange(v attribute.Value, depth int) bool {
	number := func(text string) bool {
		if r.size != nil {
			return false
		}
		_, changed := r.plain(text)
		return changed
	}
	switch v.Type() {
	case attribute.INT64SLICE:
		for _, n := range v.AsInt64Slice() {
			if number(strconv.FormatInt(n, 10)) {
				return true
			}
		}
		return false
	case attribute.FLOAT64SLICE:
		for _, f := range v.AsFloat64Slice() {
			if number(formatFloat(f)) {
				return true
			}
		}
		return false
	case attribute.STRINGSLICE:
		for _, s := range v.AsStringSlice() {
			if r.secret != nil && s != "" && r.isFlag(s) {
				return true
			}
			if _, changed := r.str(s, depth+1); changed {
				return true
			}
		}
		return false
	}
	return true
}

// isLong reports whether a slice of numbers or texts has more elements than are redacted
// one by one.
func isLong(v attribute.Value) bool {
	const most = 1000
	switch v.Type() {
	case attribute.INT64SLICE:
		return len(v.AsInt64Slice()) > most
	case attribute.FLOAT64SLICE:
		return len(v.AsFloat64Slice()) > most
	case attribute.STRINGSLICE:
		return len(v.AsStringSlice()) > most
	}
	return false
}

func formatFloat(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func (r *rewriter) bytes(b []byte, depth int, hidden bool) (string, bool) {
	switch {
	case hidden && len(b) > 0:
		return Redacted, true
	case r.size != nil:
		return r.size(len(b))
	}
	return r.str(string(b), depth)
}

// scalar rewrites a number, which text spells.
func (r *rewriter) scalar(v *Value, text string, hidden bool) bool {
	s, changed := r.number(text, hidden)
	if changed {
		v.become(StringValue(s))
	}
	return changed
}

func (r *rewriter) number(text string, hidden bool) (string, bool) {
	switch {
	case hidden:
		return Redacted, true
	case r.size != nil:
		return text, false // no number is long
	}
	return r.plain(text)
}

// str rewrites a string: first what is in it when it is JSON, then as it is.
func (r *rewriter) str(s string, depth int) (string, bool) {
	inside := false
	if trimmed := strings.Trim(s, " \t\r\n"); trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[') {
		if _, ok := scanJSON(trimmed); ok {
			if depth >= rewriteDepth {
				return tooDeep, true
			}
			if trimmed, inside = r.json(trimmed, depth+1, false); inside {
				s = trimmed
			}
			if s == redactedJSON {
				s = Redacted
			}
		}
	}
	s, changed := r.plain(s)
	return s, changed || inside
}

func (r *rewriter) plain(s string) (string, bool) {
	if r.rewrite == nil || s == "" {
		return s, false
	}
	return r.rewrite(s)
}
