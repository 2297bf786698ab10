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
	event  *sdktrace.Event
	before place // of the attribute before its first
}

const choiceEvent = "gen_ai.choice"

// isOn reports whether the message is one of a side, and there is anything in it.
func (m messageEvent) isOn(side side) bool {
	if (m.event.Name == choiceEvent) != (side == sideOutput) {
		return false
	}
	for i := range m.event.Attributes {
		if kv := &m.event.Attributes[i]; kv.Key == "content" && isPlaceholder(kv.Value.AsString()) {
			return false
		}
	}
	return true
}

func isMessage(event string) bool {
	return event == choiceEvent || strings.HasPrefix(event, "gen_ai.") && strings.HasSuffix(event, ".message")
}

// messageEvents adds the messages in events to o, unless there are some.
func (sc *scratch) messageEvents(o sgpspan.Object, side side) sgpspan.Object {
	n := 0
	for _, m := range sc.messages {
		if m.isOn(side) {
			n++
		}
	}
	if n == 0 || o.Get(messagesKey) != nil {
		return o
	}
	messages := sc.newArray(n)
	for _, m := range sc.messages {
		if m.isOn(side) {
			messages = append(messages, sc.object(sc.message(m)).WithSource(m.event.Name))
		}
	}
	return append(sc.grow(o), sgpspan.Field{Key: messagesKey, Value: sc.array(messages)})
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
		sc.take(m.before + place(i+1))
	}
	return sc.fields.close(o, 0)
}

func (sc *scratch) messagePart(o sgpspan.Object, kv *attribute.KeyValue) sgpspan.Object {
	v := sc.structured(kv, false)
	n := len(o)
	switch kv.Key {
	case "gen_ai.event.content", recordBody:
	case "content": // in ADK's records the message stands here
		if !isMessageMap(kv.Value) {
			return put(o, string(kv.Key), kv, v)
		}
	default:
		return put(o, string(kv.Key), kv, v)
	}
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

// isMessageMap reports whether v is a whole message, with its role.
func isMessageMap(v attribute.Value) bool {
	if v.Type() != attribute.MAP {
		return false
	}
	for _, kv := range v.AsMap() {
		if kv.Key == "role" {
			return true
		}
	}
	return false
}

// openContents puts in the place of a message whose content is messages in JSON, as
// Eino's callback has them, those messages.
func (sc *scratch) openContents(messages *sgpspan.Value) {
	list := messages.Array()
	if list == nil || !sc.isEino() {
		return // what a user writes may read as a message too
	}
	var opened sgpspan.Array // nil until there is one
	for i := range *list {
		message := &(*list)[i]
		inner := openContent(message)
		if inner != nil && opened == nil {
			opened = append(make(sgpspan.Array, 0, len(*list)+len(inner)), (*list)[:i]...)
		}
		switch {
		case inner != nil:
			opened = append(opened, inner...)
		case opened != nil:
			opened = append(opened, *message)
		}
	}
	if opened != nil {
		*list = opened
	}
}

// openContent returns the messages that the content of a message is, nil when it is
// none; JSON that is something else it opens in place.
func openContent(message *sgpspan.Value) sgpspan.Array {
	fields := message.Object()
	if fields == nil {
		return nil
	}
	for i := range *fields {
		f := &(*fields)[i]
		text := f.Value.Text()
		quoted := strings.HasPrefix(text, `"`)
		if f.Key != "content" || !quoted && (!looksLikeJSON(text) || !strings.Contains(text, `"role"`)) {
			continue
		}
		v, ok := sgpspan.JSONValue(text)
		if !ok {
			return nil
		}
		if inner := asMessages(&v, f.Source); inner != nil {
			return inner
		}
		if text := v.Text(); looksLikeJSON(text) {
			if in, ok := sgpspan.JSONValue(text); ok {
				v = in
			}
		}
		f.Value = v.WithSource(f.Value.Source())
		return nil
	}
	return nil
}

// toolCall gives what a tool was called with and has returned the names that they have
// in the conventions, where an instrumentation uses those of a model's call for both.
func (sc *scratch) toolCall() {
	kind, _ := sc.text(roleKind)
	if sc.operation != "execute_tool" && kind != "tool" {
		return
	}
	eino := sc.isEino()
	renameCall(sc.span.Input, "prompt", "arguments", eino)
	renameCall(sc.span.Output, "completion", "result", eino)
}

// renameCall names a field of o another way. Of Eino it is the content of a message.
func renameCall(o sgpspan.Object, from, to string, eino bool) {
	if o.Get(to) != nil {
		return
	}
	for i := range o {
		f := &o[i]
		if f.Key == from {
			f.Key = to
		}
		if list := f.Value.Array(); eino && f.Key == messagesKey && list != nil && len(*list) == 1 {
			if content := (*list)[0].Object().Get("content"); content != nil {
				f.Key, f.Source, f.Value = to, content.Source(), *content
			}
		}
	}
}

// isEino reports whether the span is one of Eino's callbacks.
func (sc *scratch) isEino() bool {
	return sc.has(roleKind) && sc.attr(sc.found[roleKind]).Key == einoKind
}

// isRole reports whether a message of Eino's can have that role.
func isRole(name string) bool {
	switch name {
	case "system", "user", "assistant", "tool":
		return true
	}
	return false
}

// asMessages returns the messages that v is: one, a list of them, or a list of such
// lists. It returns nil when anything in it is no message.
func asMessages(v *sgpspan.Value, source string) sgpspan.Array {
	switch v.Kind() {
	case sgpspan.KindObject:
		if o, _ := v.AppendFields(nil); isRole(o.Get("role").Text()) {
			return sgpspan.Array{v.WithSource(source)}
		}
	case sgpspan.KindArray:
		var all sgpspan.Array
		for i := range *v.Array() {
			inner := asMessages(&(*v.Array())[i], source)
			if inner == nil {
				return nil
			}
			all = append(all, inner...)
		}
		return all
	}
	return nil
}
