package mapping

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

func groupOf(t testing.TB, m *Mapper, in *Input) any {
	t.Helper()
	out, _, err := m.Append(nil, in)
	require.NoError(t, err)
	return at(decode(t, string(out)), "group_id")
}

func TestConversationKeys(t *testing.T) {
	keys := []string{
		"gen_ai.conversation.id", "gen_ai.session.id", "session.id",
		"langsmith.metadata.conversation_id", "langsmith.metadata.thread_id", "langsmith.metadata.session_id", "gcp.vertex.agent.session_id",
		"traceloop.association.properties.conversation_id", "traceloop.association.properties.thread_id", "traceloop.association.properties.session_id",
		"genkit:sessionId", "temporalWorkflowID",
	}
	for i, key := range keys {
		attrs := []attribute.KeyValue{attribute.String(key, "this")}
		for _, later := range keys[i+1:] {
			attrs = append(attrs, attribute.String(later, "other"))
		}
		assert.Equal(t, "this", groupOf(t, New(Config{}), end(stub(attrs...))), key)
	}
}

func TestConversationOfTheTrace(t *testing.T) {
	m := New(Config{})
	assert.Nil(t, groupOf(t, m, start(spanOf(1, 0, 0))))
	assert.Equal(t, "wf", groupOf(t, m, end(spanOf(2, 1, 0, attribute.String("temporalWorkflowID", "wf")))))
	assert.Equal(t, "wf", groupOf(t, m, end(spanOf(3, 1, 0))))
	assert.Equal(t, "c1", groupOf(t, m, start(spanOf(4, 1, 0, attribute.String("gen_ai.conversation.id", "c1")))))
	assert.Equal(t, "c1", groupOf(t, m, end(spanOf(1, 0, 0))), "in place of the weak one")
	assert.Equal(t, "c1", groupOf(t, m, end(spanOf(2, 1, 0, attribute.String("temporalWorkflowID", "wf")))))
	assert.Equal(t, "c2", groupOf(t, m, end(spanOf(5, 1, 0, attribute.String("session.id", "c2")))), "its own")
	assert.Equal(t, "c1", groupOf(t, m, end(spanOf(6, 1, 0))), "the first one")
	assert.EqualValues(t, 4, m.Stats().Inherited)

	s := spanOf(1, 0, 0)
	s.SpanContext = s.SpanContext.WithTraceID(trace.TraceID{9})
	assert.Nil(t, groupOf(t, m, end(s)), "of another trace")
}

// Two agents with a conversation each in one trace, 2 and 5: calls have that of theirs.
func TestConversationsOfOneTrace(t *testing.T) {
	id := func(conversation string) attribute.KeyValue {
		return attribute.String("gen_ai.conversation.id", conversation)
	}
	inputs := []Input{
		*end(spanOf(1, 0, 0)), *end(spanOf(2, 1, 0, id("a"))), *end(spanOf(3, 2, 0)), *end(spanOf(4, 3, 0)),
		*end(spanOf(5, 1, 0, id("b"))), *end(spanOf(6, 5, 0)), *end(spanOf(7, 6, 0)), *end(spanOf(8, 1, 0)),
		*end(spanOf(9, 6, 0, attribute.String("temporalWorkflowID", "wf"))), *end(spanOf(10, 7, 0, id("a"))), *end(spanOf(11, 10, 0)),
	}
	want := []any{"a", "a", "a", "a", "b", "b", "b", "a", "b", "a", "a"}
	for _, together := range []bool{true, false} {
		w := New(Config{}).Writer()
		defer w.Close()
		copies := slices.Clone(inputs)
		if together {
			w.Observe(copies)
		}
		for i := range copies {
			out, _, err := w.Append(nil, &copies[i])
			require.NoError(t, err)
			if i == 0 && !together {
				continue // nothing is known yet
			}
			assert.Equal(t, want[i], at(decode(t, string(out)), "group_id"), "span %d", i+1)
		}
	}
}

// A span below another conversation that says its own only after its start.
func TestConversationAfterTheStart(t *testing.T) {
	m := New(Config{})
	id := func(conversation string) attribute.KeyValue {
		return attribute.String("gen_ai.conversation.id", conversation)
	}
	assert.Equal(t, "a", groupOf(t, m, end(spanOf(2, 1, 0, id("a")))))
	assert.Equal(t, "b", groupOf(t, m, start(spanOf(3, 1, 0, id("b")))))
	assert.Equal(t, "b", groupOf(t, m, start(spanOf(4, 3, 0))))
	assert.Equal(t, "a", groupOf(t, m, inputAt(PhaseUpdate, spanOf(4, 3, 0, id("a")))))
	assert.Equal(t, "a", groupOf(t, m, end(spanOf(5, 4, 0))))
}

// In a batch the span that names the conversation may come after others.
func TestConversationOfTheBatch(t *testing.T) {
	w := New(Config{}).Writer()
	defer w.Close()
	inputs := []Input{*end(spanOf(1, 0, 0)), *end(spanOf(2, 1, 0, attribute.String("session.id", "s")))}
	w.Observe(inputs)
	out, _, err := w.Append(nil, &inputs[0])
	require.NoError(t, err)
	assert.Equal(t, "s", at(decode(t, string(out)), "group_id"))
}

func TestInheritedConversationIsRedactedByItsKey(t *testing.T) {
	m := New(Config{Hooks: []Hook{sgpspan.RedactKeys("session.id")}})
	assert.Nil(t, groupOf(t, m, end(spanOf(2, 1, 0, attribute.String("session.id", "secret")))))
	assert.Nil(t, groupOf(t, m, end(spanOf(1, 0, 0))))
}

func TestConversationsAreBounded(t *testing.T) {
	m := New(Config{})
	m.conversations.traces.limit = 10
	in := func(i int, attrs ...attribute.KeyValue) *Input {
		s := stub(attrs...)
		var id trace.TraceID
		binary.BigEndian.PutUint32(id[:], uint32(i+1))
		s.SpanContext = s.SpanContext.WithTraceID(id)
		return end(s)
	}
	for i := range 100 {
		groupOf(t, m, in(i, attribute.String("session.id", "s")))
		require.LessOrEqual(t, len(m.conversations.traces.young)+len(m.conversations.traces.old), 20)
	}
	assert.NotZero(t, m.Stats().ForgottenConversations)
	assert.Equal(t, "s", groupOf(t, m, in(99)))
	assert.Nil(t, groupOf(t, m, in(0)))

	long := strings.Repeat("x", 257)
	groupOf(t, m, in(200, attribute.String("session.id", long)))
	assert.Nil(t, groupOf(t, m, in(200)), "no id of SGP, and not kept")
}
