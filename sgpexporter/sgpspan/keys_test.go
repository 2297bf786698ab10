package sgpspan

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
)

// Two keys of an object stay two, whatever a repair makes of them.
func TestRepairedKeysStayApart(t *testing.T) {
	long := strings.Repeat("k", 300)
	s := testSpan()
	s.Input = Object{{Key: "a\xff", Value: IntValue(1)}, {Key: "a\xfe", Value: IntValue(2)}, {Key: "a\x00", Value: IntValue(3)}, {Key: "a\uFFFD", Value: IntValue(4)}}
	s.Output = Object{{Key: "map", Value: AttributeValue(attribute.MapValue(attribute.Int("a\xff", 1), attribute.Int("a\xfe", 2)))}}
	s.Metadata = Object{{Key: long + "a", Value: IntValue(1)}, {Key: long + "b", Value: IntValue(2)}}
	got := encoded(t, Encoder{MaxStringBytes: 100}, s)
	n := func(text string) any { return decode(t, text) }
	assert.Equal(t, map[string]any{"a\uFFFD~8dd06b5ab6b59425": n("1"), "a\uFFFD~f6fabf9c378f8de9": n("2"), "a\uFFFD~ffe9aaeaa2a2d504": n("3"), "a\uFFFD": n("4")}, got["input"])
	assert.Equal(t, map[string]any{"a\uFFFD~8dd06b5ab6b59425": n("1"), "a\uFFFD~f6fabf9c378f8de9": n("2")}, got["output"].(map[string]any)["map"])
	metadata := got["metadata"].(map[string]any)
	delete(metadata, NotesKey)
	assert.Equal(t, map[string]any{strings.Repeat("k", 239) + "~9d9d3780b5275dbb": n("1"), strings.Repeat("k", 239) + "~be55b8e1ed677d9a": n("2")}, metadata)
}

// They stay two when they are redacted, too, in all that can hold them, and when that
// happens twice.
func TestRedactedKeysStayApart(t *testing.T) {
	s := testSpan()
	s.Input = Object{
		{Key: "a@b.co", Value: IntValue(1)}, {Key: "[REDACTED]", Value: IntValue(2)}, {Key: "c@d.co", Value: IntValue(3)}, {Key: "key e", Value: IntValue(4)},
	}
	s.Output = Object{
		{Key: "raw", Value: mustJSON(t, `{"a@b.co":1,"c@d.co":[{"x@y.co":1}],"[REDACTED]~2":3}`)},
		{Key: "map", Value: AttributeValue(attribute.MapValue(attribute.Int("a@b.co", 1), attribute.Int("c@d.co", 2)))},
	}
	RedactEmails()(s)
	RedactPatterns(regexp.MustCompile(`key .`))(s)
	got := encoded(t, Encoder{}, s)
	n := func(text string) any { return decode(t, text) }
	assert.Equal(t, map[string]any{"[REDACTED]": n("2"), "[REDACTED]~2": n("1"), "[REDACTED]~3": n("3"), "[REDACTED]~4": n("4")}, got["input"])
	assert.Equal(t, map[string]any{
		"raw": map[string]any{"[REDACTED]": n("1"), "[REDACTED]~3": []any{map[string]any{"[REDACTED]": n("1")}}, "[REDACTED]~2": n("3")},
		"map": map[string]any{"[REDACTED]": n("1"), "[REDACTED]~2": n("2")},
	}, got["output"])
}
