package main

import (
	"encoding/json"
	"fmt"
	"time"

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
