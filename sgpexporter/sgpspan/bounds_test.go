package sgpspan

import (
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"go.opentelemetry.io/otel/attribute"
)

// size is that of the JSON, in bytes: what holds for it holds for a megabyte.
const size = 1 << 16

// largePayloads are JSON of somebody's.
func largePayloads() map[string]string {
	list := func(element string) string {
		return "[" + strings.Repeat(element+",", size/(len(element)+1)) + element + "]"
	}
	var object, keys strings.Builder
	for i := 0; object.Len() < size; i++ {
		object.WriteString(`,"k` + strconv.Itoa(i) + `":1`)
	}
	for i := 0; keys.Len() < size; i++ {
		keys.WriteString(`,"a` + strconv.Itoa(i) + `@b.co":1`)
	}
	return map[string]string{
		"numbers": list("1"), "texts": list(`"x"`), "lists": list("[1]"), "objects": list(`{"a":1}`), "e-mails": list(`"a@b.co"`),
		"members": "{" + object.String()[1:] + "}", "keys": "{" + keys.String()[1:] + "}",
		"deep": strings.Repeat("[", 100) + list("1") + strings.Repeat("]", 100), "nested": list(strings.Repeat(`{"a":`, 100) + "1" + strings.Repeat("}", 100)),
		"text": strconv.Quote(list("1")), "bools": list("true"),
	}
}

// places are where JSON of somebody's can stand.
var places = map[string]func(s *Span, text string, v Value){
	"JSON":           func(s *Span, _ string, v Value) { s.Input = Object{{Key: "json", Value: v}} },
	"under a secret": func(s *Span, _ string, v Value) { s.Output = Object{{Key: "password", Value: v}} },
	"text":           func(s *Span, text string, _ Value) { s.Metadata = Object{{Key: "text", Value: StringValue(text)}} },
}

// largest returns the most that a hook allocates, and leaves, of a byte of JSON. Under the
// race detector regular expressions allocate what they reuse otherwise: nothing is measured.
func largest(t *testing.T, payload string, hook func(*Span) bool) (made, left float64) {
	for _, put := range places {
		s := testSpan()
		put(s, payload, mustJSON(t, payload))
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		hook(s)
		runtime.ReadMemStats(&after)
		if !raceDetector {
			made = max(made, float64(after.TotalAlloc-before.TotalAlloc)/float64(len(payload)))
		}
		left = max(left, float64(len(s.AppendJSON(nil)))/float64(len(payload)))
	}
	return made, left
}

// No hook makes more than ten megabytes of one, neither while it works nor of what it
// leaves.
func TestHooksAreBounded(t *testing.T) {
	hooks := map[string]func(*Span) bool{
		"RedactKeys": RedactKeys("password", "metadata.*.secret"), "RedactSecrets": RedactSecrets(), "RedactEmails": RedactEmails(),
		"RedactLong": RedactLong(100), "RedactContent": RedactContent(), "RedactPatterns": RedactPatterns(regexp.MustCompile(`\bhunter\d+`)),
	}
	for name, payload := range largePayloads() {
		for hook, redact := range hooks {
			if hook == "RedactEmails" && name == "keys" {
				continue // see below
			}
			made, left := largest(t, payload, redact)
			assert.Less(t, made, 10.0, "%s by %s", name, hook)
			assert.Less(t, left, 2.1, "%s by %s", name, hook)
		}
	}
}

// Where all of it is redacted, the garbage of the regular expressions and of the texts
// in its place is more. It is let go of at once, and no more is left.
func TestHooksAreBoundedWhereAllIsRedacted(t *testing.T) {
	hooks := map[string]func(*Span) bool{
		"any character": RedactPatterns(regexp.MustCompile(`.`)), "digits": RedactPatterns(regexp.MustCompile(`\d`)),
		"kept": RedactPatterns(regexp.MustCompile(`(?P<keep>\d)`)), "e-mails": RedactEmails(), "any length": RedactLong(0), "any key": RedactKeys("*"),
	}
	for name, payload := range largePayloads() {
		for hook, redact := range hooks {
			made, left := largest(t, payload, redact)
			assert.Less(t, made, 30.0, "%s by %s", name, hook)
			assert.Less(t, left, 2.1, "%s by %s", name, hook)
		}
	}
}

// What would grow too much goes whole; what is short may grow as it will.
func TestHooksRedactWholeWhatTheyWouldInflate(t *testing.T) {
	numbers := func(n int) string { return "[1" + strings.Repeat(",1", n-1) + "]" }
	for _, tc := range []struct {
		name, text, want string
	}{
		{"short JSON", numbers(3), `{"json":["[REDACTED]","[REDACTED]","[REDACTED]"],"text":"[\"[REDACTED]\",\"[REDACTED]\",\"[REDACTED]\"]"}`},
		{"long JSON", numbers(1000), `{"json":"[REDACTED]","text":"[REDACTED]"}`},
	} {
		s := testSpan()
		s.Input = Object{{Key: "json", Value: mustJSON(t, tc.text)}, {Key: "text", Value: StringValue(tc.text)}}
		RedactPatterns(regexp.MustCompile(`\d`))(s)
		assert.Equal(t, decode(t, tc.want), encoded(t, Encoder{}, s)["input"], tc.name)
	}
	s := testSpan()
	s.Input = Object{
		{Key: "some", Value: StringValue(strings.Repeat("x", 300) + "1" + strings.Repeat("y", 10) + "22")},
		{Key: "many", Value: StringValue(strings.Repeat("1 ", 500))},
	}
	RedactPatterns(regexp.MustCompile(`(?P<keep>\b)?\d`))(s)
	assert.Equal(t, map[string]any{
		"some": strings.Repeat("x", 300) + "[REDACTED]" + strings.Repeat("y", 10) + "[REDACTED][REDACTED]", "many": "[REDACTED]",
	}, encoded(t, Encoder{}, s)["input"])
}

// Long slices of attributes under the name of a secret go whole, short ones by element.
func TestLongSlicesUnderSecretsGoWhole(t *testing.T) {
	for _, v := range []attribute.Value{
		attribute.Int64SliceValue(make([]int64, 1001)), attribute.Float64SliceValue(make([]float64, 1001)), attribute.StringSliceValue(make([]string, 1001)),
	} {
		s := testSpan()
		s.Input = Object{{Key: "password", Value: AttributeValue(v)}, {Key: "secret", Value: AttributeValue(attribute.Int64SliceValue([]int64{1, 2}))}}
		RedactSecrets()(s)
		assert.Equal(t, map[string]any{"password": "[REDACTED]", "secret": []any{"[REDACTED]", "[REDACTED]"}}, encoded(t, Encoder{}, s)["input"])
	}
}

// Long slices of attributes are not opened to see that nothing is in them.
func TestSlicesAreNotOpenedInVain(t *testing.T) {
	s := testSpan()
	s.Input = Object{
		{Key: "ints", Value: AttributeValue(attribute.Int64SliceValue(make([]int64, 10_000)))},
		{Key: "floats", Value: AttributeValue(attribute.Float64SliceValue(make([]float64, 10_000)))},
		{Key: "texts", Value: AttributeValue(attribute.StringSliceValue(make([]string, 10_000)))},
	}
	RedactSecrets()(s)
	for i := range s.Input {
		assert.Equal(t, formAttribute, s.Input[i].Value.form, s.Input[i].Key)
	}
}
