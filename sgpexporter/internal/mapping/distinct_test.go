package mapping

import (
	"strconv"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// The last of each key counts, wherever attributes are.
func TestLastOfEachKeyCounts(t *testing.T) {
	twice := []attribute.KeyValue{
		attribute.Int("a", 1), attribute.Int("", 2), attribute.Map("m", attribute.Int("x", 1), attribute.Int("y", 2), attribute.Int("x", 3)),
		attribute.Int("a", 4), attribute.Int("b", 5), attribute.Int("", 6), attribute.Int("a", 7),
	}
	const once = `{"m":{"x":3,"y":2},"b":5,"":6,"a":7}`
	s := stub(twice...)
	s.Events = []sdktrace.Event{
		{Name: "one", Time: testStart, Attributes: []attribute.KeyValue{attribute.Int("a", 1)}},
		{Name: "two", Time: testStart, Attributes: twice},
		{Name: "three", Time: testStart, Attributes: twice[3:]},
	}
	s.Links = []sdktrace.Link{{SpanContext: s.SpanContext, Attributes: twice}}
	for name, hooks := range map[string][]Hook{
		"": nil, "opened": {func(s *sgpspan.Span) bool { open(s.Metadata); return true }},
	} {
		got := item(t, Config{Hooks: hooks}, end(s))
		requireJSON(t, once, at(got, "metadata", "attributes"))
		events := at(got, "metadata", "events").([]any)
		requireJSON(t, `{"a":1}`, at(events[0], "attributes"))
		requireJSON(t, once, at(events[1], "attributes"))
		requireJSON(t, `{"b":5,"":6,"a":7}`, at(events[2], "attributes"))
		requireJSON(t, once, at(at(got, "metadata", "links").([]any)[0], "attributes"))
		assert.EqualValues(t, 1, s.Events[1].Attributes[0].Value.AsInt64(), "what is the SDK's was changed: %s", name)
	}
}

func TestLastOfEachKeyCountsInMessages(t *testing.T) {
	s := stub()
	s.Events = []sdktrace.Event{
		{Name: "gen_ai.user.message", Attributes: []attribute.KeyValue{attribute.String("content", "no"), attribute.String("content", "yes")}},
		{Name: "gen_ai.content.completion", Attributes: []attribute.KeyValue{attribute.String("gen_ai.completion", "no"), attribute.String("gen_ai.completion", "yes")}},
	}
	got := item(t, Config{}, end(s))
	requireJSON(t, `{"messages":[{"role":"user","content":"yes"}]}`, got["input"])
	requireJSON(t, `{"completion":"yes"}`, got["output"])
	for _, event := range at(got, "metadata", "events").([]any) {
		assert.Nil(t, at(event, "attributes"))
	}
}

func TestLastOfEachKeyCountsInLongLists(t *testing.T) {
	for _, n := range []int{31, 32, 33, 1000} {
		attrs := []attribute.KeyValue{attribute.Int("k5", -1)}
		for i := range n - 1 {
			attrs = append(attrs, attribute.Int("k"+strconv.Itoa(i), i))
		}
		got := distinct(attrs)
		require.Len(t, got, n-1)
		assert.Equal(t, attrs[1:], got)
		assert.Same(t, &attrs[1], &distinct(attrs[1:])[0], "nothing to copy")
	}
}
