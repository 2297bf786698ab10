package mapping

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// messageEvent is an event that holds one message, as the GenAI conventions had
// them before version 1.37: gen_ai.ROLE.message, and gen_ai.choice.
type messageEvent struct {
	event *sdktrace.Event
	mark  int // the place of its first attribute among the marks
}

const choiceEvent = "gen_ai.choice"

func isMessage(event string) bool {
	return event == choiceEvent || strings.HasPrefix(event, "gen_ai.") && strings.HasSuffix(event, ".message")
}

// messageEvents adds the messages in events to o.
func (sc *scratch) messageEvents(o sgpspan.Object, output bool) sgpspan.Object {
	n := 0
	for _, m := range sc.messages {
		if (m.event.Name == choiceEvent) == output {
			n++
		}
	}
	if n == 0 {
		return o
	}
	messages := sc.newArray(n)
	for _, m := range sc.messages {
		if (m.event.Name == choiceEvent) == output {
			messages = append(messages, sc.object(sc.message(m)).WithSource(m.event.Name))
		}
	}
	return append(sc.grow(o), sgpspan.Field{Key: "messages", Value: sc.array(messages)})
}

// message returns the message that an event holds: the fields of
// gen_ai.event.content where that is an object, and every attribute that does
// not merely repeat what the span says. The event's name is the message's source.
func (sc *scratch) message(m messageEvent) sgpspan.Object {
	o := sgpspan.Object(sc.fields.open(len(m.event.Attributes) + 4))
	role := "assistant"
	if m.event.Name != choiceEvent {
		role = strings.TrimSuffix(strings.TrimPrefix(m.event.Name, "gen_ai."), ".message")
	}
	o = append(o, sgpspan.Field{Key: "role", Value: sgpspan.StringValue(role)})
	for i := range m.event.Attributes {
		kv := &m.event.Attributes[i]
		switch kv.Key {
		case "gen_ai.system", "gen_ai.provider.name", "gen_ai.operation.name", "event.name":
			continue
		}
		o = sc.messagePart(o, kv)
		sc.takeMark(m.mark + i)
	}
	return sc.fields.close(o, 0)
}

func (sc *scratch) messagePart(o sgpspan.Object, kv *attribute.KeyValue) sgpspan.Object {
	v := sc.structured(kv, false)
	if kv.Key != "gen_ai.event.content" {
		return put(o, string(kv.Key), kv, v)
	}
	n := len(o)
	o, ok := v.AppendFields(o)
	if !ok {
		return put(o, "content", kv, v)
	}
	fields := o[n:]
	o = o[:n] // which put extends no faster than fields is read
	for _, f := range fields {
		o = put(o, f.Key, kv, f.Value)
	}
	clear(fields[len(o)-n:])
	return o
}

// put gives the field named key the value v, which was taken from kv.
func put(o sgpspan.Object, key string, kv *attribute.KeyValue, v sgpspan.Value) sgpspan.Object {
	f := sgpspan.Field{Key: key, Source: string(kv.Key), Value: v}
	for i := range o {
		if o[i].Key == key {
			o[i] = f
			return o
		}
	}
	return append(o, f)
}
