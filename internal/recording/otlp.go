package recording

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	"go.opentelemetry.io/otel/trace"
)

// The parts of OTLP's JSON form that a replay needs. Its names are those of the
// protocol: ids are hexadecimal, and 64-bit integers are written as text.
type (
	tracesData struct {
		ResourceSpans []struct {
			Resource   resourceJSON `json:"resource"`
			SchemaURL  string       `json:"schemaUrl"`
			ScopeSpans []struct {
				Scope     scopeJSON  `json:"scope"`
				SchemaURL string     `json:"schemaUrl"`
				Spans     []spanJSON `json:"spans"`
			} `json:"scopeSpans"`
		} `json:"resourceSpans"`
	}
	logsData struct {
		ResourceLogs []struct {
			Resource  resourceJSON `json:"resource"`
			SchemaURL string       `json:"schemaUrl"`
			ScopeLogs []struct {
				Scope      scopeJSON    `json:"scope"`
				SchemaURL  string       `json:"schemaUrl"`
				LogRecords []recordJSON `json:"logRecords"`
			} `json:"scopeLogs"`
		} `json:"resourceLogs"`
	}
	resourceJSON struct {
		Attributes []keyValue `json:"attributes"`
	}
	scopeJSON struct {
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		Attributes []keyValue `json:"attributes"`
	}
	spanJSON struct {
		TraceID      string     `json:"traceId"`
		SpanID       string     `json:"spanId"`
		ParentSpanID string     `json:"parentSpanId"`
		TraceState   string     `json:"traceState"`
		Flags        uint32     `json:"flags"`
		Name         string     `json:"name"`
		Kind         int        `json:"kind"`
		Start        unixNano   `json:"startTimeUnixNano"`
		End          unixNano   `json:"endTimeUnixNano"`
		Attributes   []keyValue `json:"attributes"`
		Events       []struct {
			Time       unixNano   `json:"timeUnixNano"`
			Name       string     `json:"name"`
			Attributes []keyValue `json:"attributes"`
		} `json:"events"`
		Links []struct {
			TraceID    string     `json:"traceId"`
			SpanID     string     `json:"spanId"`
			TraceState string     `json:"traceState"`
			Flags      uint32     `json:"flags"`
			Attributes []keyValue `json:"attributes"`
		} `json:"links"`
		Status struct {
			Message string `json:"message"`
			Code    int    `json:"code"`
		} `json:"status"`
	}
	recordJSON struct {
		Time           unixNano   `json:"timeUnixNano"`
		ObservedTime   unixNano   `json:"observedTimeUnixNano"`
		SeverityNumber int        `json:"severityNumber"`
		SeverityText   string     `json:"severityText"`
		EventName      string     `json:"eventName"`
		Body           anyValue   `json:"body"`
		Attributes     []keyValue `json:"attributes"`
		Flags          uint32     `json:"flags"`
		TraceID        string     `json:"traceId"`
		SpanID         string     `json:"spanId"`
	}
	keyValue struct {
		Key   string   `json:"key"`
		Value anyValue `json:"value"`
	}
	anyValue struct {
		String *string  `json:"stringValue"`
		Bool   *bool    `json:"boolValue"`
		Int    *integer `json:"intValue"`
		Double *double  `json:"doubleValue"`
		Bytes  []byte   `json:"bytesValue"`
		Array  *struct {
			Values []anyValue `json:"values"`
		} `json:"arrayValue"`
		Map *struct {
			Values []keyValue `json:"values"`
		} `json:"kvlistValue"`
	}
)

// flagRemoteParent is the bit of a span's flags that says that its parent is in
// another process.
const flagRemoteParent = 0x200

// integer is a 64-bit integer, written as a number or as text.
type integer int64

func (i *integer) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	*i = integer(n)
	return err
}

// double is a number, or the text "NaN", "Infinity" or "-Infinity".
type double float64

func (d *double) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(strings.Trim(string(b), `"`), 64)
	*d = double(f)
	return err
}

// unixNano is a time in nanoseconds since 1970; 0 means that there is none.
type unixNano struct{ time.Time }

func (t *unixNano) UnmarshalJSON(b []byte) error {
	n, err := strconv.ParseInt(strings.Trim(string(b), `"`), 10, 64)
	if n != 0 {
		t.Time = time.Unix(0, n).UTC()
	}
	return err
}

func (v anyValue) value() attribute.Value {
	switch {
	case v.String != nil:
		return attribute.StringValue(*v.String)
	case v.Bool != nil:
		return attribute.BoolValue(*v.Bool)
	case v.Int != nil:
		return attribute.Int64Value(int64(*v.Int))
	case v.Double != nil:
		return attribute.Float64Value(float64(*v.Double))
	case v.Bytes != nil:
		return attribute.ByteSliceValue(v.Bytes)
	case v.Array != nil:
		all := make([]attribute.Value, len(v.Array.Values))
		for i, v := range v.Array.Values {
			all[i] = v.value()
		}
		return slice(all)
	case v.Map != nil:
		return attribute.MapValue(attributes(v.Map.Values)...)
	}
	return attribute.Value{}
}

// slice returns a slice of one type where all values have that type, as
// instrumentations set it, and otherwise one of mixed values.
func slice(all []attribute.Value) attribute.Value {
	uniform := len(all) > 0
	for _, v := range all {
		uniform = uniform && v.Type() == all[0].Type()
	}
	if uniform {
		switch all[0].Type() {
		case attribute.STRING:
			return attribute.StringSliceValue(each(all, attribute.Value.AsString))
		case attribute.INT64:
			return attribute.Int64SliceValue(each(all, attribute.Value.AsInt64))
		case attribute.FLOAT64:
			return attribute.Float64SliceValue(each(all, attribute.Value.AsFloat64))
		case attribute.BOOL:
			return attribute.BoolSliceValue(each(all, attribute.Value.AsBool))
		}
	}
	return attribute.SliceValue(all...)
}

func each[T any](values []attribute.Value, as func(attribute.Value) T) []T {
	all := make([]T, len(values))
	for i, v := range values {
		all[i] = as(v)
	}
	return all
}

func attributes(from []keyValue) []attribute.KeyValue {
	var all []attribute.KeyValue
	for _, kv := range from {
		all = append(all, attribute.KeyValue{Key: attribute.Key(kv.Key), Value: kv.Value.value()})
	}
	return all
}

func (r resourceJSON) resource(schemaURL string) *resource.Resource {
	return resource.NewWithAttributes(schemaURL, attributes(r.Attributes)...)
}

func (s scopeJSON) scope(schemaURL string) instrumentation.Scope {
	return instrumentation.Scope{
		Name: s.Name, Version: s.Version, SchemaURL: schemaURL,
		Attributes: attribute.NewSet(attributes(s.Attributes)...),
	}
}

// spanContext reads ids in the forms of OTLP. Empty ids are allowed.
func spanContext(traceID, spanID, state string, flags uint32) (trace.SpanContext, error) {
	config := trace.SpanContextConfig{TraceFlags: trace.TraceFlags(flags), Remote: flags&flagRemoteParent != 0}
	var err error
	if traceID != "" {
		if config.TraceID, err = trace.TraceIDFromHex(strings.ToLower(traceID)); err != nil {
			return trace.SpanContext{}, fmt.Errorf("traceId %q: %w", traceID, err)
		}
	}
	if spanID != "" {
		if config.SpanID, err = trace.SpanIDFromHex(strings.ToLower(spanID)); err != nil {
			return trace.SpanContext{}, fmt.Errorf("spanId %q: %w", spanID, err)
		}
	}
	if config.TraceState, err = trace.ParseTraceState(state); err != nil {
		return trace.SpanContext{}, fmt.Errorf("traceState %q: %w", state, err)
	}
	return trace.NewSpanContext(config), nil
}

// statusCode turns OTLP's status code, in which OK is 1 and ERROR 2, into the API's.
func statusCode(otlp int) codes.Code {
	switch otlp {
	case 1:
		return codes.Ok
	case 2:
		return codes.Error
	}
	return codes.Unset
}

// readAll decodes all JSON objects of a stream, at least one, into one value: a
// Collector writes one a line.
func readAll[T any](from io.Reader, add func(T)) error {
	decoder := json.NewDecoder(from)
	for n := 0; ; n++ {
		var one T
		err := decoder.Decode(&one)
		if n > 0 && errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		add(one)
	}
}

// readSpans reads every span of ExportTraceServiceRequests in OTLP's JSON form.
func readSpans(from io.Reader) ([]*span, error) {
	var data tracesData
	err := readAll(from, func(one tracesData) { data.ResourceSpans = append(data.ResourceSpans, one.ResourceSpans...) })
	if err != nil {
		return nil, err
	}
	var spans []*span
	for _, rs := range data.ResourceSpans {
		res := rs.Resource.resource(rs.SchemaURL)
		for _, ss := range rs.ScopeSpans {
			scope := ss.Scope.scope(ss.SchemaURL)
			for i := range ss.Spans {
				s, err := ss.Spans[i].span()
				if err != nil {
					return nil, fmt.Errorf("span %q: %w", ss.Spans[i].Name, err)
				}
				s.resource, s.scope = res, scope
				spans = append(spans, s)
			}
		}
	}
	return spans, nil
}

func (j *spanJSON) span() (*span, error) {
	s := &span{
		name: j.Name, kind: trace.SpanKind(j.Kind), start: j.Start.Time, end: j.End.Time,
		attributes: attributes(j.Attributes),
		status:     statusCode(j.Status.Code), description: j.Status.Message,
	}
	s.nameAtStart = s.name
	var err error
	if s.context, err = spanContext(j.TraceID, j.SpanID, j.TraceState, j.Flags&0xff); err != nil {
		return nil, err
	}
	if !s.context.IsValid() {
		return nil, fmt.Errorf("no traceId or spanId")
	}
	if s.parent, err = spanContext(j.TraceID, j.ParentSpanID, j.TraceState, j.Flags); err != nil {
		return nil, err
	}
	for _, e := range j.Events {
		s.events = append(s.events, event{e.Time.Time, e.Name, attributes(e.Attributes)})
	}
	for _, l := range j.Links {
		linked, err := spanContext(l.TraceID, l.SpanID, l.TraceState, l.Flags)
		if err != nil {
			return nil, fmt.Errorf("link: %w", err)
		}
		s.links = append(s.links, trace.Link{SpanContext: linked, Attributes: attributes(l.Attributes)})
	}
	return s, nil
}

// readRecords reads every record of ExportLogsServiceRequests in OTLP's JSON form.
func readRecords(from io.Reader) ([]*record, error) {
	var data logsData
	err := readAll(from, func(one logsData) { data.ResourceLogs = append(data.ResourceLogs, one.ResourceLogs...) })
	if err != nil {
		return nil, err
	}
	var records []*record
	for _, rl := range data.ResourceLogs {
		res := rl.Resource.resource(rl.SchemaURL)
		for _, sl := range rl.ScopeLogs {
			scope := sl.Scope.scope(sl.SchemaURL)
			for _, j := range sl.LogRecords {
				context, err := spanContext(j.TraceID, j.SpanID, "", j.Flags&0xff)
				if err != nil {
					return nil, fmt.Errorf("record %q: %w", j.EventName, err)
				}
				records = append(records, &record{
					context: context, resource: res, scope: scope,
					time: j.Time.Time, observed: j.ObservedTime.Time,
					severity: j.SeverityNumber, severityText: j.SeverityText,
					eventName: j.EventName, body: j.Body.value(), attributes: attributes(j.Attributes),
				})
			}
		}
	}
	return records, nil
}
