package sgpspan

// RedactContent returns a hook that replaces by [Redacted] what models were asked and
// have answered, in every dialect that the exporter knows, wherever it ends up: in
// Input, Output and Expected all but the counts of usage, and in Metadata each field
// that is marked as [Field.Content], whether it is of an attribute, of an event or of a
// log record.
//
// What says which models, tools and documents there were, how long it took and how it
// ended stays: names, ids, parameters, types and messages of errors, and keys of the
// application's own. For those there is [RedactKeys].
func RedactContent() func(*Span) bool {
	return func(s *Span) bool {
		s.Input = withoutContent(s.Input)
		s.Output = withoutContent(s.Output)
		s.Expected = withoutContent(s.Expected)
		redactMarked(s.Metadata, 0)
		return true
	}
}

// withoutContent returns what is left of a payload.
func withoutContent(o Object) Object {
	if len(o) == 0 {
		return o
	}
	kept := Object{{Key: valueKey, Value: StringValue(Redacted)}}
	for i := range o {
		if f := &o[i]; f.Key == "usage" && isCounts(&f.Value) {
			kept = append(kept, *f)
		}
	}
	if len(kept)-1 == len(o) {
		return kept[1:]
	}
	return kept
}

// isCounts reports whether v is an object of numbers.
func isCounts(v *Value) bool {
	o := v.Object()
	if o == nil {
		return false
	}
	for i := range *o {
		if k := (*o)[i].Value.Kind(); k != KindInt && k != KindFloat {
			return false
		}
	}
	return true
}

// redactMarked redacts the marked fields of o. Marks stand on objects and arrays that
// were built, never in what is still text or an attribute's value.
func redactMarked(o Object, depth int) {
	if depth > rewriteDepth {
		return
	}
	for i := range o {
		f := &o[i]
		if f.Content {
			f.Value.become(StringValue(Redacted))
			continue
		}
		redactMarkedValue(&f.Value, depth+1)
	}
}

func redactMarkedValue(v *Value, depth int) {
	switch v.form {
	case formObject:
		redactMarked(*v.object, depth)
	case formArray:
		for i := range *v.array {
			redactMarkedValue(&(*v.array)[i], depth+1)
		}
	}
}
