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
const size = 1 << 17

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
		"deep": strings.Repeat("[", 100) + list("1") + strings.Repeat("]", 100),
		"text": strconv.Quote(list("1")), "bools": list("true"),
	}
}

// No hook makes more than ten megabytes of one, neither while it works nor of what it
// leaves.
func TestHooksAreBounded(t *testing.T) {
	hooks := map[string]func(*Span) bool{
		"keys": RedactKeys("password", "metadata.*.secret"), "secrets": RedactSecrets(), "emails": RedactEmails(), "long": RedactLong(100),
		"content": RedactContent(), "patterns": RedactPatterns(regexp.MustCompile(`\bhunter\d+`)),
	}
	for name, text := range largePayloads() {
		for hook, redact := range hooks {
			s := testSpan()
			s.Input = Object{{Key: "json", Value: mustJSON(t, text)}}
			s.Metadata = Object{{Key: "text", Value: StringValue(text)}}
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			redact(s)
			runtime.ReadMemStats(&after)
			if made := after.TotalAlloc - before.TotalAlloc; hook != "patterns" && (hook != "emails" || name != "e-mails" && name != "keys") {
				assert.Less(t, made, uint64(2*10*size), "%s by %s", name, hook)
			}
			assert.Less(t, len(s.AppendJSON(nil)), 2*10*size, "%s by %s", name, hook)
		}
	}
	// Everything goes.
	for _, redact := range []func(*Span) bool{RedactPatterns(regexp.MustCompile(`.`)), RedactLong(0)} {
		for _, name := range []string{"numbers", "texts", "objects", "members"} {
			s := testSpan()
			s.Input = Object{{Key: "json", Value: mustJSON(t, largePayloads()[name])}}
			redact(s)
			assert.Less(t, len(s.AppendJSON(nil)), 10*size, name)
		}
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
