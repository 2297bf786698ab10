package sgpspan

import "slices"

// Object is a JSON object: its fields, in the order in which they are encoded.
// It is a slice and can be ranged over and built as one. Keys should differ;
// where they do not, all are encoded and most readers take the last.
type Object []Field

// Field is one member of an [Object].
type Field struct {
	// Key is the member's name.
	Key string
	// Source is the attribute that the value was taken from, when it has
	// another name than Key. It is not encoded; it lets a hook recognize by
	// the attribute's name what has found a place elsewhere. What Value was
	// taken from as a whole may be more: see [Value.Source].
	Source string
	// Content says that the value is what a model was asked or has answered, or a part of
	// it. It is not encoded; [RedactContent] goes by it. Of Input, Output and Expected
	// all is content, but for what is counted.
	Content bool
	// Value is the member's value.
	Value Value
}

// Array is a JSON array.
type Array []Value

// Get returns the value of the first field named key, to be read and changed in
// place until a field is added or removed; nil when there is none. All methods
// of a nil *Value are safe, so a path can be followed in one expression.
func (o *Object) Get(key string) *Value {
	if o == nil {
		return nil
	}
	for i := range *o {
		if (*o)[i].Key == key {
			return &(*o)[i].Value
		}
	}
	return nil
}

// Set gives the first field named key the value v, and adds such a field at the
// end when there is none. On nil it does nothing.
func (o *Object) Set(key string, v Value) {
	if o == nil {
		return
	}
	for i := range *o {
		if (*o)[i].Key == key {
			(*o)[i].Value = v
			return
		}
	}
	*o = append(*o, Field{Key: key, Value: v})
}

// Delete removes every field named key and reports whether there was one. It is
// safe on nil.
func (o *Object) Delete(key string) bool {
	if o == nil {
		return false
	}
	n := len(*o)
	*o = slices.DeleteFunc(*o, func(f Field) bool { return f.Key == key })
	return len(*o) < n
}
