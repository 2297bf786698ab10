package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"

	"github.com/go-faster/jx"
	"github.com/go-json-experiment/json/jsontext"
	"go.opentelemetry.io/otel/attribute"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// plainSpan is the span as a struct for encoding/json.
type plainSpan struct {
	TraceID    string        `json:"trace_id"`
	ID         string        `json:"id"`
	ParentID   string        `json:"parent_id,omitempty"`
	Name       string        `json:"name"`
	Start      time.Time     `json:"start_timestamp"`
	End        time.Time     `json:"end_timestamp"`
	Type       string        `json:"type"`
	Status     string        `json:"status"`
	ObsTraceID string        `json:"obs_trace_id"`
	ObsSpanID  string        `json:"obs_span_id"`
	Input      plainInput    `json:"input"`
	Output     plainOutput   `json:"output"`
	Metadata   plainMetadata `json:"metadata"`
}

type plainInput struct {
	Messages []plainMessage `json:"messages"`
}

type plainMessage struct {
	Role    string `json:"role"`
	Content string `json:"content"`
}

type plainOutput struct {
	Usage plainUsage `json:"usage"`
}

type plainUsage struct {
	Input  int `json:"input_tokens"`
	Output int `json:"output_tokens"`
}

type plainMetadata struct {
	Source     string          `json:"__source__"`
	Attributes map[string]any  `json:"attributes"`
	Kind       string          `json:"kind"`
	Resource   json.RawMessage `json:"resource"`

	// list has the Attributes for those who need not look at a map.
	list []plainAttribute
}

type plainAttribute struct {
	key   string
	value any // string, int, float64, bool or []string
}

func newPlainSpan(prompt string) *plainSpan {
	start := time.Date(2026, 1, 2, 3, 4, 5, 678_901_234, time.UTC)
	s := &plainSpan{
		TraceID: "4bf92f3577b34da6a3ce929d0e0e4736", ID: "00f067aa0ba902b7", ParentID: "53995c3f42cd8ad8",
		Name: "chat gpt-4", Start: start, End: start.Add(time.Second), Type: "COMPLETION", Status: "SUCCESS",
		ObsTraceID: "4bf92f3577b34da6a3ce929d0e0e4736", ObsSpanID: "00f067aa0ba902b7",
		Input:  plainInput{Messages: []plainMessage{{Role: "user", Content: prompt}}},
		Output: plainOutput{Usage: plainUsage{Input: 52, Output: 47}},
		Metadata: plainMetadata{
			Source: "otel-go", Attributes: map[string]any{}, Kind: "client",
			Resource: json.RawMessage(`{"attributes":{"host.name":"web-1","service.name":"checkout","telemetry.sdk.language":"go"}}`),
			list: []plainAttribute{
				{"gen_ai.provider.name", "openai"},
				{"gen_ai.operation.name", "chat"},
				{"gen_ai.request.model", "gpt-4"},
				{"gen_ai.request.max_tokens", 200},
				{"gen_ai.request.top_p", 0.95},
				{"gen_ai.request.stream", true},
				{"gen_ai.response.id", "chatcmpl-9J3uIL87gldCFtiIbyaOvTeYBRA3l"},
				{"gen_ai.response.finish_reasons", []string{"stop"}},
			},
		},
	}
	for _, a := range s.Metadata.list {
		s.Metadata.Attributes[a.key] = a.value
	}
	return s
}

func oursEncoder(p *plainSpan) func() []byte {
	s := p.sgp()
	var buf []byte
	return func() []byte {
		buf = s.AppendJSON(buf[:0])
		return buf
	}
}

// sgp is the span as the exporter has it.
func (p *plainSpan) sgp() *sgpspan.Span {
	resource, ok := sgpspan.JSONValue(string(p.Metadata.Resource))
	if !ok {
		fail(fmt.Errorf("not JSON: %s", p.Metadata.Resource))
	}
	var attrs sgpspan.Object
	for _, a := range p.Metadata.list {
		var v sgpspan.Value
		switch x := a.value.(type) {
		case string:
			v = sgpspan.StringValue(x)
		case int:
			v = sgpspan.IntValue(int64(x))
		case float64:
			v = sgpspan.FloatValue(x)
		case bool:
			v = sgpspan.BoolValue(x)
		case []string:
			v = sgpspan.AttributeValue(attribute.StringSliceValue(x))
		}
		attrs = append(attrs, sgpspan.Field{Key: a.key, Value: v})
	}
	var messages sgpspan.Array
	for _, m := range p.Input.Messages {
		messages = append(messages, sgpspan.ObjectValue(&sgpspan.Object{
			{Key: "role", Value: sgpspan.StringValue(m.Role)}, {Key: "content", Value: sgpspan.StringValue(m.Content)},
		}))
	}
	usage := sgpspan.Object{
		{Key: "input_tokens", Value: sgpspan.IntValue(int64(p.Output.Usage.Input))},
		{Key: "output_tokens", Value: sgpspan.IntValue(int64(p.Output.Usage.Output))},
	}
	return &sgpspan.Span{
		TraceID: p.TraceID, ID: p.ID, ParentID: p.ParentID, Name: p.Name, Start: p.Start, End: p.End,
		Type: sgpspan.Type(p.Type), Status: sgpspan.Status(p.Status), ObsTraceID: p.ObsTraceID, ObsSpanID: p.ObsSpanID,
		Input:  sgpspan.Object{{Key: "messages", Value: sgpspan.ArrayValue(&messages)}},
		Output: sgpspan.Object{{Key: "usage", Value: sgpspan.ObjectValue(&usage)}},
		Metadata: sgpspan.Object{
			{Key: "__source__", Value: sgpspan.StringValue(p.Metadata.Source)}, {Key: "attributes", Value: sgpspan.ObjectValue(&attrs)},
			{Key: "kind", Value: sgpspan.StringValue(p.Metadata.Kind)}, {Key: "resource", Value: resource},
		},
	}
}

func stdEncoder(p *plainSpan) func() []byte {
	return func() []byte {
		text, err := json.Marshal(p)
		if err != nil {
			fail(err)
		}
		return text
	}
}

// jxEncoder uses jx's fastest: it does not look at whether text is UTF-8.
func jxEncoder(p *plainSpan) func() []byte {
	var (
		e   jx.Encoder
		now []byte
	)
	text := func(key, value string) {
		e.FieldStart(key)
		e.Str(value)
	}
	number := func(key string, value int) {
		e.FieldStart(key)
		e.Int(value)
	}
	moment := func(key string, value time.Time) {
		now = value.AppendFormat(now[:0], time.RFC3339Nano)
		e.FieldStart(key)
		e.ByteStr(now)
	}
	begin := func(key string) {
		e.FieldStart(key)
		e.ObjStart()
	}
	return func() []byte {
		e.Reset()
		e.ObjStart()
		text("trace_id", p.TraceID)
		text("id", p.ID)
		if p.ParentID != "" {
			text("parent_id", p.ParentID)
		}
		text("name", p.Name)
		moment("start_timestamp", p.Start)
		moment("end_timestamp", p.End)
		text("type", p.Type)
		text("status", p.Status)
		text("obs_trace_id", p.ObsTraceID)
		text("obs_span_id", p.ObsSpanID)
		begin("input")
		e.FieldStart("messages")
		e.ArrStart()
		for _, m := range p.Input.Messages {
			e.ObjStart()
			text("role", m.Role)
			text("content", m.Content)
			e.ObjEnd()
		}
		e.ArrEnd()
		e.ObjEnd()
		begin("output")
		begin("usage")
		number("input_tokens", p.Output.Usage.Input)
		number("output_tokens", p.Output.Usage.Output)
		e.ObjEnd()
		e.ObjEnd()
		begin("metadata")
		text("__source__", p.Metadata.Source)
		begin("attributes")
		for _, a := range p.Metadata.list {
			e.FieldStart(a.key)
			switch v := a.value.(type) {
			case string:
				e.Str(v)
			case int:
				e.Int(v)
			case float64:
				e.Float64(v)
			case bool:
				e.Bool(v)
			case []string:
				e.ArrStart()
				for _, s := range v {
					e.Str(s)
				}
				e.ArrEnd()
			}
		}
		e.ObjEnd()
		text("kind", p.Metadata.Kind)
		e.FieldStart("resource")
		e.Raw(p.Metadata.Resource)
		e.ObjEnd()
		e.ObjEnd()
		return e.Bytes()
	}
}

// jsontextEncoder leaves out the check for names given twice, which the others do
// not make either.
func jsontextEncoder(p *plainSpan) func() []byte {
	var buf bytes.Buffer
	options := []jsontext.Options{jsontext.AllowDuplicateNames(true)}
	e := jsontext.NewEncoder(&buf, options...)
	token := func(t jsontext.Token) {
		if err := e.WriteToken(t); err != nil {
			fail(err)
		}
	}
	raw := func(v jsontext.Value) {
		if err := e.WriteValue(v); err != nil {
			fail(err)
		}
	}
	text := func(key, value string) {
		token(jsontext.String(key))
		token(jsontext.String(value))
	}
	number := func(key string, value int) {
		token(jsontext.String(key))
		token(jsontext.Int(int64(value)))
	}
	moment := func(key string, value time.Time) {
		token(jsontext.String(key))
		raw(append(value.AppendFormat(append(e.AvailableBuffer(), '"'), time.RFC3339Nano), '"'))
	}
	begin := func(key string) {
		token(jsontext.String(key))
		token(jsontext.BeginObject)
	}
	return func() []byte {
		buf.Reset()
		e.Reset(&buf, options...)
		token(jsontext.BeginObject)
		text("trace_id", p.TraceID)
		text("id", p.ID)
		if p.ParentID != "" {
			text("parent_id", p.ParentID)
		}
		text("name", p.Name)
		moment("start_timestamp", p.Start)
		moment("end_timestamp", p.End)
		text("type", p.Type)
		text("status", p.Status)
		text("obs_trace_id", p.ObsTraceID)
		text("obs_span_id", p.ObsSpanID)
		begin("input")
		token(jsontext.String("messages"))
		token(jsontext.BeginArray)
		for _, m := range p.Input.Messages {
			token(jsontext.BeginObject)
			text("role", m.Role)
			text("content", m.Content)
			token(jsontext.EndObject)
		}
		token(jsontext.EndArray)
		token(jsontext.EndObject)
		begin("output")
		begin("usage")
		number("input_tokens", p.Output.Usage.Input)
		number("output_tokens", p.Output.Usage.Output)
		token(jsontext.EndObject)
		token(jsontext.EndObject)
		begin("metadata")
		text("__source__", p.Metadata.Source)
		begin("attributes")
		for _, a := range p.Metadata.list {
			token(jsontext.String(a.key))
			switch v := a.value.(type) {
			case string:
				token(jsontext.String(v))
			case int:
				token(jsontext.Int(int64(v)))
			case float64:
				token(jsontext.Float(v))
			case bool:
				token(jsontext.Bool(v))
			case []string:
				token(jsontext.BeginArray)
				for _, s := range v {
					token(jsontext.String(s))
				}
				token(jsontext.EndArray)
			}
		}
		token(jsontext.EndObject)
		text("kind", p.Metadata.Kind)
		token(jsontext.String("resource"))
		raw(jsontext.Value(p.Metadata.Resource))
		token(jsontext.EndObject)
		token(jsontext.EndObject)
		return buf.Bytes()
	}
}
