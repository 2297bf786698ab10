package mapping

import (
	"slices"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// fewAttributes is the length up to which comparing keys costs less than a map.
const fewAttributes = 32

// distinct returns attrs with the last of each key. The SDK sees to that for a span's
// own attributes, but whoever wraps its span may not, and it does not for those of
// events and links. attrs is not changed.
func distinct(attrs []attribute.KeyValue) []attribute.KeyValue {
	if !repeats(attrs) {
		return attrs
	}
	last := make(map[attribute.Key]int, len(attrs))
	for i := range attrs {
		last[attrs[i].Key] = i
	}
	kept := make([]attribute.KeyValue, 0, len(last))
	for i := range attrs {
		if last[attrs[i].Key] == i {
			kept = append(kept, attrs[i])
		}
	}
	return kept
}

// repeats reports whether a key is there twice.
func repeats(attrs []attribute.KeyValue) bool {
	if len(attrs) > fewAttributes {
		seen := make(map[attribute.Key]struct{}, len(attrs))
		for i := range attrs {
			seen[attrs[i].Key] = struct{}{}
		}
		return len(seen) < len(attrs)
	}
	var seen uint64 // a bit for each key before, which others may share
	for i := range attrs {
		bit := bitOf(string(attrs[i].Key))
		if seen&bit != 0 && hasKey(attrs[:i], attrs[i].Key) {
			return true
		}
		seen |= bit
	}
	return false
}

// bitOf returns one of 64 bits by a key's length and its end, which keys differ in
// most.
func bitOf(key string) uint64 {
	if key == "" {
		return 1
	}
	return 1 << ((7*len(key) + int(key[len(key)-1])) % 64)
}

func hasKey(attrs []attribute.KeyValue, key attribute.Key) bool {
	for i := range attrs {
		if attrs[i].Key == key {
			return true
		}
	}
	return false
}

// distinctEvents returns events whose attributes are distinct. events is not
// changed.
func distinctEvents(events []sdktrace.Event) []sdktrace.Event {
	kept := events
	for i := range events {
		attrs := distinct(events[i].Attributes)
		if len(attrs) == len(events[i].Attributes) {
			continue
		}
		if len(kept) > 0 && &kept[0] == &events[0] {
			kept = slices.Clone(events)
		}
		kept[i].Attributes = attrs
	}
	return kept
}
