package asyncprocessor

import "go.opentelemetry.io/otel/trace"

// spanIndex finds, in one trace, the latest item of a span of which anything is held or that is
// tracked. Most traces have few such spans at a time, which are looked through; more are in a map.
type spanIndex struct {
	few  []*item
	many map[trace.SpanID]*item
}

// maxFew is the number of spans up to which looking through them costs less than a map.
const maxFew = 12

func (x *spanIndex) empty() bool { return len(x.few)+len(x.many) == 0 }

// find returns the item of a span, nil if there is none.
func (x *spanIndex) find(id trace.SpanID) *item {
	if x.many != nil {
		return x.many[id]
	}
	for i := len(x.few) - 1; i >= 0; i-- { // the youngest ends first
		if x.few[i].key.span == id {
			return x.few[i]
		}
	}
	return nil
}

// set makes it the item of its span, in the place of old, which find returned.
func (x *spanIndex) set(it, old *item) {
	switch {
	case x.many != nil:
		x.many[it.key.span] = it
	case old != nil:
		x.few[x.indexOf(old)] = it
	case len(x.few) < maxFew:
		x.few = append(x.few, it)
	default:
		x.many = make(map[trace.SpanID]*item, 2*maxFew)
		for _, other := range x.few {
			x.many[other.key.span] = other
		}
		x.few = nil
		x.many[it.key.span] = it
	}
}

// remove removes it, unless another has taken its place.
func (x *spanIndex) remove(it *item) {
	if x.many != nil {
		if x.many[it.key.span] == it {
			delete(x.many, it.key.span)
		}
		return
	}
	if i := x.indexOf(it); i >= 0 {
		last := len(x.few) - 1
		copy(x.few[i:], x.few[i+1:])
		x.few[last] = nil
		x.few = x.few[:last]
	}
}

func (x *spanIndex) indexOf(it *item) int {
	for i, other := range x.few {
		if other == it {
			return i
		}
	}
	return -1
}

// each calls f with every item.
func (x *spanIndex) each(f func(*item)) {
	for _, it := range x.few {
		f(it)
	}
	for _, it := range x.many {
		f(it)
	}
}
