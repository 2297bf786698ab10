package recording

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/trace"
)

// startJSON is an element of onstart.json: what a span was in OnStart, and twice
// afterwards if it still ran. The elements are in the order of the starts.
type startJSON struct {
	SpanID      string    `json:"span_id"`
	ParentID    string    `json:"parent_id"`
	Scope       string    `json:"scope"`
	NameAtStart string    `json:"name_at_start"`
	AtStart     plainMap  `json:"attributes_at_onstart"`
	At5ms       *plainMap `json:"attributes_at_5ms"`
	At500ms     *plainMap `json:"attributes_at_500ms"`
	NameAt500ms string    `json:"name_at_500ms"`
}

// plainMap is attributes as plain JSON, without their types.
type plainMap map[string]json.RawMessage

// readStarts reads onstart.json into the spans, and adds to them those that it alone
// has, since they never ended.
func readStarts(from io.Reader, spans []*span) ([]*span, error) {
	var starts []startJSON
	if err := json.NewDecoder(from).Decode(&starts); err != nil {
		return nil, err
	}
	byID := map[string]*span{}
	for _, s := range spans {
		byID[s.context.SpanID().String()] = s
	}
	var last time.Time
	for _, start := range starts {
		s := byID[start.SpanID]
		if s == nil {
			var err error
			if s, err = start.neverEnded(byID, last); err != nil {
				return nil, fmt.Errorf("span %q: %w", start.NameAtStart, err)
			}
			spans = append(spans, s)
		}
		if err := start.fill(s); err != nil {
			return nil, fmt.Errorf("span %q: %w", start.NameAtStart, err)
		}
		last = s.start
	}
	return spans, nil
}

// neverEnded makes the span that OTLP does not have. Its trace, resource and scope
// are those of its parent or of a span of the same scope, and it started right after the
// span before it.
func (j startJSON) neverEnded(byID map[string]*span, last time.Time) (*span, error) {
	parent := byID[j.ParentID]
	if parent == nil {
		return nil, fmt.Errorf("never ended, and its parent %q is not known", j.ParentID)
	}
	id, err := trace.SpanIDFromHex(j.SpanID)
	if err != nil {
		return nil, fmt.Errorf("span_id %q: %w", j.SpanID, err)
	}
	s := &span{
		context:  parent.context.WithSpanID(id),
		parent:   parent.context,
		resource: parent.resource,
		scope:    parent.scope,
		kind:     trace.SpanKindInternal,
		start:    last.Add(time.Nanosecond),
		name:     j.NameAtStart,
	}
	for _, other := range byID {
		if other.scope.Name == j.Scope {
			s.scope = other.scope
		}
	}
	return s, nil
}

// rightAfterStart is how long after a span's start what a framework sets right after Start was looked for.
const rightAfterStart = 5 * time.Millisecond

// fill sets what s was before its end.
func (j startJSON) fill(s *span) (err error) {
	s.nameAtStart = j.NameAtStart
	if s.atStart, err = j.AtStart.attributes(s); err != nil {
		return err
	}
	name := j.NameAtStart
	for _, later := range []struct {
		after      time.Duration
		attributes *plainMap
		name       string
	}{
		{rightAfterStart, j.At5ms, j.NameAtStart},
		{500 * time.Millisecond, j.At500ms, j.NameAt500ms},
	} {
		if later.attributes == nil {
			continue
		}
		if later.name != "" {
			name = later.name
		}
		attributes, err := later.attributes.attributes(s)
		if err != nil {
			return err
		}
		after := later.after
		if !s.end.IsZero() {
			after = min(after, s.end.Sub(s.start))
		}
		s.states = append(s.states, state{after, name, attributes})
	}
	return nil
}

// attributes gives the values the types that they have at the end of the span, in
// the order that they have there. Those that are not there, since they were set to
// something else later or the span never ended, have the type that their JSON has.
func (m plainMap) attributes(s *span) ([]attribute.KeyValue, error) {
	var all []attribute.KeyValue
	taken := map[string]bool{}
	for _, kv := range s.attributes {
		plain, ok := m[string(kv.Key)]
		if !ok {
			continue
		}
		now, err := plainValue(plain)
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", kv.Key, err)
		}
		if now.String() == kv.Value.String() {
			now = kv.Value
		}
		taken[string(kv.Key)] = true
		all = append(all, attribute.KeyValue{Key: kv.Key, Value: now})
	}
	var others []string
	for key := range m {
		if !taken[key] {
			others = append(others, key)
		}
	}
	slices.Sort(others)
	for _, key := range others {
		value, err := plainValue(m[key])
		if err != nil {
			return nil, fmt.Errorf("attribute %q: %w", key, err)
		}
		all = append(all, attribute.KeyValue{Key: attribute.Key(key), Value: value})
	}
	return all, nil
}

// plainValue is the value that plain JSON most likely was.
func plainValue(plain json.RawMessage) (attribute.Value, error) {
	decoder := json.NewDecoder(bytes.NewReader(plain))
	decoder.UseNumber()
	var v any
	if err := decoder.Decode(&v); err != nil {
		return attribute.Value{}, err
	}
	return valueOf(v), nil
}

func valueOf(v any) attribute.Value {
	switch v := v.(type) {
	case string:
		return attribute.StringValue(v)
	case bool:
		return attribute.BoolValue(v)
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return attribute.Int64Value(n)
		}
		f, _ := v.Float64() // the decoder has accepted it; beyond float64 it is infinite
		return attribute.Float64Value(f)
	case []any:
		all := make([]attribute.Value, len(v))
		for i := range v {
			all[i] = valueOf(v[i])
		}
		return slice(all)
	case map[string]any:
		var all []attribute.KeyValue
		for key, value := range v {
			all = append(all, attribute.KeyValue{Key: attribute.Key(key), Value: valueOf(value)})
		}
		slices.SortFunc(all, func(a, b attribute.KeyValue) int { return bytes.Compare([]byte(a.Key), []byte(b.Key)) })
		return attribute.MapValue(all...)
	}
	return attribute.Value{}
}
