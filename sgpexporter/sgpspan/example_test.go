package sgpspan_test

import (
	"fmt"
	"regexp"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

func ExampleSpan() {
	start := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	span := sgpspan.Span{
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736",
		ID:      "00f067aa0ba902b7",
		Name:    "answer",
		Start:   start,
		End:     start.Add(250 * time.Millisecond),
		Type:    sgpspan.TypeCompletion,
		Status:  sgpspan.StatusSuccess,
		Input:   sgpspan.Object{{Key: "question", Value: sgpspan.StringValue("6 × 7?")}},
		Output:  sgpspan.Object{{Key: "answer", Value: sgpspan.IntValue(42)}},
	}
	fmt.Println(strings.ReplaceAll(string(span.AppendJSON(nil)), `,"`, ",\n\""))
	// Output:
	// {"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736",
	// "id":"00f067aa0ba902b7",
	// "name":"answer",
	// "start_timestamp":"2026-03-04T05:06:07Z",
	// "end_timestamp":"2026-03-04T05:06:07.25Z",
	// "type":"COMPLETION",
	// "status":"SUCCESS",
	// "input":{"question":"6 × 7?"},
	// "output":{"answer":42}}
}

// A hook that says which team a service belongs to and takes prompts out.
func ExampleSpan_hook() {
	hook := func(s *sgpspan.Span) (keep bool) {
		if s.Name == "GET /healthz" {
			return false
		}
		s.Input.Delete("messages")
		s.Metadata.Set("team", sgpspan.StringValue("search"))
		return true
	}
	span := &sgpspan.Span{Name: "chat", Input: sgpspan.Object{{Key: "messages"}, {Key: "model"}}}
	fmt.Println(hook(span), len(span.Input), span.Metadata.Get("team").Text())
	fmt.Println(hook(&sgpspan.Span{Name: "GET /healthz"}))
	// Output:
	// true 1 search
	// false
}

func ExampleObject() {
	var o sgpspan.Object
	o.Set("a", sgpspan.IntValue(1))
	o.Set("b", sgpspan.BoolValue(true))
	o.Set("a", sgpspan.IntValue(2))
	o.Delete("b")
	for _, field := range o {
		fmt.Println(field.Key, field.Value.Int())
	}
	// Output: a 2
}

// A field that the mapping has made knows the attribute that it was taken from.
func ExampleField() {
	field := sgpspan.Field{Key: "messages", Source: "gen_ai.input.messages", Value: sgpspan.StringValue("hello")}
	fmt.Println(field.Key, "from", field.Source)
	// Output: messages from gen_ai.input.messages
}

func ExampleArray() {
	a := sgpspan.Array{sgpspan.IntValue(1), sgpspan.StringValue("two")}
	v := sgpspan.ArrayValue(&a)
	a[0] = sgpspan.FloatValue(0.5)
	out, _ := sgpspan.Encoder{}.AppendValue(nil, "a", &v)
	fmt.Println(string(out))
	// Output: [0.5,"two"]
}

// JSON text and attribute values are opened where they are changed.
func ExampleValue() {
	v, ok := sgpspan.JSONValue(`{"user": {"name": "Ann", "age": 30}}`)
	v.Object().Get("user").Object().Delete("name")
	out, _ := sgpspan.Encoder{}.AppendValue(nil, "v", &v)
	fmt.Println(ok, string(out))

	m := sgpspan.AttributeValue(attribute.MapValue(attribute.Int("n", 1)))
	fmt.Println(m.Object().Get("n").Int())
	// Output:
	// true {"user":{"age":30}}
	// 1
}

func ExampleKind() {
	v := sgpspan.AttributeValue(attribute.StringSliceValue([]string{"a", "b"}))
	fmt.Println(v.Kind() == sgpspan.KindArray, v.Kind())
	// Output: true array
}

func ExampleType() {
	t, ok := sgpspan.ParseType("agent_workflow")
	fmt.Println(t, ok, t == sgpspan.TypeAgentWorkflow)
	// Output: AGENT_WORKFLOW true true
}

func ExampleStatus() {
	fmt.Println(sgpspan.StatusCanceled.Valid(), sgpspan.Status("CANCELLED").Valid())
	// Output: true false
}

// What would be refused is repaired, and noted.
func ExampleEncoder() {
	span := &sgpspan.Span{
		TraceID: "t", ID: "s", Name: "long",
		Input: sgpspan.Object{{Key: "text", Value: sgpspan.StringValue("a long text")}},
	}
	out := sgpspan.Encoder{MaxStringBytes: 6}.AppendJSON(nil, span)
	_, payload, _ := strings.Cut(string(out), `"input"`)
	fmt.Println(payload)
	// Output: :{"text":"a long"},"metadata":{"otel_sgp_notes":["input.text: cut, had 11 bytes"]}}
}

func ExampleRedactKeys() {
	span := &sgpspan.Span{Input: sgpspan.Object{
		{Key: "messages", Source: "gen_ai.input.messages", Value: sgpspan.StringValue("my prompt")},
		{Key: "form", Value: sgpspan.StringValue(`{"password":"hunter2","n":1}`)},
	}}
	sgpspan.RedactKeys("gen_ai.*.messages", "password")(span)
	fmt.Println(span.Input.Get("messages").Text(), span.Input.Get("form").Text())
	// Output: [REDACTED] {"password":"[REDACTED]","n":1}
}

func ExampleRedactSecrets() {
	span := &sgpspan.Span{Name: "call with Authorization: Bearer abcdefgh12345678"}
	sgpspan.RedactSecrets()(span)
	fmt.Println(span.Name)
	// Output: call with Authorization: Bearer [REDACTED]
}

func ExampleRedactEmails() {
	span := &sgpspan.Span{Name: "mail to ann@example.com"}
	sgpspan.RedactEmails()(span)
	fmt.Println(span.Name)
	// Output: mail to [REDACTED]
}

func ExampleRedactPatterns() {
	span := &sgpspan.Span{Name: "card 4111-1111-1111-1111"}
	sgpspan.RedactPatterns(regexp.MustCompile(`\d{4}-\d{4}-\d{4}-(?P<keep>\d{4})`))(span)
	fmt.Println(span.Name)
	// Output: card 1111[REDACTED]
}

func ExampleRedactLong() {
	span := &sgpspan.Span{Name: "a very long name"}
	sgpspan.RedactLong(6)(span)
	fmt.Println(span.Name)
	// Output: a very[REDACTED, had 16 bytes]
}

// What models were asked and have answered goes; what it cost stays.
func ExampleRedactContent() {
	span := &sgpspan.Span{
		TraceID: "trace", ID: "span", Name: "chat", Start: time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
		Input:  sgpspan.Object{{Key: "value", Value: sgpspan.StringValue("my address is 1 Main Street")}},
		Output: sgpspan.Object{{Key: "value", Value: sgpspan.StringValue("Thank you!")}, {Key: "usage", Value: sgpspan.ObjectValue(&sgpspan.Object{{Key: "input_tokens", Value: sgpspan.IntValue(9)}})}},
	}
	sgpspan.RedactContent()(span)
	fmt.Printf("%s\n", span.AppendJSON(nil))
	// Output:
	// {"trace_id":"trace","id":"span","name":"chat","start_timestamp":"2026-01-02T03:04:05Z","input":{"value":"[REDACTED]"},"output":{"value":"[REDACTED]","usage":{"input_tokens":9}}}
}

// What all spans of a service say is encoded once.
func ExampleMembers() {
	common, notes := sgpspan.Encoder{}.EncodeMembers(sgpspan.Object{{Key: "service_name", Value: sgpspan.StringValue("assistant")}})
	span := sgpspan.Span{TraceID: "t", Name: "answer", Start: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Common: common,
		Metadata: sgpspan.Object{{Key: "kind", Value: sgpspan.StringValue("internal")}}}
	fmt.Println(string(span.AppendJSON(nil)), len(notes))
	// Output: {"trace_id":"t","name":"answer","start_timestamp":"2026-03-04T05:06:07Z","metadata":{"service_name":"assistant","kind":"internal"}} 0
}
