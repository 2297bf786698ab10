package sgpspan

import (
	"encoding/base64"
	"math"
	"strconv"

	"go.opentelemetry.io/otel/attribute"
)

// object encodes o, which stands in so many of the span's own objects and
// arrays.
func (e *encoding) object(dst []byte, o Object, depth int) []byte {
	return append(e.members(append(dst, '{'), o, 0, depth), '}')
}

// members encodes the fields of o after so many others.
func (e *encoding) members(dst []byte, o Object, before, depth int) []byte {
	for i := range o {
		f := &o[i]
		dst = e.key(dst, before+i, f.Key)
		e.enter(f.Key)
		dst = e.value(dst, &f.Value, depth)
		e.leave()
	}
	return dst
}

func (e *encoding) array(dst []byte, a Array, depth int) []byte {
	dst = append(dst, '[')
	for i := range a {
		dst = comma(dst, i)
		dst = e.value(dst, &a[i], depth)
	}
	return append(dst, ']')
}

func (e *encoding) value(dst []byte, v *Value, depth int) []byte {
	switch v.form {
	case formAttribute:
		return e.attribute(dst, &v.attr, 0)
	case formRaw, formNumber:
		return e.raw(dst, v)
	case formAttributes:
		return e.attributes(dst, *v.attrs, 0)
	case formObject, formArray:
		if depth++; depth > e.maxDepth+spareLevels {
			return e.tooDeep(dst)
		}
		if v.form == formObject {
			return e.object(dst, *v.object, depth)
		}
		return e.array(dst, *v.array, depth)
	}
	return dst
}

// raw encodes JSON text as it stands when it has nothing to repair.
func (e *encoding) raw(dst []byte, v *Value) []byte {
	text := v.attr.AsString()
	levels := e.maxDepth
	if v.raw.ours {
		levels += spareLevels
	}
	if !v.raw.dirty && int(v.raw.depth) <= levels && int(v.raw.longest) <= e.maxString {
		return append(dst, text...)
	}
	if v.form == formNumber {
		return e.number(dst, text)
	}
	opened := parseJSON(text, v.raw, levels)
	return e.opened(dst, &opened)
}

// opened encodes JSON text that has been opened for maxDepth levels: what is
// still text lies too deep.
func (e *encoding) opened(dst []byte, v *Value) []byte {
	switch v.form {
	case formAttribute:
		dst = e.attribute(dst, &v.attr, 0)
	case formNumber:
		dst = e.number(dst, v.attr.AsString())
	case formRaw:
		e.note("nested deeper than " + strconv.Itoa(e.maxDepth) + ", kept as text")
		dst = e.str(dst, v.attr.AsString())
	case formObject:
		dst = append(dst, '{')
		for i := range *v.object {
			f := &(*v.object)[i]
			dst = e.key(dst, i, f.Key)
			e.enter(f.Key)
			dst = e.opened(dst, &f.Value)
			e.leave()
		}
		dst = append(dst, '}')
	case formArray:
		dst = append(dst, '[')
		for i := range *v.array {
			dst = comma(dst, i)
			dst = e.opened(dst, &(*v.array)[i])
		}
		dst = append(dst, ']')
	}
	return dst
}

// number encodes a number in JSON text.
func (e *encoding) number(dst []byte, text string) []byte {
	if _, err := strconv.ParseFloat(text, 64); err == nil {
		return append(dst, text...)
	}
	e.note("number beyond the range of float64, kept as a string")
	return e.str(dst, text)
}

// attribute encodes an attribute's value that stands in so many of the
// attribute's own maps and slices.
func (e *encoding) attribute(dst []byte, v *attribute.Value, depth int) []byte {
	switch v.Type() {
	case attribute.STRING:
		dst = e.str(dst, v.AsString())
	case attribute.INT64:
		dst = strconv.AppendInt(dst, v.AsInt64(), 10)
	case attribute.BOOL:
		dst = strconv.AppendBool(dst, v.AsBool())
	case attribute.FLOAT64:
		dst = e.float(dst, v.AsFloat64())
	case attribute.BYTESLICE:
		dst = e.bytes(dst, v.AsByteSlice())
	case attribute.STRINGSLICE:
		dst = append(dst, '[')
		for i, s := range v.AsStringSlice() {
			dst = comma(dst, i)
			dst = e.str(dst, s)
		}
		dst = append(dst, ']')
	case attribute.INT64SLICE:
		dst = append(dst, '[')
		for i, n := range v.AsInt64Slice() {
			dst = comma(dst, i)
			dst = strconv.AppendInt(dst, n, 10)
		}
		dst = append(dst, ']')
	case attribute.FLOAT64SLICE:
		dst = append(dst, '[')
		for i, f := range v.AsFloat64Slice() {
			dst = comma(dst, i)
			dst = e.float(dst, f)
		}
		dst = append(dst, ']')
	case attribute.BOOLSLICE:
		dst = append(dst, '[')
		for i, b := range v.AsBoolSlice() {
			dst = comma(dst, i)
			dst = strconv.AppendBool(dst, b)
		}
		dst = append(dst, ']')
	case attribute.SLICE, attribute.MAP:
		dst = e.nested(dst, v, depth+1)
	default:
		dst = append(dst, "null"...)
	}
	return dst
}

// overridden reports whether the next of attrs has the same key as the i-th. A map's
// are sorted, the one that was set last coming last.
func overridden(attrs []attribute.KeyValue, i int) bool {
	return i+1 < len(attrs) && attrs[i].Key == attrs[i+1].Key
}

func (e *encoding) nested(dst []byte, v *attribute.Value, depth int) []byte {
	if depth > e.maxDepth {
		return e.tooDeep(dst)
	}
	if v.Type() == attribute.SLICE {
		items := v.AsSlice()
		dst = append(dst, '[')
		for i := range items {
			dst = comma(dst, i)
			dst = e.attribute(dst, &items[i], depth)
		}
		return append(dst, ']')
	}
	return e.attributes(dst, v.AsMap(), depth)
}

// attributes encodes attrs as an object, whose values stand in so many of an
// attribute's own maps and slices.
func (e *encoding) attributes(dst []byte, attrs []attribute.KeyValue, depth int) []byte {
	dst = append(dst, '{')
	n := 0
	for i := range attrs {
		if overridden(attrs, i) {
			continue
		}
		kv := &attrs[i]
		dst = e.key(dst, n, string(kv.Key))
		n++
		e.enter(string(kv.Key))
		dst = e.attribute(dst, &kv.Value, depth)
		e.leave()
	}
	return append(dst, '}')
}

func (e *encoding) tooDeep(dst []byte) []byte {
	e.note("nested deeper than " + strconv.Itoa(e.maxDepth) + ", left out")
	return append(dst, `"[nested too deep]"`...)
}

func comma(dst []byte, i int) []byte {
	if i > 0 {
		dst = append(dst, ',')
	}
	return dst
}

// key encodes the i-th key of an object and its colon.
func (e *encoding) key(dst []byte, i int, key string) []byte {
	dst = comma(dst, i)
	start, most := len(dst), max(e.maxString, minKeyBytes)
	if len(key) <= most {
		var repaired bool
		if dst, repaired = appendString(dst, key); !repaired {
			return append(dst, ':')
		}
		e.note(repairedText)
	} else {
		e.note("cut, had " + strconv.Itoa(len(key)) + " bytes")
	}
	dst, _ = appendString(dst[:start], repairKey(key, most))
	return append(dst, ':')
}

func (e *encoding) str(dst []byte, s string) []byte { return e.text(dst, s, e.maxString) }

func (e *encoding) text(dst []byte, s string, most int) []byte {
	if len(s) > most {
		e.note("cut, had " + strconv.Itoa(len(s)) + " bytes")
		s = cutString(s, most)
	}
	var repaired bool
	if dst, repaired = appendString(dst, s); repaired {
		e.note(repairedText)
	}
	return dst
}

const repairedText = "had NUL or bytes that are not UTF-8, replaced by U+FFFD"

// bytes encodes b in base64, cut so that the text is no longer than a string
// may be.
func (e *encoding) bytes(dst []byte, b []byte) []byte {
	if most := max(e.maxString/4*3, 3); len(b) > most {
		e.note("cut, had " + strconv.Itoa(len(b)) + " bytes")
		b = b[:most]
	}
	dst = append(dst, '"')
	dst = base64.StdEncoding.AppendEncode(dst, b)
	return append(dst, '"')
}

func (e *encoding) float(dst []byte, f float64) []byte {
	var name string
	switch {
	case math.IsNaN(f):
		name = "NaN"
	case math.IsInf(f, 1):
		name = "Infinity"
	case math.IsInf(f, -1):
		name = "-Infinity"
	default:
		return e.finite(dst, f)
	}
	e.note("number that JSON does not have, kept as a string")
	return append(append(append(dst, '"'), name...), '"')
}

// finite encodes f like encoding/json, which follows ECMAScript.
func (e *encoding) finite(dst []byte, f float64) []byte {
	if thousandths := f * 1000; thousandths == math.Trunc(thousandths) && thousandths/1000 == f &&
		math.Abs(thousandths) < 1e15 && f != 0 {
		return appendThousandths(dst, int64(thousandths))
	}
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.AppendFloat(dst, f, 'e', -1, 64)
	}
	return strconv.AppendFloat(dst, f, 'f', -1, 64)
}

// appendThousandths appends n/1000 with as few digits as it takes. That is the shortest
// text of the nearest float64 too: of all texts with at most 15 digits no two have the
// same. Most numbers are such, and to find the shortest text of another costs much more.
func appendThousandths(dst []byte, n int64) []byte {
	if n < 0 {
		dst, n = append(dst, '-'), -n
	}
	dst = strconv.AppendInt(dst, n/1000, 10)
	rest := n % 1000
	if rest == 0 {
		return dst
	}
	dst = append(dst, '.', byte('0'+rest/100), byte('0'+rest/10%10), byte('0'+rest%10))
	for dst[len(dst)-1] == '0' {
		dst = dst[:len(dst)-1]
	}
	return dst
}
