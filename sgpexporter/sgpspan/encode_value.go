package sgpspan

import (
	"encoding/base64"
	"math"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
)

// object encodes o, which stands in so many of the span's own objects and
// arrays.
func (e *encoding) object(o Object, depth int) {
	e.dst = append(e.dst, '{')
	for i := range o {
		f := &o[i]
		e.key(i, f.Key)
		e.enter(f.Key)
		e.value(&f.Value, depth)
		e.leave()
	}
	e.dst = append(e.dst, '}')
}

func (e *encoding) array(a Array, depth int) {
	e.dst = append(e.dst, '[')
	for i := range a {
		e.comma(i)
		e.value(&a[i], depth)
	}
	e.dst = append(e.dst, ']')
}

func (e *encoding) value(v *Value, depth int) {
	switch v.form {
	case formAttribute:
		e.attribute(&v.attr, 0)
	case formRaw, formNumber:
		e.raw(v)
	case formAttributes:
		e.attributes(*v.attrs, 0)
	case formObject, formArray:
		if depth++; depth > e.maxDepth+spareLevels {
			e.tooDeep()
			return
		}
		if v.form == formObject {
			e.object(*v.object, depth)
		} else {
			e.array(*v.array, depth)
		}
	}
}

// raw encodes JSON text as it stands when it has nothing to repair.
func (e *encoding) raw(v *Value) {
	text := v.attr.AsString()
	if !v.raw.dirty && int(v.raw.depth) <= e.maxDepth && int(v.raw.longest) <= e.maxString {
		e.dst = append(e.dst, text...)
		return
	}
	if v.form == formNumber {
		e.number(text)
		return
	}
	opened := parseJSON(text, v.raw, e.maxDepth)
	e.opened(&opened)
}

// opened encodes JSON text that has been opened for maxDepth levels: what is
// still text lies too deep.
func (e *encoding) opened(v *Value) {
	switch v.form {
	case formAttribute:
		e.attribute(&v.attr, 0)
	case formNumber:
		e.number(v.attr.AsString())
	case formRaw:
		e.note("nested deeper than " + strconv.Itoa(e.maxDepth) + ", kept as text")
		e.str(v.attr.AsString())
	case formObject:
		e.dst = append(e.dst, '{')
		for i := range *v.object {
			f := &(*v.object)[i]
			e.key(i, f.Key)
			e.enter(f.Key)
			e.opened(&f.Value)
			e.leave()
		}
		e.dst = append(e.dst, '}')
	case formArray:
		e.dst = append(e.dst, '[')
		for i := range *v.array {
			e.comma(i)
			e.opened(&(*v.array)[i])
		}
		e.dst = append(e.dst, ']')
	}
}

// number encodes a number in JSON text.
func (e *encoding) number(text string) {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		e.dst = append(e.dst, text...)
		return
	}
	e.note("number beyond the range of float64, kept as a string")
	e.str(text)
}

// attribute encodes an attribute's value that stands in so many of the
// attribute's own maps and slices.
func (e *encoding) attribute(v *attribute.Value, depth int) {
	switch v.Type() {
	case attribute.STRING:
		e.str(v.AsString())
	case attribute.INT64:
		e.dst = strconv.AppendInt(e.dst, v.AsInt64(), 10)
	case attribute.BOOL:
		e.dst = strconv.AppendBool(e.dst, v.AsBool())
	case attribute.FLOAT64:
		e.float(v.AsFloat64())
	case attribute.BYTESLICE:
		e.bytes(v.AsByteSlice())
	case attribute.STRINGSLICE:
		e.dst = append(e.dst, '[')
		for i, s := range v.AsStringSlice() {
			e.comma(i)
			e.str(s)
		}
		e.dst = append(e.dst, ']')
	case attribute.INT64SLICE:
		e.dst = append(e.dst, '[')
		for i, n := range v.AsInt64Slice() {
			e.comma(i)
			e.dst = strconv.AppendInt(e.dst, n, 10)
		}
		e.dst = append(e.dst, ']')
	case attribute.FLOAT64SLICE:
		e.dst = append(e.dst, '[')
		for i, f := range v.AsFloat64Slice() {
			e.comma(i)
			e.float(f)
		}
		e.dst = append(e.dst, ']')
	case attribute.BOOLSLICE:
		e.dst = append(e.dst, '[')
		for i, b := range v.AsBoolSlice() {
			e.comma(i)
			e.dst = strconv.AppendBool(e.dst, b)
		}
		e.dst = append(e.dst, ']')
	case attribute.SLICE, attribute.MAP:
		e.nested(v, depth+1)
	default:
		e.dst = append(e.dst, "null"...)
	}
}

func (e *encoding) nested(v *attribute.Value, depth int) {
	if depth > e.maxDepth {
		e.tooDeep()
		return
	}
	if v.Type() == attribute.SLICE {
		e.dst = append(e.dst, '[')
		for i, item := range v.AsSlice() {
			e.comma(i)
			e.attribute(&item, depth)
		}
		e.dst = append(e.dst, ']')
		return
	}
	e.attributes(v.AsMap(), depth)
}

// attributes encodes attrs as an object, whose values stand in so many of an
// attribute's own maps and slices.
func (e *encoding) attributes(attrs []attribute.KeyValue, depth int) {
	e.dst = append(e.dst, '{')
	for i := range attrs {
		kv := &attrs[i]
		e.key(i, string(kv.Key))
		e.enter(string(kv.Key))
		e.attribute(&kv.Value, depth)
		e.leave()
	}
	e.dst = append(e.dst, '}')
}

func (e *encoding) tooDeep() {
	e.note("nested deeper than " + strconv.Itoa(e.maxDepth) + ", left out")
	e.dst = append(e.dst, `"[nested too deep]"`...)
}

func (e *encoding) comma(i int) {
	if i > 0 {
		e.dst = append(e.dst, ',')
	}
}

// key encodes the i-th key of an object and its colon.
func (e *encoding) key(i int, key string) {
	e.comma(i)
	e.text(key, max(e.maxString, minKeyBytes))
	e.dst = append(e.dst, ':')
}

func (e *encoding) str(s string) { e.text(s, e.maxString) }

func (e *encoding) text(s string, most int) {
	if len(s) > most {
		e.note("cut, had " + strconv.Itoa(len(s)) + " bytes")
		s = cutString(s, most)
	}
	var repaired bool
	if e.dst, repaired = appendString(e.dst, s); repaired {
		e.note("had NUL or bytes that are not UTF-8, replaced by U+FFFD")
	}
}

// bytes encodes b in base64, cut so that the text is no longer than a string
// may be.
func (e *encoding) bytes(b []byte) {
	if most := max(e.maxString/4*3, 3); len(b) > most {
		e.note("cut, had " + strconv.Itoa(len(b)) + " bytes")
		b = b[:most]
	}
	e.dst = append(e.dst, '"')
	e.dst = base64.StdEncoding.AppendEncode(e.dst, b)
	e.dst = append(e.dst, '"')
}

func (e *encoding) float(f float64) {
	var name string
	switch {
	case math.IsNaN(f):
		name = "NaN"
	case math.IsInf(f, 1):
		name = "Infinity"
	case math.IsInf(f, -1):
		name = "-Infinity"
	default:
		e.finite(f)
		return
	}
	e.note("number that JSON does not have, kept as a string")
	e.dst = append(append(append(e.dst, '"'), name...), '"')
}

// finite encodes f like encoding/json, which follows ECMAScript.
func (e *encoding) finite(f float64) {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		e.dst = strconv.AppendFloat(e.dst, f, 'e', -1, 64)
		return
	}
	e.dst = strconv.AppendFloat(e.dst, f, 'f', -1, 64)
}
