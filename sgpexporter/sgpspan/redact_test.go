package sgpspan

import (
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
)

const secret = "hunter2@example.com"

// spanWithSecrets holds the secret in every place where payload can be.
func spanWithSecrets(t testing.TB) *Span {
	s := testSpan()
	s.Name = "ask " + secret
	s.GroupID, s.GroupSource = secret, "session.id"
	s.Notes = []string{"about " + secret}
	s.ApplicationVariantID, s.ApplicationInteractionID = secret, "of "+secret
	s.Expected = Object{{Key: "value", Value: StringValue(secret)}}
	s.Input = Object{
		{Key: "messages", Source: "gen_ai.input.messages", Value: mustJSON(t, `[{"role":"user","content":"I am hunter2\u0040example.com"}]`)},
		{Key: "text in JSON", Value: StringValue(`  {"inner": ["` + secret + `"], "again": "{\"deep\":\"` + secret + `\"}"}`)},
		{Key: secret, Value: IntValue(1)},
	}
	s.Output = Object{
		{Key: "map", Value: AttributeValue(attribute.MapValue(attribute.Map("a", attribute.String("b", secret)), attribute.Int(secret, 1)))},
		{Key: "slice", Value: AttributeValue(attribute.SliceValue(attribute.StringValue(secret)))},
		{Key: "strings", Value: AttributeValue(attribute.StringSliceValue([]string{"x", secret}))},
		{Key: "bytes", Value: AttributeValue(attribute.ByteSliceValue([]byte("bytes of " + secret)))},
	}
	attrs := Object{{Key: "url.full", Value: StringValue("https://example.com/?u=" + secret)}, {Key: "n", Value: IntValue(4242)}}
	event := Object{{Key: "name", Value: StringValue("exception " + secret)}, {Key: "attributes", Value: ObjectValue(&Object{{Key: "exception.message", Value: StringValue(secret)}})}}
	link := Object{{Key: "attributes", Value: ObjectValue(&Object{{Key: "l", Value: StringValue(secret)}})}}
	s.Metadata = Object{
		{Key: "error_message", Source: "otel.status_description", Value: StringValue("no user " + secret)},
		{Key: "attributes", Value: ObjectValue(&attrs)},
		{Key: "events", Value: ArrayValue(&Array{ObjectValue(&event)})},
		{Key: "links", Value: ArrayValue(&Array{ObjectValue(&link)})},
		{Key: "resource", Value: mustJSON(t, `{"attributes":{"owner":"`+secret+`"}}`)},
	}
	return s
}

func TestRedactionReachesEverything(t *testing.T) {
	for name, hook := range map[string]func(*Span) bool{
		"e-mail":   RedactEmails(),
		"patterns": RedactPatterns(regexp.MustCompile(`nothing`), regexp.MustCompile(`hunter2@[a-z.]+`)),
	} {
		t.Run(name, func(t *testing.T) { testRedactionReachesEverything(t, hook) })
	}
}

func testRedactionReachesEverything(t *testing.T, hook func(*Span) bool) {
	s := spanWithSecrets(t)
	require.True(t, hook(s))
	out := string(s.AppendJSON(nil))
	assert.NotContains(t, out, "hunter2")
	got := decode(t, out).(map[string]any)
	assert.Equal(t, "ask [REDACTED]", got["name"])
	// A hash keeps groups apart: sha256("hunter2@example.com").
	assert.Equal(t, "[REDACTED]~0769144fc39ec741", got["group_id"])
	assert.Equal(t, "[REDACTED]~0769144fc39ec741", got["application_variant_id"])
	assert.Equal(t, map[string]any{"value": "[REDACTED]"}, got["expected"])
	assert.Equal(t, map[string]any{
		"messages":     []any{map[string]any{"role": "user", "content": "I am [REDACTED]"}},
		"text in JSON": `{"inner": ["[REDACTED]"], "again": "{\"deep\":\"[REDACTED]\"}"}`,
		"[REDACTED]":   decode(t, "1"),
	}, got["input"])
	assert.Equal(t, map[string]any{
		"map":     map[string]any{"a": map[string]any{"b": "[REDACTED]"}, "[REDACTED]": decode(t, "1")},
		"slice":   []any{"[REDACTED]"},
		"strings": []any{"x", "[REDACTED]"},
		"bytes":   "bytes of [REDACTED]",
	}, got["output"])
	assert.Equal(t, map[string]any{
		"error_message": "no user [REDACTED]",
		"attributes":    map[string]any{"url.full": "https://example.com/?u=[REDACTED]", "n": decode(t, "4242")},
		"events":        []any{map[string]any{"name": "exception [REDACTED]", "attributes": map[string]any{"exception.message": "[REDACTED]"}}},
		"links":         []any{map[string]any{"attributes": map[string]any{"l": "[REDACTED]"}}},
		"resource":      map[string]any{"attributes": map[string]any{"owner": "[REDACTED]"}},
		NotesKey:        []any{"about [REDACTED]"},
	}, got["metadata"])
}

func TestRedactionLeavesTheRestAsItWas(t *testing.T) {
	s := testSpan()
	s.GroupID = "group"
	s.Input = Object{{Key: "a", Value: mustJSON(t, `{"b": [1, 2.50, "x"]}`)}, {Key: "b", Value: StringValue(`{"c": 1 }`)}}
	want := string(s.AppendJSON(nil))
	require.True(t, RedactEmails()(s))
	require.True(t, RedactSecrets()(s))
	require.True(t, RedactPatterns(regexp.MustCompile("hunter2"))(s))
	assert.Equal(t, want, string(s.AppendJSON(nil)))
}

func TestRedactEmails(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{"jürgen.o'neill+x@mail.bücher.example, now", "[REDACTED], now"},
		{"<a@b.co>; c@d.org.", "<[REDACTED]>; [REDACTED]."},
		{"to='a@b.co'", "to='[REDACTED]'"},
		{"a@b.co@c.de", "[REDACTED]@c.de"},
		{"name%tag@EXAMPLE.com/path", "[REDACTED]/path"},
		{"a@b, @handle.com, x@, user@host, 3 @ 4.50, @", "a@b, @handle.com, x@, user@host, 3 @ 4.50, @"},
		{"\xffa@b.co\xff", "\xff[REDACTED]\xff"},
	} {
		s := testSpan()
		s.Name = tc.in
		RedactEmails()(s)
		assert.Equal(t, tc.want, s.Name)
	}
}

func TestRedactPatternsOfOnesOwn(t *testing.T) {
	s := testSpan()
	s.Input = Object{
		{Key: "card", Value: IntValue(4111111111111111)},
		{Key: "raw", Value: mustJSON(t, `{"n":4111111111111111,"m":[1.5]}`)},
		{Key: "numbers", Value: AttributeValue(attribute.Int64SliceValue([]int64{1, 4111111111111111}))},
		{Key: "float", Value: FloatValue(4111111111111111)},
	}
	RedactPatterns(regexp.MustCompile(`(?P<keep>\b4)\d{15}\b`))(s)
	assert.Equal(t, map[string]any{
		"card": "4[REDACTED]", "raw": map[string]any{"n": "4[REDACTED]", "m": []any{decode(t, "1.5")}},
		"numbers": []any{decode(t, "1"), "4[REDACTED]"}, "float": "4[REDACTED]",
	}, encoded(t, Encoder{}, s)["input"])
}

func TestRedactKeys(t *testing.T) {
	for _, tc := range []struct {
		name     string
		patterns []string
		gone     []string // of the keys below
	}{
		{"exact", []string{"user.email"}, []string{"user.email"}},
		{"any case", []string{"USER.Email"}, []string{"user.email"}},
		{"glob", []string{"user.*"}, []string{"user.email", "user.id"}},
		{"one character", []string{"user.i?"}, []string{"user.id"}},
		{"several", []string{"user.id", "pass*"}, []string{"user.id", "password in JSON text", "password in a string", "password in a map"}},
		{"source", []string{"gen_ai.*.messages"}, []string{"messages"}},
		{"path", []string{"metadata.attributes.user.id"}, []string{"user.id"}},
		{"nothing", []string{"user"}, nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := testSpan()
			s.Input = Object{
				{Key: "messages", Source: "gen_ai.input.messages", Value: StringValue("messages-")},
				{Key: "raw", Value: mustJSON(t, `[{"password":"password in JSON text-"}]`)},
				{Key: "text", Value: StringValue(`{"a":{"password":"password in a string-"}}`)},
			}
			s.Metadata = Object{{Key: "attributes", Value: ObjectValue(&Object{
				{Key: "user.email", Value: StringValue("user.email-")},
				{Key: "user.id", Value: StringValue("user.id-")},
				{Key: "m", Value: AttributeValue(attribute.MapValue(attribute.String("password", "password in a map-")))},
			})}}
			require.True(t, RedactKeys(tc.patterns...)(s))
			out := string(s.AppendJSON(nil))
			all := []string{"messages", "password in JSON text", "password in a string", "user.email", "user.id", "password in a map"}
			for _, value := range all {
				if contains(tc.gone, value) {
					assert.NotContains(t, out, value+"-")
				} else {
					assert.Contains(t, out, value+"-")
				}
			}
			assert.Equal(t, len(tc.gone), strings.Count(out, "[REDACTED]"))
		})
	}
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

func TestRedactKeysOfGroupAndRoots(t *testing.T) {
	for pattern, want := range map[string]string{
		"session.id": "", "group_id": "", "session": "group",
	} {
		s := testSpan()
		s.GroupID, s.GroupSource = "group", "session.id"
		RedactKeys(pattern)(s)
		assert.Equal(t, want, s.GroupID, pattern)
	}
	s := testSpan()
	s.Input, s.Output = Object{{Key: "a", Value: IntValue(1)}}, Object{{Key: "b", Value: IntValue(2)}}
	RedactKeys("input", "metadata")(s)
	assert.Equal(t, Object{{Key: "value", Value: StringValue("[REDACTED]")}}, s.Input)
	assert.Equal(t, Object{{Key: "b", Value: IntValue(2)}}, s.Output)
	assert.Nil(t, s.Metadata)
}

// A value is known by its source when it stands in an array, when it was opened,
// and when a hook before has rewritten it; a field still is when its key was.
func TestRedactKeysBySource(t *testing.T) {
	messages := Array{
		StringValue("hunter2").WithSource("llm.prompts.0"), mustJSON(t, `{"a":"hunter2"}`).WithSource("llm.prompts.1"),
		mustJSON(t, `["hunter2"]`).WithSource("llm.prompts.2"), AttributeValue(attribute.StringSliceValue([]string{"hunter2"})).WithSource("llm.prompts.3"),
		AttributeValue(attribute.MapValue(attribute.String("a", "hunter2"))).WithSource("llm.prompts.4"), StringValue("stays").WithSource("llm.tools.0"),
	}
	messages[1].Object()
	messages[4].Object()
	messages[2].Array()
	messages[3].Array()
	s := testSpan()
	s.Input = Object{{Key: "messages", Value: ArrayValue(&messages)}}
	s.Metadata = Object{{Key: "a long key of the application", Value: StringValue("hunter2")}}
	RedactPatterns(regexp.MustCompile(`(?P<keep>hunter2)`))(s)
	RedactLong(21)(s)
	RedactKeys("llm.prompts.*", "a long key of the application")(s)
	got := encoded(t, Encoder{}, s)
	assert.Equal(t, map[string]any{"messages": []any{"[REDACTED]", "[REDACTED]", "[REDACTED]", "[REDACTED]", "[REDACTED]", "stays"}}, got["input"])
	assert.Equal(t, map[string]any{"a long key of the app[REDACTED, had 29 bytes]": "[REDACTED]"}, got["metadata"])

	var none *Value
	assert.Equal(t, " llm.tools.0", none.Source()+" "+messages[5].Source())
}

func TestMatchGlob(t *testing.T) {
	for _, tc := range []struct {
		glob, name string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "abc", true}, {"a*c", "abbc", true}, {"a*c", "abbd", false},
		{"*b*", "abc", true}, {"a?c", "abc", true}, {"a?c", "ac", false}, {"**", "x", true}, {"abc", "abcd", false},
		{"*ab*ab", "abab", true}, {"*ab*ab", "ab", false}, {"a*b*c", "axxbyyc", true}, {"abcd", "abc", false},
	} {
		assert.Equal(t, tc.want, matchGlob(tc.glob, tc.name), "%q %q", tc.glob, tc.name)
	}
}

func TestRedactLong(t *testing.T) {
	s := testSpan()
	s.Name = "0123456789é"
	s.Input = Object{
		{Key: "a", Value: StringValue("0123456789é")},
		{Key: "b", Value: mustJSON(t, `["0123456789","01234567890"]`)},
		{Key: "c", Value: AttributeValue(attribute.ByteSliceValue([]byte("01234567890")))},
		{Key: "d", Value: AttributeValue(attribute.ByteSliceValue([]byte("0123456789")))},
		{Key: "e", Value: IntValue(12345678901)},
		{Key: "a key of some length", Value: IntValue(1)},
	}
	require.True(t, RedactLong(10)(s))
	assert.Equal(t, "0123456789[REDACTED, had 12 bytes]", s.Name)
	assert.Equal(t, map[string]any{
		"a":                                  "0123456789[REDACTED, had 12 bytes]",
		"b":                                  []any{"0123456789", "0123456789[REDACTED, had 11 bytes]"},
		"c":                                  "[REDACTED, had 11 bytes]",
		"d":                                  "MDEyMzQ1Njc4OQ==",
		"e":                                  decode(t, "12345678901"),
		"a key of s[REDACTED, had 20 bytes]": decode(t, "1"),
	}, encoded(t, Encoder{}, s)["input"])
}

func TestRedactorTakesOutWhatItCannotSee(t *testing.T) {
	attr := attribute.StringValue(secret)
	for range 200 {
		attr = attribute.SliceValue(attr)
	}
	s := testSpan()
	s.Input = Object{{Key: "a", Value: AttributeValue(attr)}}
	RedactEmails()(s)
	out := string(Encoder{MaxDepth: 128}.AppendJSON(nil, s))
	assert.NotContains(t, out, "hunter2")
	assert.Contains(t, out, "[nested too deep]")
}
