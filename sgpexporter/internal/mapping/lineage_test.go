package mapping

import (
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"
)

// spanOf returns span n of a trace, child of another, that used so many tokens.
func spanOf(n, parent byte, used int, more ...attribute.KeyValue) stubType {
	s := stub(more...)
	if used > 0 {
		s.Attributes = append(s.Attributes, attribute.Int("gen_ai.usage.input_tokens", used))
	}
	s.SpanContext = spanContext(testTraceID, trace.SpanID{n}, false)
	if parent > 0 {
		s.Parent = spanContext(testTraceID, trace.SpanID{parent}, false)
	}
	return s
}

// billedOf maps a span and returns what it is billed, and what it reports besides.
func billedOf(t testing.TB, m *Mapper, s stubType) (billed, reported any) {
	t.Helper()
	out, _, err := m.Append(nil, end(s))
	require.NoError(t, err)
	got := decode(t, string(out))
	require.Nil(t, at(got, "metadata", "usage"))
	return at(got, "output", "usage", "input_tokens"), at(got, "metadata", "reported_usage", "input_tokens")
}

// An agent, 1, around a wrapper, 2, around a call, 3.
func TestUsageAboveABilledCallIsNotBilled(t *testing.T) {
	agent, wrapper, call := spanOf(1, 0, 10), spanOf(2, 1, 0), spanOf(3, 2, 10)
	for range 2 { // mapping the same again gives the same
		m := New(Config{})
		for range 2 {
			billed, _ := billedOf(t, m, call)
			requireJSON(t, "10", billed)
			billed, reported := billedOf(t, m, wrapper)
			assert.Nil(t, billed)
			assert.Nil(t, reported)
			billed, reported = billedOf(t, m, agent)
			assert.Nil(t, billed)
			requireJSON(t, "10", reported)
		}
	}
}

func TestUsageOfARollUpWithoutCallsIsBilled(t *testing.T) {
	m := New(Config{})
	billed, _ := billedOf(t, m, spanOf(3, 2, 0)) // a tool
	assert.Nil(t, billed)
	billed, _ = billedOf(t, m, spanOf(2, 1, 10))
	requireJSON(t, "10", billed)
	billed, reported := billedOf(t, m, spanOf(4, 1, 20)) // another agent beside it
	requireJSON(t, "20", billed)
	assert.Nil(t, reported)
	_, reported = billedOf(t, m, spanOf(1, 0, 30))
	requireJSON(t, "30", reported)

	other := spanOf(1, 0, 40)
	other.SpanContext = other.SpanContext.WithTraceID(trace.TraceID{9})
	billed, _ = billedOf(t, m, other)
	requireJSON(t, "40", billed) // the same span id in another trace
}

func TestUsageByTheApplicationsRule(t *testing.T) {
	m := New(Config{})
	_, reported := billedOf(t, m, spanOf(4, 3, 1, attribute.String("sgp.usage", "none")))
	requireJSON(t, "1", reported)
	billed, _ := billedOf(t, m, spanOf(3, 2, 2))
	requireJSON(t, "2", billed) // nothing below it is billed
	billed, _ = billedOf(t, m, spanOf(2, 1, 3, attribute.String("sgp.usage", "call")))
	requireJSON(t, "3", billed) // although its call is
	_, reported = billedOf(t, m, spanOf(1, 0, 4))
	requireJSON(t, "4", reported)
}

// What was decided stays for a write that failed, also when a call ends after the span
// around it.
func TestUsageIsDecidedOnce(t *testing.T) {
	m := New(Config{})
	agent := end(spanOf(1, 0, 10))
	_, _, err := m.Append(nil, agent)
	require.NoError(t, err)
	m.ComesAgain(agent)
	for range 2 {
		billed, _ := billedOf(t, m, spanOf(2, 1, 10))
		requireJSON(t, "10", billed)
		billed, _ = billedOf(t, m, spanOf(1, 0, 10))
		requireJSON(t, "10", billed)
	}
}

// A span that ends before its call passes on what it learns of it.
func TestUsageBelowASpanThatHasEnded(t *testing.T) {
	m := New(Config{})
	m.lineage.active.Store(true)
	billedOf(t, m, spanOf(2, 1, 0))
	billedOf(t, m, spanOf(3, 2, 10))
	_, reported := billedOf(t, m, spanOf(1, 0, 10))
	requireJSON(t, "10", reported)
}

// Only spans around which usage is known take memory, and a bounded one.
func TestLineageIsBounded(t *testing.T) {
	m := New(Config{})
	m.lineage.spans.limit = 10
	for i := range byte(100) {
		billedOf(t, m, spanOf(i+1, 0, 0))
	}
	assert.Empty(t, m.lineage.spans.young)
	for i := range byte(100) {
		billedOf(t, m, spanOf(i+1, 200, 1))
		require.LessOrEqual(t, len(m.lineage.spans.young)+len(m.lineage.spans.old), 20)
	}
	assert.NotZero(t, m.Stats().ForgottenSpans)
	_, reported := billedOf(t, m, spanOf(200, 0, 1))
	requireJSON(t, "1", reported)
	billed, _ := billedOf(t, m, spanOf(1, 0, 1))
	requireJSON(t, "1", billed) // forgotten
}

// In any tree, and in whatever order a batch has its spans, exactly those are billed
// below which nothing has usage.
func TestUsageOfAnyTree(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		n := rapid.IntRange(1, 12).Draw(rt, "spans")
		parents, used := make([]int, n+1), make([]int, n+1)
		for i := 1; i <= n; i++ {
			parents[i] = rapid.IntRange(0, i-1).Draw(rt, "parent")
			used[i] = rapid.IntRange(0, 2).Draw(rt, "used")
		}
		want := make([]bool, n+1)
		for i := 1; i <= n; i++ {
			want[i] = used[i] > 0
			for k := i + 1; k <= n; k++ {
				for above := parents[k]; above > 0; above = parents[above] {
					want[i] = want[i] && (above != i || used[k] == 0)
				}
			}
		}
		order := rapid.Permutation(indexes(n)).Draw(rt, "order")
		inputs := make([]Input, n)
		for k, i := range order {
			inputs[k] = *end(spanOf(byte(i), byte(parents[i]), used[i]))
		}
		w := New(Config{}).Writer()
		defer w.Close()
		w.Observe(inputs)
		for k, i := range order {
			out, _, err := w.Append(nil, &inputs[k])
			require.NoError(rt, err)
			require.Equal(rt, want[i], at(decode(t, string(out)), "output", "usage") != nil, "span %d", i)
		}
	})
}

func indexes(n int) []int {
	all := make([]int, n)
	for i := range all {
		all[i] = i + 1
	}
	return all
}

// Whatever says what a call used, in whatever way, either it is billed for it or the
// span around it is.
func TestUsageIsSaidInAnyWay(t *testing.T) {
	str, num := attribute.String, attribute.Int
	ways := []attribute.KeyValue{
		num("gen_ai.usage.input_tokens", 0), num("gen_ai.usage.prompt_tokens", 10), num("llm.usage.prompt_tokens", 0), num("llm.token_count.prompt", 10),
		str("gen_ai.usage.output_tokens", "10"), str("gen_ai.usage.completion_tokens", "many"), attribute.Float64("llm.cost.total", 0.5), num("gen_ai.usage.total_tokens", -1),
		str("langsmith.usage_metadata", `{"input_tokens":10}`), str("braintrust.metrics", `{"prompt_tokens":0}`),
		str("gen_ai.output.messages", `[{"role":"assistant"}]`), str("llm.output_messages.0.message.role", "assistant"),
		str("output.value", `{"usage":{"prompt_tokens":10}}`), str("trpc.go.agent.llm_response", `{"usage":{"total_tokens":0}}`), str("genkit:output", `{"usage":{"inputTokens":10}}`),
		str("sgp.output", `{"usage":{"input_tokens":0}}`), str("gen_ai.completion", `{"messages":[],"usage":{"tokens":10}}`),
		str("sgp.usage", "none"), str("sgp.usage", "call"), str("sgp.usage", "turn"), str("sgp.usage", "most"),
	}
	some := func(rt *rapid.T, what string) []attribute.KeyValue {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(ways), 0, 6, func(kv attribute.KeyValue) attribute.Key { return kv.Key }).Draw(rt, what)
	}
	rapid.Check(t, func(rt *rapid.T) {
		call := *end(spanOf(2, 1, 0, some(rt, "attributes")...))
		if rapid.Bool().Draw(rt, "event") {
			call.Events = []sdktrace.Event{{Name: "gen_ai.client.inference.operation.details", Attributes: some(rt, "of the event")}}
		}
		if rapid.Bool().Draw(rt, "record") {
			call.Records = []Record{{EventName: "gen_ai.client.inference.operation.details", Body: attribute.MapValue(some(rt, "of the record")...)}}
		}
		inputs := []Input{*end(spanOf(1, 0, 10)), call}
		w := New(Config{}).Writer()
		defer w.Close()
		if rapid.Bool().Draw(rt, "together") {
			w.Observe(inputs)
		} else {
			inputs[0], inputs[1] = inputs[1], inputs[0]
		}
		billed := 0
		for i := range inputs {
			out, _, err := w.Append(nil, &inputs[i])
			require.NoError(rt, err)
			got := decode(t, string(out))
			for _, usage := range []any{at(got, "output", "usage"), at(got, "metadata", "usage")} {
				if usage != nil {
					billed++
				}
			}
		}
		require.Equal(rt, 1, billed)
	})
}
