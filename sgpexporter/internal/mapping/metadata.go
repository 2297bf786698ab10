package mapping

import (
	"encoding/hex"
	"strconv"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// metadata puts into the metadata what has found no other place.
func (m *Mapper) metadata(sc *scratch, in *Input) {
	o := sc.newObject(32 + len(sc.lifts))
	if f := m.frame(in); sc.hooks {
		o = append(o, f.fields...)
		sc.span.Notes = append(sc.span.Notes, f.notes...)
	} else {
		sc.span.Common = f.encoded
		sc.span.Notes = append(sc.span.Notes, f.encodedNotes...)
	}
	o = append(o, sc.errors...)
	o = append(o, sc.aggregate...)
	if in.Phase == PhaseUpdate {
		o = append(o, sgpspan.Field{Key: "heartbeat", Value: sc.time(in.WrittenAt)})
	}
	o = sc.evaluationList(o)
	o = sc.lifted(o)
	if !sc.hooks || !sc.anyMarked {
		if sc.left = sc.leftOf(sc.attrs); len(sc.left) > 0 {
			o = append(o, sgpspan.Field{Key: "attributes", Value: sgpspan.AttributesValue(&sc.left)})
		}
	} else if attrs := sc.attributes(sc.attrs, sc.marks); len(attrs) > 0 {
		o = append(o, sgpspan.Field{Key: "attributes", Value: sc.object(attrs)})
	}
	if len(sc.events) > 0 {
		o = append(o, sgpspan.Field{Key: "events", Value: sc.eventList()})
	}
	if len(in.Links) > 0 {
		o = append(o, sgpspan.Field{Key: "links", Value: sc.linkList(in.Links)})
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

// leftOf returns attrs, the span's own, without those that are marked as taken.
func (sc *scratch) leftOf(attrs []attribute.KeyValue) []attribute.KeyValue {
	if !sc.anyMarked {
		return attrs
	}
	sc.kept = sc.kept[:0]
	for i := range attrs {
		if sc.marks[i]&markTaken == 0 {
			sc.kept = append(sc.kept, attrs[i])
		}
	}
	return sc.kept
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
		own := distinct(link.Attributes)
		if attrs := sc.attributes(own, nil); len(attrs) > 0 {
			for k := range attrs {
				attrs[k].Content = sc.hooks && keyOf(attrs[k].Key).content(&own[k].Value)
			}
			o = append(o, sgpspan.Field{Key: "attributes", Value: sc.object(attrs)})
		}
		o = addCount(o, "dropped_attributes", link.DroppedAttributeCount)
		list = append(list, sc.object(o))
	}
	return sc.array(list)
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
