package mapping

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

func withRecords(s stubType, records ...Record) *Input {
	in := end(s)
	in.Records = records
	return in
}

// Log records are read like the events whose place they took.
func TestRecordsOfMessages(t *testing.T) {
	str := attribute.String
	got := item(t, Config{}, withRecords(stub(),
		Record{EventName: "gen_ai.system.message", Time: testStart, Body: attribute.MapValue(str("content", "Be kind"))},
		Record{EventName: "gen_ai.user.message", Time: testStart, Attributes: []attribute.KeyValue{str("gen_ai.system", "x")},
			Body: attribute.MapValue(attribute.Map("content", str("role", "customer"), attribute.Slice("parts", attribute.MapValue(str("text", "hi")))))},
		Record{EventName: "gen_ai.user.message", Time: testStart, Body: attribute.MapValue(str("content", "<elided>"))},
		Record{EventName: "gen_ai.choice", Time: testStart.Add(time.Second), Body: attribute.MapValue(attribute.Int("index", 0), attribute.Map("message", str("content", "57")))},
	))
	requireJSON(t, `{"messages":[{"role":"system","content":"Be kind"},{"role":"customer","parts":[{"text":"hi"}]}]}`, got["input"])
	requireJSON(t, `{"messages":[{"role":"assistant","index":0,"message":{"content":"57"}}]}`, got["output"])
	requireJSON(t, `[{"name":"gen_ai.system.message","time":"2026-03-04T05:06:07.890123456Z"},
		{"name":"gen_ai.user.message","time":"2026-03-04T05:06:07.890123456Z","attributes":{"gen_ai.system":"x"}},
		{"name":"gen_ai.user.message","time":"2026-03-04T05:06:07.890123456Z","attributes":{"content":"<elided>"}},
		{"name":"gen_ai.choice","time":"2026-03-04T05:06:08.890123456Z"}]`, at(got, "metadata", "events"))
}

// Events and log records stand in the order of their times.
func TestRecordsAmongEvents(t *testing.T) {
	s := stub()
	s.Events = []sdktrace.Event{{Name: "first", Time: testStart}, {Name: "last", Time: testStart.Add(2 * time.Second)}}
	got := item(t, Config{}, withRecords(s, Record{EventName: "gen_ai.choice", Time: testStart.Add(time.Second), Body: attribute.MapValue(attribute.String("content", "57"))}))
	requireJSON(t, `[{"name":"first","time":"2026-03-04T05:06:07.890123456Z"},{"name":"gen_ai.choice","time":"2026-03-04T05:06:08.890123456Z"},
		{"name":"last","time":"2026-03-04T05:06:09.890123456Z"}]`, at(got, "metadata", "events"))
	assert.Equal(t, "first", s.Events[0].Name, "the span's own are not changed")
	assert.Equal(t, "last", s.Events[1].Name)
}

func TestRecordOfAnOperation(t *testing.T) {
	str := attribute.String
	for name, record := range map[string]Record{
		"attributes": {Attributes: []attribute.KeyValue{str("gen_ai.input.messages", `[{"role":"user"}]`), attribute.Int("gen_ai.usage.input_tokens", 7)}},
		"body":       {Body: attribute.MapValue(str("gen_ai.input.messages", `[{"role":"user"}]`), attribute.Int("gen_ai.usage.input_tokens", 7))},
	} {
		record.EventName, record.Time = "gen_ai.client.inference.operation.details", testStart
		got := item(t, Config{}, withRecords(stub(), record))
		requireJSON(t, `{"messages":[{"role":"user"}]}`, got["input"])
		requireJSON(t, `{"usage":{"input_tokens":7}}`, got["output"])
		requireJSON(t, `[{"name":"gen_ai.client.inference.operation.details","time":"2026-03-04T05:06:07.890123456Z"}]`, at(got, "metadata", "events"))
		assert.NotNil(t, got, name)
	}
}

// A body that is no map is the message.
func TestRecordsOfMessagesInText(t *testing.T) {
	got := item(t, Config{}, withRecords(stub(),
		Record{EventName: "gen_ai.user.message", Time: testStart, Body: attribute.StringValue("hi")},
		Record{EventName: "gen_ai.choice", Time: testStart, Body: attribute.StringValue(`{"role":"model","content":"yes"}`)},
	))
	requireJSON(t, `{"messages":[{"role":"user","content":"hi"}]}`, got["input"])
	requireJSON(t, `{"messages":[{"role":"model","content":"yes"}]}`, got["output"])
}

// What the body of a record holds is content, unless the conventions say what it is.
func TestBodiesOfRecordsAreContent(t *testing.T) {
	str := attribute.String
	for name, body := range map[string]attribute.Value{
		"text": attribute.StringValue("hunter2"),
		"map":  attribute.MapValue(str("prompt", "hunter2"), attribute.Slice("choices", attribute.StringValue("hunter2")), str("gen_ai.request.model", "m")),
	} {
		out, _, err := New(Config{WithoutContent: true}).Append(nil, withRecords(stub(),
			Record{EventName: "gen_ai.client.inference.operation.details", Time: testStart, Body: body, Attributes: []attribute.KeyValue{str("gen_ai.response.id", "r1")}}))
		require.NoError(t, err)
		assert.NotContains(t, string(out), "hunter2", name)
		assert.Contains(t, string(out), `"gen_ai.response.id":"r1"`, name)
	}
}

func TestRecordOfAnException(t *testing.T) {
	s := stub()
	s.Status.Code = codes.Error
	got := item(t, Config{}, withRecords(s, Record{EventName: "exception", Time: testStart,
		Attributes: []attribute.KeyValue{attribute.String("exception.type", "E"), attribute.String("exception.message", "m")}, Body: attribute.StringValue("it failed")}))
	assert.Equal(t, "E", at(got, "metadata", "error_type"))
	assert.Equal(t, "m", at(got, "metadata", "error_message"))
	requireJSON(t, `[{"name":"exception","time":"2026-03-04T05:06:07.890123456Z","attributes":{"exception.type":"E","exception.message":"m","body":"it failed"}}]`,
		at(got, "metadata", "events"))
}

// What is logged after a span's end is no panic of it, as an event of the SDK's is.
func TestRecordOfAnExceptionAfterTheEnd(t *testing.T) {
	got := item(t, Config{}, withRecords(stub(), Record{EventName: "exception", Time: testStart.Add(2 * time.Second), Attributes: []attribute.KeyValue{
		attribute.String("exception.message", "m"), attribute.String("exception.stacktrace", "goroutine 1"),
	}}))
	assert.Equal(t, "SUCCESS", got["status"])
	assert.Nil(t, at(got, "metadata", "error"))
}

func TestEvaluations(t *testing.T) {
	got := item(t, Config{}, withRecords(stub(),
		Record{EventName: "gen_ai.evaluation.result", Time: testStart, Attributes: []attribute.KeyValue{
			attribute.String("gen_ai.evaluation.name", "Relevance"), attribute.Float64("gen_ai.evaluation.score.value", 0.5), attribute.String("gen_ai.evaluation.score.label", "pass"),
			attribute.String("gen_ai.evaluation.explanation", "because"), attribute.String("gen_ai.response.id", "r1"), attribute.String("other", "x"),
		}},
		Record{EventName: "gen_ai.evaluation.result", Time: testStart, Body: attribute.MapValue(attribute.String("gen_ai.evaluation.name", "Tone"), attribute.String("error.type", "timeout"))},
	))
	requireJSON(t, `[{"name":"Relevance","score":0.5,"label":"pass","explanation":"because","response_id":"r1"},{"name":"Tone","error_type":"timeout"}]`,
		at(got, "metadata", "evaluations"))
	requireJSON(t, `[{"name":"gen_ai.evaluation.result","time":"2026-03-04T05:06:07.890123456Z","attributes":{"other":"x"}},
		{"name":"gen_ai.evaluation.result","time":"2026-03-04T05:06:07.890123456Z"}]`, at(got, "metadata", "events"))
	assert.Equal(t, "SUCCESS", got["status"], "an error of the evaluation is not the span's")
}
