package sgpspan

import (
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// rewriter goes through all of a span that can hold what the application said,
// and what others said to it. It is made anew for each span.
type rewriter struct {
	// redact reports whether the value of a field is to go, by the field's
	// key, its source and its path; nil means none is.
	redact func(key, source, path string) bool
	// secret reports whether the text or number of a field is to go, by its key
	// or its source; nil means none is.
	secret func(name string) bool
	// text returns what is left of a string, and whether that is anything
	// else; nil means that strings stay.
	text func(s string) (string, bool)
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
	if r.redact != nil && r.redact(name, "", name) {
		*o = Object{{Key: valueKey, Value: StringValue(Redacted)}}
		return
	}
	r.path = append(r.path[:0], name...)
	r.object(*o, 0)
}

func (r *rewriter) object(o Object, depth int) (changed bool) {
	for i := range o {
		f := &o[i]
		n := len(r.path)
		r.path = append(append(r.path, '.'), f.Key...)
		if r.redact != nil && r.redact(f.Key, f.Source, string(r.path)) || r.isSecret(f) {
			f.Value.become(StringValue(Redacted))
			changed = true
		} else if r.value(&f.Value, depth) {
			changed = true
		}
		r.path = r.path[:n]
		if key, other := r.plain(f.Key); other {
			if f.Source == "" {
				f.Source = f.Key // for the hooks that come after
			}
			f.Key = key
			changed = true
		}
	}
	return changed
}

func (r *rewriter) isSecret(f *Field) bool {
	if r.secret == nil || !r.secret(f.Key) && !r.secret(f.Source) {
		return false
	}
	switch f.Value.Kind() {
	case KindInt, KindFloat:
		return true
	}
	return f.Value.Text() != ""
}

func (r *rewriter) array(a Array, depth int) (changed bool) {
	for i := range a {
		changed = r.value(&a[i], depth) || changed
	}
	return changed
}

// value rewrites v and reports whether that changed it. A value that it does not
// change keeps its form, and is encoded as fast as before.
func (r *rewriter) value(v *Value, depth int) bool {
	if v.source != "" && r.redact != nil && r.redact("", v.source, "") {
		*v = StringValue(Redacted)
		return true
	}
	if depth++; depth > rewriteDepth && (v.Kind() == KindArray || v.Kind() == KindObject) {
		v.become(StringValue(tooDeep))
		return true
	}
	switch v.form {
	case formObject, formAttributes:
		return r.object(*v.Object(), depth)
	case formArray:
		return r.array(*v.array, depth)
	case formRaw:
		text, changed := r.json(v.attr.AsString(), v.raw, depth)
		if changed {
			rewritten, _ := JSONValue(text)
			rewritten.raw.ours = v.raw.ours
			v.become(rewritten)
		}
		return changed
	case formNumber:
		return r.scalar(v, v.attr.AsString())
	}
	return r.attribute(v, depth)
}

func (r *rewriter) attribute(v *Value, depth int) bool {
	switch v.attr.Type() {
	case attribute.STRING:
		s, changed := r.str(v.attr.AsString(), depth)
		if changed {
			v.become(StringValue(s))
		}
		return changed
	case attribute.INT64:
		return r.scalar(v, strconv.FormatInt(v.attr.AsInt64(), 10))
	case attribute.FLOAT64:
		return r.scalar(v, strconv.FormatFloat(v.attr.AsFloat64(), 'f', -1, 64))
	case attribute.BYTESLICE:
		b := v.attr.AsByteSlice()
		var s string
		var changed bool
		if r.size != nil {
			s, changed = r.size(len(b))
		} else {
			s, changed = r.str(string(b), depth)
		}
		if changed {
			v.become(StringValue(s))
		}
		return changed
	case attribute.STRINGSLICE, attribute.INT64SLICE, attribute.FLOAT64SLICE, attribute.SLICE:
		opened := *v
		if !r.array(*opened.Array(), depth) {
			return false
		}
		*v = opened
		return true
	case attribute.MAP:
		opened := *v
		if !r.object(*opened.Object(), depth) {
			return false
		}
		*v = opened
		return true
	}
	return false
}

// scalar rewrites a number, which text spells.
func (r *rewriter) scalar(v *Value, text string) bool {
	if r.size != nil {
		return false // no number is long
	}
	s, changed := r.plain(text)
	if changed {
		v.become(StringValue(s))
	}
	return changed
}

// str rewrites a string: first what is in it when it is JSON, then as it is.
func (r *rewriter) str(s string, depth int) (string, bool) {
	inside := false
	if trimmed := strings.Trim(s, " \t\r\n"); trimmed != "" && (trimmed[0] == '{' || trimmed[0] == '[') {
		if info, ok := scanJSON(trimmed); ok {
			if depth >= rewriteDepth {
				return tooDeep, true
			}
			if trimmed, inside = r.json(trimmed, info, depth+1); inside {
				s = trimmed
			}
		}
	}
	s, changed := r.plain(s)
	return s, changed || inside
}

// json rewrites JSON text.
func (r *rewriter) json(text string, info rawInfo, depth int) (string, bool) {
	v := parseJSON(text, info, MaxJSONDepth)
	if !r.value(&v, depth) {
		return text, false
	}
	out, _ := Encoder{MaxStringBytes: math.MaxInt, MaxDepth: MaxJSONDepth}.AppendValue(nil, "", &v)
	return string(out), true
}

func (r *rewriter) plain(s string) (string, bool) {
	if r.text == nil {
		return s, false
	}
	return r.text(s)
}
