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
		s.Input, s.Expected = redacted(s.Input), redacted(s.Expected)
		s.Output = countsOf(s.Output)
		redactMarked(s.Metadata, 0)
		return true
	}
}

func redacted(o Object) Object {
	if len(o) == 0 {
		return o
	}
	return Object{{Key: valueKey, Value: StringValue(Redacted)}}
}

// countsOf returns what is left of an output.
func countsOf(o Object) Object {
	if len(o) == 0 {
		return o
	}
	kept := redacted(o)
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

// isCounts reports whether v is an object of numbers that SGP bills.
func isCounts(v *Value) bool {
	o := v.Object()
	if o == nil {
		return false
	}
	for i := range *o {
		f := &(*o)[i]
		if k := f.Value.Kind(); k != KindInt && k != KindFloat || !isBilled(f.Key) {
			return false
		}
	}
	return true
}

func isBilled(key string) bool {
	switch key {
	case "input_tokens", "prompt_tokens", "output_tokens", "completion_tokens", "cached_input_tokens", "cached_tokens",
		"reasoning_tokens", "total_tokens", "cost_usd":
		return true
	}
	return false
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
