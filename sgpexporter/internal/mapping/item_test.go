package mapping

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

func TestItemNamesWhatIsSent(t *testing.T) {
	m := New(Config{Hooks: []Hook{sgpspan.RedactEmails(), func(s *sgpspan.Span) bool { return s.Name != "drop" }}})
	s := stub()
	s.Name = "mail to someone@example.com"
	s.Parent = spanContext(testTraceID, testParentID, true)
	out, got, err := m.Append([]byte("before"), end(s))
	require.NoError(t, err)
	json := string(out[len("before"):])
	assert.Equal(t, `,"parent_id":"53995c3f42cd8ad8"`, json[got.ParentFrom:got.ParentTo])
	assert.True(t, got.HasParent())
	got.ParentFrom, got.ParentTo = 0, 0
	assert.Equal(t, Item{
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", ID: "00f067aa0ba902b7", Name: "mail to [REDACTED]", Phase: PhaseEnd, HasRemoteParent: true,
	}, got)

	s = stub()
	s.Name = "drop"
	_, got, err = m.Append(nil, start(s))
	require.ErrorIs(t, err, ErrFiltered)
	assert.Equal(t, Item{TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", ID: "00f067aa0ba902b7", Phase: PhaseStart}, got)
}

func TestItemOutlivesTheMemoryOfTheMapping(t *testing.T) {
	w := New(Config{IDs: UUIDs}).Writer()
	defer w.Close()
	_, got, err := w.Append(nil, start(stub()))
	require.NoError(t, err)
	assert.False(t, got.HasParent())
	s := stub()
	s.SpanContext = spanContext(trace.TraceID{7}, trace.SpanID{7}, false)
	_, _, err = w.Append(nil, start(s))
	require.NoError(t, err)
	assert.Equal(t, uuidOfSpan, got.ID)
	assert.Equal(t, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", got.TraceID)
}

func TestItemWithoutParent(t *testing.T) {
	child := stub()
	child.Parent = spanContext(testTraceID, testParentID, false)
	noted := child
	noted.Attributes = []attribute.KeyValue{attribute.String("a", "\xff")}
	list := child
	list.Attributes = []attribute.KeyValue{attribute.StringSlice("a", []string{"x"})}
	const note = `"parent_id: left out, the server refused 53995c3f42cd8ad8"`
	for name, tc := range map[string]struct {
		in    *Input
		hooks []Hook
		notes string
	}{
		"plain":       {in: end(child), notes: `[` + note + `]`},
		"with notes":  {in: end(noted), notes: `["metadata.attributes.a: had NUL or bytes that are not UTF-8, replaced by U+FFFD",` + note + `]`},
		"with a list": {in: end(list), notes: `[` + note + `]`},
		"no parent":   {in: end(stub())},
		"no metadata": {in: end(child), hooks: []Hook{func(s *sgpspan.Span) bool { s.Metadata = nil; return true }}},
		"empty":       {in: end(child), hooks: []Hook{func(s *sgpspan.Span) bool { s.Metadata = sgpspan.Object{}; return true }}},
		"list at end": {in: end(child), notes: `[` + note + `]`, hooks: []Hook{func(s *sgpspan.Span) bool {
			s.Metadata = sgpspan.Object{{Key: "l", Value: sgpspan.AttributeValue(attribute.StringSliceValue([]string{"x"}))}}
			return true
		}}},
		"no id":         {in: end(child), notes: `[` + note + `]`, hooks: []Hook{func(s *sgpspan.Span) bool { s.ID = ""; return true }}},
		"escaped id":    {in: end(child), notes: `[` + note + `]`, hooks: []Hook{func(s *sgpspan.Span) bool { s.ID = `a"b\`; return true }}},
		"looks like it": {in: end(stub(attribute.String("a", `,"parent_id":"x"`)))},
	} {
		out, item, err := New(Config{Hooks: tc.hooks}).Append(nil, tc.in)
		require.NoError(t, err, name)
		cut := string(item.AppendWithoutParent([]byte("x"), out))
		require.Equal(t, "x{", cut[:2], name)
		got := decode(t, cut[1:])
		assert.NotContains(t, got, "parent_id", name)
		requireJSON(t, tc.notes, at(got, "metadata", "otel_sgp_notes"))
		if strings.Contains(name, "parent") || name == "looks like it" {
			assert.Equal(t, string(out), cut[1:], name)
		}
		if tc.hooks == nil {
			accepted(t, cut[1:])
		}
	}
}
