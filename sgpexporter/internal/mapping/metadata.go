package mapping

import (
	"encoding/hex"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// metadata puts into the metadata what has found no other place.
func (m *Mapper) metadata(sc *scratch, in *Input) {
	o := sc.newObject(32 + len(sc.lifts))
	o = append(o, sgpspan.Field{Key: "__source__", Value: sgpspan.StringValue(m.cfg.Source)})
	o = addText(o, "__agent_name__", m.cfg.AgentName)
	o = addText(o, "__agent_id__", m.cfg.AgentID)
	o = addText(o, "__acp_type__", m.cfg.ACPType)
	o = addText(o, "__agent_version__", m.cfg.AgentVersion)
	o = addText(o, "__commit_sha__", m.cfg.CommitSHA)
	o = append(o, sc.errors...)
	o = append(o, sc.aggregate...)
	if in.Phase == PhaseUpdate {
		o = append(o, sgpspan.Field{Key: "heartbeat", Value: sc.time(in.WrittenAt)})
	}
	o = sc.evaluationList(o)
	o = sc.lifted(o)
	resource := m.resource(in.Resource)
	if resource != nil {
		o = append(o, resource.search...)
	}
	if !sc.anyMarked && len(sc.attrs) > 0 {
		o = append(o, sgpspan.Field{Key: "attributes", Value: sgpspan.AttributesValue(&sc.attrs)})
	} else if attrs := sc.attributes(sc.attrs, sc.marks); len(attrs) > 0 {
		o = append(o, sgpspan.Field{Key: "attributes", Value: sc.object(attrs)})
	}
	if len(sc.events) > 0 {
		o = append(o, sgpspan.Field{Key: "events", Value: sc.eventList()})
	}
	if len(in.Links) > 0 {
		o = append(o, sgpspan.Field{Key: "links", Value: sc.linkList(in.Links)})
	}
	o = addText(o, "kind", in.Kind.String())
	o = m.scope(sc, o, &in.Scope)
	if resource != nil {
		o = sc.cached(o, "resource", resource)
	}
	if in.TraceState.Len() > 0 {
		o = addText(o, "trace_state", in.TraceState.String())
	}
	if in.ParentIsRemote {
		o = append(o, sgpspan.Field{Key: "parent_is_remote", Value: sgpspan.BoolValue(true)})
	}
	o = addCount(o, "child_span_count", in.ChildSpanCount)
	o = m.dropped(sc, o, in)
	sc.span.Metadata = o
}

func addText(o sgpspan.Object, key, text string) sgpspan.Object {
	if text == "" {
		return o
	}
	return append(o, sgpspan.Field{Key: key, Value: sgpspan.StringValue(text)})
}

func addCount(o sgpspan.Object, key string, n int) sgpspan.Object {
	if n == 0 {
		return o
	}
	return append(o, sgpspan.Field{Key: key, Value: sgpspan.IntValue(int64(n))})
}

// attributes returns attrs without those that are marked as taken.
func (sc *scratch) attributes(attrs []attribute.KeyValue, marks []mark) sgpspan.Object {
	o := sc.newObject(len(attrs))
	for i := range attrs {
		var m mark
		if i < len(marks) {
			m = marks[i]
		}
		if m&markTaken == 0 {
			o = append(o, sgpspan.Field{Key: string(attrs[i].Key), Value: sgpspan.AttributeValue(attrs[i].Value), Content: m&markContent != 0})
		}
	}
	return o
}

func (sc *scratch) eventList() sgpspan.Value {
	list := sc.newArray(len(sc.events))
	before := len(sc.attrs)
	for i := range sc.events {
		event := &sc.events[i]
		o := sc.newObject(4)
		o = append(o,
			sgpspan.Field{Key: "name", Value: sgpspan.StringValue(event.Name)},
			sgpspan.Field{Key: "time", Value: sc.time(event.Time)})
		if attrs := sc.attributes(event.Attributes, sc.marks[before:]); len(attrs) > 0 {
			o = append(o, sgpspan.Field{Key: "attributes", Value: sc.object(attrs)})
		}
		before += len(event.Attributes)
		o = addCount(o, "dropped_attributes", event.DroppedAttributeCount)
		list = append(list, sc.object(o))
	}
	return sc.array(list)
}

func (sc *scratch) time(t time.Time) sgpspan.Value {
	start := len(sc.made)
	sc.made = sgpspan.AppendTime(sc.made, t)
	return sgpspan.StringValue(sc.madeText(start))
}

func (sc *scratch) hex(id []byte) sgpspan.Value {
	start := len(sc.made)
	sc.made = hex.AppendEncode(sc.made, id)
	return sgpspan.StringValue(sc.madeText(start))
}

func (sc *scratch) linkList(links []sdktrace.Link) sgpspan.Value {
	list := sc.newArray(len(links))
	for i := range links {
		link := &links[i]
		traceID, spanID := link.SpanContext.TraceID(), link.SpanContext.SpanID()
		o := sc.newObject(5)
		o = append(o,
			sgpspan.Field{Key: "trace_id", Value: sc.hex(traceID[:])},
			sgpspan.Field{Key: "span_id", Value: sc.hex(spanID[:])})
		if state := link.SpanContext.TraceState(); state.Len() > 0 {
			o = addText(o, "trace_state", state.String())
		}
		if attrs := sc.attributes(distinct(link.Attributes), nil); len(attrs) > 0 {
			for k := range attrs {
				attrs[k].Content = sc.hooks && keyOf(attrs[k].Key).content()
			}
			o = append(o, sgpspan.Field{Key: "attributes", Value: sc.object(attrs)})
		}
		o = addCount(o, "dropped_attributes", link.DroppedAttributeCount)
		list = append(list, sc.object(o))
	}
	return sc.array(list)
}

func (m *Mapper) scope(sc *scratch, o sgpspan.Object, scope *instrumentation.Scope) sgpspan.Object {
	if scope.Name == "" && scope.Version == "" && scope.SchemaURL == "" && scope.Attributes.Len() == 0 {
		return o
	}
	return sc.cached(o, "scope", m.cache.scopes.get(*scope, m.encodeScope))
}

func (m *Mapper) encodeScope(scope instrumentation.Scope) *encoded {
	var o sgpspan.Object
	o = addText(o, "name", scope.Name)
	o = addText(o, "version", scope.Version)
	o = addText(o, "schema_url", scope.SchemaURL)
	return m.encode("scope", withAttributes(o, scope.Attributes.ToSlice()))
}

func (m *Mapper) resource(res *resource.Resource) *encoded {
	if res.Len() == 0 && res.SchemaURL() == "" {
		return nil
	}
	return m.cache.resources.get(res, m.encodeResource)
}

func (m *Mapper) encodeResource(res *resource.Resource) *encoded {
	attrs := res.Attributes()
	o := withAttributes(nil, attrs)
	e := m.encode("resource", addText(o, "schema_url", res.SchemaURL()))
	e.search = searchFields(attrs)
	return e
}

func withAttributes(o sgpspan.Object, attrs []attribute.KeyValue) sgpspan.Object {
	if len(attrs) == 0 {
		return o
	}
	fields := make(sgpspan.Object, len(attrs))
	for i, kv := range attrs {
		fields[i] = sgpspan.Field{Key: string(kv.Key), Value: sgpspan.AttributeValue(kv.Value)}
	}
	return append(o, sgpspan.Field{Key: "attributes", Value: sgpspan.ObjectValue(&fields)})
}

// encode returns o as JSON text with its repairs made.
func (m *Mapper) encode(key string, o sgpspan.Object) *encoded {
	v := sgpspan.ObjectValue(&o)
	v, notes := m.encoder.EncodeValue(key, &v)
	return &encoded{value: v, notes: notes}
}

func (sc *scratch) cached(o sgpspan.Object, key string, e *encoded) sgpspan.Object {
	sc.span.Notes = append(sc.span.Notes, e.notes...)
	return append(o, sgpspan.Field{Key: key, Value: e.value})
}

// dropped adds what the SDK's limits have cost. Attributes that are cut are noted: usage
// and flattened messages may be among them.
func (m *Mapper) dropped(sc *scratch, o sgpspan.Object, in *Input) sgpspan.Object {
	attrs, events, links := in.DroppedAttributes, in.DroppedEvents, in.DroppedLinks
	if attrs == 0 && events == 0 && links == 0 {
		return o
	}
	if attrs > 0 {
		if in.Phase == PhaseEnd {
			m.cut.Add(1)
		}
		sc.note("attributes: " + strconv.Itoa(attrs) + " were dropped by a limit of the SDK, usage and messages perhaps among them; see sdktrace.WithRawSpanLimits")
	}
	d := sc.newObject(3)
	d = addCount(d, "attributes", attrs)
	d = addCount(d, "events", events)
	d = addCount(d, "links", links)
	return append(o, sgpspan.Field{Key: "dropped", Value: sc.object(d)})
}
