package sgpspan

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
)

func TestRedactContent(t *testing.T) {
	s := testSpan()
	s.Input = Object{{Key: "messages", Value: mustJSON(t, `[{"content":"hunter2"}]`)}}
	s.Output = Object{{Key: "value", Value: StringValue("hunter2")}, {Key: "usage", Value: mustJSON(t, `{"input_tokens":1}`)}}
	s.Expected = Object{{Key: "value", Value: StringValue("hunter2")}}
	attrs := Object{
		{Key: "gen_ai.prompt", Content: true, Value: AttributeValue(attribute.MapValue(attribute.String("a", "hunter2")))},
		{Key: "gen_ai.request.model", Value: StringValue("m")},
	}
	event := Object{{Key: "name", Value: StringValue("gen_ai.user.message")}, {Key: "attributes", Value: ObjectValue(&Object{{Key: "content", Content: true, Value: StringValue("hunter2")}})}}
	s.Metadata = Object{{Key: "attributes", Value: ObjectValue(&attrs)}, {Key: "events", Value: ArrayValue(&Array{ObjectValue(&event)})}}
	require.True(t, RedactContent()(s))
	got := encoded(t, Encoder{}, s)
	assert.Equal(t, map[string]any{"value": "[REDACTED]"}, got["input"])
	assert.Equal(t, map[string]any{"value": "[REDACTED]", "usage": map[string]any{"input_tokens": decode(t, "1")}}, got["output"])
	assert.Equal(t, map[string]any{"value": "[REDACTED]"}, got["expected"])
	assert.Equal(t, map[string]any{
		"attributes": map[string]any{"gen_ai.prompt": "[REDACTED]", "gen_ai.request.model": "m"},
		"events":     []any{map[string]any{"name": "gen_ai.user.message", "attributes": map[string]any{"content": "[REDACTED]"}}},
	}, got["metadata"])
}

func TestRedactContentKeepsCountsAlone(t *testing.T) {
	for text, want := range map[string]any{
		`{"input_tokens":1}`:      map[string]any{"usage": map[string]any{"input_tokens": "1"}},
		`{"input_tokens":"x"}`:    map[string]any{"value": "[REDACTED]"},
		`"go vet [packages]"`:     map[string]any{"value": "[REDACTED]"},
		`{"a":{"text":"hunter"}}`: map[string]any{"value": "[REDACTED]"},
	} {
		s := testSpan()
		s.Output = Object{{Key: "usage", Value: mustJSON(t, text)}}
		RedactContent()(s)
		got := encoded(t, Encoder{}, s)["output"]
		if usage, ok := got.(map[string]any)["usage"].(map[string]any); ok {
			usage["input_tokens"] = "1"
		}
		assert.Equal(t, want, got, text)
	}
	s := testSpan()
	s.Input = Object{}
	RedactContent()(s)
	assert.Equal(t, Object{}, s.Input)
	assert.Nil(t, s.Output)
}
