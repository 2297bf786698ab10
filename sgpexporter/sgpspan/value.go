package sgpspan

import (
	"math"
	"strconv"
	"strings"

	"go.opentelemetry.io/otel/attribute"
)

// Kind is the kind of JSON value that a [Value] is encoded as.
type Kind uint8

// The kinds. KindInt and KindFloat are both JSON numbers. KindBytes is encoded
// as a string in standard base64.
const (
	KindNull Kind = iota
	KindBool
	KindInt
	KindFloat
	KindString
	KindBytes
	KindArray
	KindObject
)

// String returns the kind's name in lower case.
func (k Kind) String() string {
	names := [...]string{"null", "bool", "int", "float", "string", "bytes", "array", "object"}
	if int(k) < len(names) {
		return names[k]
	}
	return "Kind(" + strconv.Itoa(int(k)) + ")"
}

type form uint8

const (
	formAttribute  form = iota // attr, in any of its types; the zero Value is null
	formObject                 // object
	formArray                  // array
	formRaw                    // attr is a string that holds a JSON object or array
	formNumber                 // attr is a string that holds a JSON number
	formAttributes             // attrs, as an object
)

// Value is one value of an [Object] or [Array]. The zero value is null.
//
// It holds an OpenTelemetry attribute value, JSON text, an object or an array
// without converting it. What it is can be asked with Kind; Object and Array
// open attribute values and JSON text in place, so that they can be changed.
type Value struct {
	form   form
	raw    rawInfo
	attr   attribute.Value
	object *Object
	array  *Array
	attrs  *[]attribute.KeyValue
	source string
}

// WithSource returns v with the name of the attribute, or of the event, that it
// was taken from. A [Field] has its own Source; an element of an [Array] has none
// but this.
func (v Value) WithSource(name string) Value {
	v.source = name
	return v
}

// Source returns what WithSource was given. It stays when the value is opened.
func (v *Value) Source() string {
	if v == nil {
		return ""
	}
	return v.source
}

// become makes v another form of what it was, from the same source.
func (v *Value) become(other Value) {
	other.source = v.source
	*v = other
}

// AttributeValue returns an OpenTelemetry attribute value as it is.
func AttributeValue(v attribute.Value) Value { return Value{attr: v} }

// StringValue returns a string.
func StringValue(s string) Value { return Value{attr: attribute.StringValue(s)} }

// IntValue returns an integer.
func IntValue(i int64) Value { return Value{attr: attribute.Int64Value(i)} }

// FloatValue returns a floating point number. NaN and the infinities are
// encoded as the strings "NaN", "Infinity" and "-Infinity", the form that the
// OpenTelemetry specification has for JSON.
func FloatValue(f float64) Value { return Value{attr: attribute.Float64Value(f)} }

// BoolValue returns a boolean.
func BoolValue(b bool) Value { return Value{attr: attribute.BoolValue(b)} }

// ObjectValue returns o as a value. It is not copied: a later change to o
// shows. A nil o is null.
func ObjectValue(o *Object) Value {
	if o == nil {
		return Value{}
	}
	return Value{form: formObject, object: o}
}

// ArrayValue returns a as a value. It is not copied: a later change to a shows.
// A nil a is null.
func ArrayValue(a *Array) Value {
	if a == nil {
		return Value{}
	}
	return Value{form: formArray, array: a}
}

// AttributesValue returns the object of attributes. They are neither copied nor
// changed, until Object opens the value. A nil attrs is null.
func AttributesValue(attrs *[]attribute.KeyValue) Value {
	if attrs == nil {
		return Value{}
	}
	return Value{form: formAttributes, attrs: attrs}
}

// JSONValue returns the value that text, in JSON, spells. ok is false, and the
// value null, when text is not valid JSON or nests deeper than [MaxJSONDepth].
// Objects and arrays are kept as the text that they are until they are opened.
func JSONValue(text string) (v Value, ok bool) {
	text = strings.Trim(text, " \t\r\n")
	info, ok := scanJSON(text)
	if !ok {
		return Value{}, false
	}
	return rawValue(text, info), true
}

// rawValue returns the value of text, which is valid JSON without space around.
func rawValue(text string, info rawInfo) Value {
	switch text[0] {
	case '{', '[':
		return Value{form: formRaw, raw: info, attr: attribute.StringValue(text)}
	case '"':
		return StringValue(unquote(text))
	case 't':
		return BoolValue(true)
	case 'f':
		return BoolValue(false)
	case 'n':
		return Value{}
	}
	return Value{form: formNumber, raw: info, attr: attribute.StringValue(text)}
}

// Kind returns the kind of JSON value that v is encoded as.
func (v *Value) Kind() Kind {
	if v == nil {
		return KindNull
	}
	switch v.form {
	case formObject, formAttributes:
		return KindObject
	case formArray:
		return KindArray
	case formRaw:
		if v.attr.AsString()[0] == '{' {
			return KindObject
		}
		return KindArray
	case formNumber:
		if _, err := strconv.ParseInt(v.attr.AsString(), 10, 64); err == nil {
			return KindInt
		}
		return KindFloat
	}
	switch v.attr.Type() {
	case attribute.BOOL:
		return KindBool
	case attribute.INT64:
		return KindInt
	case attribute.FLOAT64:
		return KindFloat
	case attribute.STRING:
		return KindString
	case attribute.BYTESLICE:
		return KindBytes
	case attribute.MAP:
		return KindObject
	case attribute.BOOLSLICE, attribute.INT64SLICE, attribute.FLOAT64SLICE,
		attribute.STRINGSLICE, attribute.SLICE:
		return KindArray
	}
	return KindNull
}

// Text returns the string that v is, or that its bytes are; "" for every other
// kind.
func (v *Value) Text() string {
	switch v.Kind() {
	case KindString:
		return v.attr.AsString()
	case KindBytes:
		return string(v.attr.AsByteSlice())
	}
	return ""
}

// Int returns the integer that v is, 0 for every other kind.
func (v *Value) Int() int64 {
	if v.Kind() != KindInt {
		return 0
	}
	if v.form == formNumber {
		i, _ := strconv.ParseInt(v.attr.AsString(), 10, 64)
		return i
	}
	return v.attr.AsInt64()
}

// Float returns the number that v is, 0 for every other kind.
func (v *Value) Float() float64 {
	switch v.Kind() {
	case KindInt:
		return float64(v.Int())
	case KindFloat:
		if v.form == formNumber {
			f, err := strconv.ParseFloat(v.attr.AsString(), 64)
			if err != nil && !math.IsInf(f, 0) {
				return 0
			}
			return f
		}
		return v.attr.AsFloat64()
	}
	return 0
}

// Bool returns the boolean that v is, false for every other kind.
func (v *Value) Bool() bool { return v.Kind() == KindBool && v.attr.AsBool() }

// Object returns the object that v is, to be read and changed, and nil for
// every other kind. An attribute's map or an object in JSON text is opened: v
// holds the object from then on.
func (v *Value) Object() *Object {
	if v.Kind() != KindObject {
		return nil
	}
	switch v.form {
	case formRaw:
		v.become(parseJSON(v.attr.AsString(), v.raw, 1))
	case formAttribute:
		v.become(openAttributes(v.attr.AsMap()))
	case formAttributes:
		v.become(openAttributes(*v.attrs))
	}
	return v.object
}

func openAttributes(attrs []attribute.KeyValue) Value {
	o := appendAttributes(make(Object, 0, len(attrs)), attrs)
	return ObjectValue(&o)
}

func appendAttributes(o Object, attrs []attribute.KeyValue) Object {
	for i, kv := range attrs {
		if !overridden(attrs, i) {
			o = append(o, Field{Key: string(kv.Key), Value: AttributeValue(kv.Value)})
		}
	}
	return o
}

// Array returns the array that v is, to be read and changed, and nil for every
// other kind. An attribute's slice or an array in JSON text is opened: v holds
// the array from then on.
func (v *Value) Array() *Array {
	if v.Kind() != KindArray {
		return nil
	}
	switch {
	case v.form == formRaw:
		v.become(parseJSON(v.attr.AsString(), v.raw, 1))
	case v.form == formAttribute:
		a := attributeArray(v.attr)
		v.become(ArrayValue(&a))
	}
	return v.array
}

func attributeArray(attr attribute.Value) Array {
	var a Array
	switch attr.Type() {
	case attribute.BOOLSLICE:
		a = convert(attr.AsBoolSlice(), BoolValue)
	case attribute.INT64SLICE:
		a = convert(attr.AsInt64Slice(), IntValue)
	case attribute.FLOAT64SLICE:
		a = convert(attr.AsFloat64Slice(), FloatValue)
	case attribute.STRINGSLICE:
		a = convert(attr.AsStringSlice(), StringValue)
	case attribute.SLICE:
		a = convert(attr.AsSlice(), AttributeValue)
	}
	return a
}

func convert[T any](in []T, value func(T) Value) Array {
	a := make(Array, len(in))
	for i, x := range in {
		a[i] = value(x)
	}
	return a
}
