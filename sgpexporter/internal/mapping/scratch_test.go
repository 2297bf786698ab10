package mapping

import (
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// Mapping and encoding allocate the ids, which the Item keeps, the times of events, and what OpenTelemetry
// copies to show a slice or a map of an attribute: one for each.
func TestAllocations(t *testing.T) {
	w := New(Config{}).Writer()
	defer w.Close()
	dst := make([]byte, 0, 1<<16)
	for name, most := range map[string]float64{
		"app_ask": 1, "app_chat": 2, "app_chat_start": 1, "app_lookup_failed": 2, "app_go_vet_failed": 3,
		"genai_chat_message_events": 3, "genai_chat_event": 12, "genai_invoke_agent": 1, "genai_execute_tool": 2,
		"openinference_retriever": 1, "openinference_tool": 1,
	} {
		s := goldens[name]()
		assert.Equal(t, most, testing.AllocsPerRun(100, func() {
			_, _, _ = w.Append(dst, s)
		}), name)
	}
	linked := stub()
	linked.Links = []sdktrace.Link{{SpanContext: linked.SpanContext}, {SpanContext: linked.SpanContext}}
	s := end(linked)
	assert.Equal(t, 5.0, testing.AllocsPerRun(100, func() { _, _, _ = w.Append(dst, s) }), "two links and their ids")
}

// object returns the JSON text of an object with n fields.
func object(n int) string {
	fields := make([]string, n)
	for i := range fields {
		fields[i] = `"k` + strconv.Itoa(i) + `":"hunter"`
	}
	return "{" + strings.Join(fields, ",") + "}"
}

// join returns the JSON text of one object with the fields of two.
func join(a, b string) string {
	if a == "{}" || b == "{}" {
		return min(a, b)
	}
	return a[:len(a)-1] + "," + b[1:]
}

// Objects of any size keep apart in the memory that they share, and leave nothing of
// the span in it, whether it has grown to hold them or not yet.
func TestScratchOfLargeObjects(t *testing.T) {
	for _, n := range []int{0, 1, 15, 16, 17, 61, 62, 63, 64, 65, 500} {
		for _, times := range []int{1, 8} {
			testScratch(t, n, times)
		}
	}
}

func testScratch(t *testing.T, n, times int) {
	s := stub(attribute.String("sgp.input", object(n)), attribute.String("sgp.output", object(n)),
		attribute.String("openinference.span.kind", "LLM"), attribute.Int("llm.token_count.prompt", 1))
	content := attribute.String("gen_ai.event.content", object(n))
	overridden := []attribute.KeyValue{attribute.String("other", "x")}
	for i := range n {
		overridden = append(overridden, attribute.String("k"+strconv.Itoa(i), "not hunter"))
	}
	said := stub()
	said.Events = []sdktrace.Event{
		{Name: "gen_ai.choice", Attributes: []attribute.KeyValue{content, attribute.String("k0", "hunter")}},
		{Name: "gen_ai.choice", Attributes: append(overridden, content)},
	}
	w := Writer{New(Config{}), new(scratch)}
	for range times {
		out, _, err := w.Append(nil, end(s))
		require.NoError(t, err)
		got := decode(t, string(out))
		requireJSON(t, object(n), at(got, "input"))
		requireJSON(t, join(object(n), `{"usage":{"input_tokens":1}}`), at(got, "output"))

		out, _, err = w.Append(nil, end(said))
		require.NoError(t, err)
		requireJSON(t, `{"messages":[`+join(`{"role":"assistant"}`, object(max(n, 1)))+`,`+join(`{"role":"assistant","other":"x"}`, object(n))+`]}`,
			at(decode(t, string(out)), "output"))
	}
	w.Close()
	for _, f := range w.sc.fields.chunk[:cap(w.sc.fields.chunk)] {
		require.Equal(t, sgpspan.Field{}, f, "%d fields, %d times", n, times)
	}
	for _, v := range w.sc.values.chunk[:cap(w.sc.values.chunk)] {
		require.Equal(t, sgpspan.Value{}, v, "%d fields, %d times", n, times)
	}
}
