package mapping

import (
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

func TestWhereTheParentStands(t *testing.T) {
	child := stub()
	child.Parent = spanContext(testTraceID, testParentID, false)
	for name, tc := range map[string]struct {
		in   *Input
		hook Hook
		want string
	}{
		"a root":            {in: end(stub())},
		"a child":           {in: end(child), want: `,"parent_id":"53995c3f42cd8ad8"`},
		"no id":             {in: end(child), hook: func(s *sgpspan.Span) bool { s.ID = ""; return true }, want: `,"parent_id":"53995c3f42cd8ad8"`},
		"an id with quotes": {in: end(child), hook: func(s *sgpspan.Span) bool { s.ID = `a"b\`; return true }, want: `,"parent_id":"53995c3f42cd8ad8"`},
		"another parent":    {in: end(child), hook: func(s *sgpspan.Span) bool { s.ParentID = `p"`; return true }, want: `,"parent_id":"p\""`},
		"looks like one":    {in: end(stub(attribute.String("a", `,"parent_id":"x"`)))},
	} {
		out, item, err := New(Config{Hooks: []Hook{tc.hook}}).Append(nil, tc.in)
		require.NoError(t, err, name)
		assert.Equal(t, tc.want, string(out[item.ParentFrom:item.ParentTo]), name)
		assert.Equal(t, tc.want != "", item.HasParent(), name)
		cut := string(out[:item.ParentFrom]) + string(out[item.ParentTo:])
		assert.NotContains(t, decode(t, cut), "parent_id", name)
	}
}
