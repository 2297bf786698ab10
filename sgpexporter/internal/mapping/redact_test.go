package mapping

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// meaningful are the keys that the dialects have, and some that events with messages
// have.
func meaningful() []string {
	names := []string{"content", "role", "message", "tool_calls", "gen_ai.system", "sgp.metadata.other", "other"}
	for _, d := range dialects {
		for _, k := range d.keys {
			names = append(names, k.name)
		}
	}
	return names
}

// flattened are keys of one list, without its prefix.
var flattened = []string{
	"0", "0.0", "0.message", "0.message.role", "0.message.contents.0", "0.embedding.vector", "0x.y",
}

// holds reports whether out has what no output may have: the end of hunter, as it is
// or in base64, or the number 4242424242.
func holds(out []byte) bool {
	return bytes.Contains(out, []byte("unter")) || bytes.Contains(out, []byte("bnRlcg")) || bytes.Contains(out, []byte("4242424242"))
}

// prompts are values of all kinds that hold it.
var prompts = []attribute.Value{
	attribute.StringValue("hunter"),
	attribute.StringValue(`{"a":"hunter","usage":{"hunter":4242424242},"role":"hunter","content":["hunter"]}`),
	attribute.StringValue(`["hunter",{"a":["hunter"]}]`),
	attribute.StringValue(`{"a":"hunter`),
	attribute.Int64Value(4242424242),
	attribute.StringSliceValue([]string{"x", "hunter"}),
	attribute.ByteSliceValue([]byte("xhunter")),
	attribute.SliceValue(attribute.StringValue("hunter"), attribute.MapValue(attribute.String("a", "hunter"))),
	attribute.MapValue(attribute.String("a", "hunter"), attribute.String("content", "hunter"), attribute.Map("usage", attribute.Int64("n", 4242424242))),
}

// places put an attribute where a span can have one: on it alone; on it and on all
// that it has; on all that it has, where the mapping looks next; and on events that
// hold messages, which are only looked at when no other has any.
var places = map[string]func(s *stubType, kv attribute.KeyValue){
	"span": func(s *stubType, kv attribute.KeyValue) { s.Attributes = append(s.Attributes, kv) },
	"all": func(s *stubType, kv attribute.KeyValue) {
		s.Attributes = append(s.Attributes, kv)
		aroundSpan(s, kv)
	},
	"around": aroundSpan,
	"messages": func(s *stubType, kv attribute.KeyValue) {
		onEvents(s, kv, "gen_ai.user.message", "gen_ai.tool.message", "gen_ai.choice")
	},
}

func aroundSpan(s *stubType, kv attribute.KeyValue) {
	onEvents(s, kv, "gen_ai.client.inference.operation.details", "gen_ai.content.prompt", "gen_ai.user.message", "gen_ai.choice",
		"exception", "gen_ai.client.operation.exception", "event")
	s.Links = []sdktrace.Link{{Attributes: []attribute.KeyValue{kv}}}
	s.Resource = resource.NewSchemaless(kv)
	s.InstrumentationScope = instrumentation.Scope{Name: "s", Attributes: attribute.NewSet(kv)}
}

func onEvents(s *stubType, kv attribute.KeyValue, names ...string) {
	for _, name := range names {
		s.Events = append(s.Events, sdktrace.Event{Name: name, Attributes: []attribute.KeyValue{kv}})
	}
}

// companions are attributes that give others another place.
var companions = [][]attribute.KeyValue{
	{attribute.String("gen_ai.operation.name", "chat")},
	{attribute.String("gen_ai.operation.name", "search_memory"), attribute.String("input.mime_type", "application/xml")},
	{attribute.String("llm.prompts.0.prompt.text", "x"), attribute.String("output.mime_type", "application/json")},
}

// before are hooks that come before RedactKeys: one that opens every value, and one
// that rewrites every string.
var before = []Hook{
	func(s *sgpspan.Span) bool { open(s.Input); open(s.Output); open(s.Metadata); return true },
	sgpspan.RedactPatterns(regexp.MustCompile(`h(?P<keep>unter)`)),
}

func open(o sgpspan.Object) {
	for i := range o {
		openValue(&o[i].Value)
	}
}

func openValue(v *sgpspan.Value) {
	if fields := v.Object(); fields != nil {
		open(*fields)
	}
	if list := v.Array(); list != nil {
		for i := range *list {
			openValue(&(*list)[i])
		}
	}
}

// RedactKeys reaches what an attribute became, whatever its key, its value and its
// place.
func TestRedactKeysReachesEveryAttribute(t *testing.T) {
	for _, key := range meaningful() {
		for place := range places {
			testRedactKeys(t, key, key, place)
		}
		testRedactKeys(t, key, strings.ToUpper(key[:len(key)-2])+"*", "messages")
	}
	for _, list := range listTable {
		for _, rest := range flattened {
			testRedactKeys(t, list.prefix+rest, list.prefix+rest, "span")
		}
		testRedactKeys(t, list.prefix+"0", list.prefix+"*", "span")
	}
}

func testRedactKeys(t *testing.T, key, pattern, place string) {
	for _, value := range prompts {
		s := stub()
		s.Status = sdktrace.Status{Code: codes.Error}
		places[place](&s, attribute.KeyValue{Key: attribute.Key(key), Value: value})
		out, _, err := New(Config{}).Append(nil, end(s))
		require.NoError(t, err)
		require.True(t, holds(out), "%s on %s is nowhere", key, place)

		check := func(hooks ...Hook) {
			out, _, err := New(Config{Hooks: hooks}).Append(nil, end(s))
			require.NoError(t, err)
			if holds(out) {
				t.Fatalf("%q left %s on %s: %s", pattern, key, place, out)
			}
		}
		redact := sgpspan.RedactKeys(pattern)
		check(redact)
		for _, first := range before {
			check(first, redact)
		}
		own := len(s.Attributes)
		for _, with := range companions {
			s.Attributes = append(s.Attributes[:own:own], with...)
			check(redact)
		}
	}
}

// A message in an event is known by the event's name too.
func TestRedactKeysKnowsAMessageByItsEvent(t *testing.T) {
	s := stub()
	onEvents(&s, attribute.String("gen_ai.event.content", `{"content":"hunter"}`), "gen_ai.user.message")
	onEvents(&s, attribute.String("content", "sunny"), "gen_ai.tool.message")
	onEvents(&s, attribute.String("gen_ai.event.content", "hunter"), "gen_ai.choice")
	got := item(t, Config{Hooks: []Hook{sgpspan.RedactKeys("gen_ai.user.*", "gen_ai.choice")}}, end(s))
	requireJSON(t, `{"messages":["[REDACTED]",{"role":"tool","content":"sunny"}]}`, got["input"])
	requireJSON(t, `{"messages":["[REDACTED]"]}`, got["output"])
}

// RedactContent reaches all content, whatever its key, its value and its place.
func TestRedactContentReachesEveryAttribute(t *testing.T) {
	var keys []string
	for _, d := range dialects {
		for _, k := range d.keys {
			switch k.role {
			case rolePayload, roleContent, roleExpected:
				keys = append(keys, k.name)
			}
		}
	}
	require.Greater(t, len(keys), 40)
	for _, list := range listTable {
		item := "0"
		if list.item != "" {
			item += "." + list.item
		}
		keys = append(keys, list.prefix+item+".content"+list.suffix)
	}
	for _, key := range keys {
		for _, place := range []string{"span", "all", "around", "messages"} {
			for _, value := range prompts {
				for _, more := range [][]attribute.KeyValue{nil, {attribute.String("sgp.input", "x"), attribute.String("sgp.output", "x")}} {
					s := stub(more...)
					places[place](&s, attribute.KeyValue{Key: attribute.Key(key), Value: value})
					s.Resource, s.InstrumentationScope = nil, instrumentation.Scope{} // of no call of a model
					for _, in := range []*Input{start(s), end(s)} {
						out, _, err := New(Config{WithoutContent: true}).Append(nil, in)
						require.NoError(t, err)
						require.False(t, holds(out), "%s on %s: %s", key, place, out)
					}
				}
			}
		}
	}
}

// Parameters of a call stay, unless a system instruction is among them.
func TestRedactContentOfParameters(t *testing.T) {
	for text, want := range map[string]string{
		`{"model":"m","temperature":0.2}`:                             `{"model":"m","temperature":0.2}`,
		`{"model":"m","instructions":"Be kind"}`:                      "[REDACTED]",
		`{"model":"m","systemInstruction":{"parts":[{"text":"hi"}]}}`: "[REDACTED]",
	} {
		got := item(t, Config{WithoutContent: true}, end(stub(attribute.String("braintrust.metadata", text))))
		assert.Equal(t, want, at(got, "metadata", "attributes", "braintrust.metadata"))
	}
}

// Content is redacted also where it was lifted to, and in evaluations.
func TestRedactContentOfTheMetadata(t *testing.T) {
	s := stub(attribute.String("sgp.input", "x"), attribute.String("sgp.output", "x"), attribute.String("gen_ai.event.content", "hunter"))
	s.Events = []sdktrace.Event{{Name: "gen_ai.evaluation.result", Attributes: []attribute.KeyValue{
		attribute.String("gen_ai.evaluation.name", "Relevance"), attribute.String("gen_ai.evaluation.explanation", "hunter"),
	}}}
	cfg := Config{MetadataAttributes: []string{"gen_ai.event.content"}}
	metadata := item(t, cfg, end(s))["metadata"]
	assert.Equal(t, "hunter", at(metadata, "gen_ai_event_content"))
	requireJSON(t, `[{"name":"Relevance","explanation":"hunter"}]`, at(metadata, "evaluations"))

	cfg.WithoutContent = true
	metadata = item(t, cfg, end(s))["metadata"]
	assert.Equal(t, "[REDACTED]", at(metadata, "gen_ai_event_content"))
	requireJSON(t, `[{"name":"Relevance","explanation":"[REDACTED]"}]`, at(metadata, "evaluations"))
}
