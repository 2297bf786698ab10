package mapping

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

const (
	// valueKey holds a payload that is no object itself.
	valueKey = "value"
	// messagesKey holds the messages of a model's call.
	messagesKey = "messages"
)

// hasPayload reports whether the span says anything of input or output.
func (sc *scratch) hasPayload() bool {
	return len(sc.payloads) > 0 || len(sc.flat) > 0 || len(sc.messages) > 0
}

// sides sets input and output.
func (sc *scratch) sides() {
	sc.span.Input = sc.sideOf(sideInput)
	sc.span.Output = sc.sideOf(sideOutput)
	sc.leaveOutRequest()
	sc.toolCall()
}

// sideOf returns what the span says of one side: what the application names as
// such, else what the dialects have, each as a field of its own. What has no field any
// more stays among the attributes, unless it is known to say the same again.
func (sc *scratch) sideOf(side side) sgpspan.Object {
	var o sgpspan.Object
	for _, p := range sc.payloads {
		if p.key.side == side && p.key.isOwn() {
			kv := sc.attr(p.at)
			sc.take(p.at)
			return sc.spread(string(kv.Key), sc.structured(kv, false))
		}
	}
	empty := -1 // messages that are none: all else goes before them
	for i, p := range sc.ordered() {
		switch {
		case p.key.repeats != "" || !sc.isOn(p.key, side):
		case p.key.field == messagesKey && isEmpty(sc.attr(p.at).Value):
			empty = i
		default:
			o = sc.add(o, &sc.payloads[i])
		}
	}
	o = sc.flatLists(o, side)
	o = sc.messageEvents(o, side)
	for i, p := range sc.payloads {
		if p.key.repeats == "" || !sc.isOn(p.key, side) {
			continue
		}
		if there := o.Get(p.key.repeats); there != nil {
			if p.key.equal && there.Text() != sc.attr(p.at).Value.AsString() {
				continue
			}
			sc.leaveOut(p.at, side, p.key.repeats)
			if side == sideOutput && sc.repeated == 0 && strings.Contains(sc.attr(p.at).Value.AsString(), `"usage"`) {
				sc.repeated = p.at
			}
			if mime := p.key.mimeRole(); p.key.form == formTyped && sc.has(mime) {
				sc.take(sc.found[mime])
			}
			continue
		}
		o = sc.add(o, &sc.payloads[i])
	}
	if len(o) == 0 && empty >= 0 {
		o = sc.add(o, &sc.payloads[empty])
	}
	return o
}

// isEmpty reports whether a list, or text in its place, has nothing in it.
func isEmpty(v attribute.Value) bool {
	if v.Type() != attribute.STRING {
		return v == attribute.Value{} || v == emptyList
	}
	text := v.AsString()
	if len(text) > 16 {
		return false
	}
	switch strings.TrimSpace(text) {
	case "", "null", "[]":
		return true
	}
	return false
}

var emptyList = attribute.SliceValue()

// isOwn reports whether k is what the application says to SGP directly.
func (k *key) isOwn() bool { return k.name == "sgp.input" || k.name == "sgp.output" }

func (sc *scratch) isOn(k *key, side side) bool {
	if k.side == sideOfMemory {
		return (side == sideOutput) == (sc.operation == "search_memory")
	}
	return k.side == side && !k.isOwn()
}

// ordered returns the payloads in the order of their keys in the dialects.
func (sc *scratch) ordered() []payload {
	for i := 1; i < len(sc.payloads); i++ { // they are few, and mostly sorted
		for k := i; k > 0 && keyOf(sc.payloads[k].key.name) < keyOf(sc.payloads[k-1].key.name); k-- {
			sc.payloads[k], sc.payloads[k-1] = sc.payloads[k-1], sc.payloads[k]
		}
	}
	return sc.payloads
}

// leaveOut leaves the attribute at a place out, which repeats a field of a side.
func (sc *scratch) leaveOut(at place, side side, field string) {
	sc.take(at)
	sc.noteRepeated(string(sc.attr(at).Key), side, field)
}

func (sc *scratch) noteRepeated(what string, side side, field string) {
	name := "input"
	if side == sideOutput {
		name = "output"
	}
	if field != "" {
		name += "." + field
	}
	sc.note(what + ": left out, says the same as " + name)
}

// add adds a payload to o, unless its field is there already.
func (sc *scratch) add(o sgpspan.Object, p *payload) sgpspan.Object {
	k, kv := p.key, sc.attr(p.at)
	var v sgpspan.Value
	mime := ""
	switch k.form {
	case formText, formJSON:
		v = sc.structured(kv, k.form == formJSON)
	case formTyped:
		v, mime = sc.typed(kv, k.mimeRole())
	case formPlaceholder:
		if isPlaceholder(kv.Value.AsString()) {
			return o
		}
		v = sc.structured(kv, false)
	case formMessages:
		v = sc.structured(kv, false)
	case formEncoded:
		v = sc.decoded(kv)
		if v.Kind() == sgpspan.KindNull {
			return o
		}
	}
	field := k.field
	if k.form == formMessages || k.form == formEncoded {
		switch {
		case isMessageList(&v, kv):
			field = messagesKey
		case field != "" && len(o) == 0 && hasMessages(&v, kv):
			field = "" // its members take its place
		}
	}
	switch {
	case field == "" && len(o) == 0 && mime == "":
		sc.take(p.at)
		return sc.spread(string(kv.Key), v)
	case field == "":
		if text := kv.Value.AsString(); kv.Value.Type() == attribute.STRING && (text == "{}" || text == "[]") {
			return o
		}
		field = valueKey
	}
	if o.Get(field) != nil {
		return o
	}
	sc.take(p.at)
	o = append(sc.grow(o), sgpspan.Field{Key: field, Source: string(kv.Key), Value: v})
	if mime != "" {
		o = append(o, sgpspan.Field{Key: "mime_type", Source: string(sc.attr(sc.found[k.mimeRole()]).Key), Value: sgpspan.StringValue(mime)})
	}
	return o
}

// isMessageList reports whether v, the value of kv, is a list of messages; of JSON it
// looks at the text: anything else with such keys is shown no worse for it.
func isMessageList(v *sgpspan.Value, kv *attribute.KeyValue) bool {
	switch {
	case v.Kind() != sgpspan.KindArray:
		return false
	case kv.Value.Type() != attribute.STRING:
		return kv.Value.Type() == attribute.SLICE
	}
	text := kv.Value.AsString()
	first := strings.TrimLeft(text, " \t\r\n[")
	return strings.HasPrefix(first, "{") &&
		(strings.Contains(text, `"role"`) || strings.Contains(text, `"Role"`) || strings.Contains(text, `"message"`))
}

// hasMessages reports whether v, the value of kv, is an object with a list of messages.
func hasMessages(v *sgpspan.Value, kv *attribute.KeyValue) bool {
	return v.Kind() == sgpspan.KindObject && strings.Contains(kv.Value.AsString(), `"messages"`)
}

func (k *key) mimeRole() role {
	if k.side == sideOutput {
		return roleOutputMIME
	}
	return roleInputMIME
}

// typed returns the value of kv by its MIME type, and that type when the value
// does not show it. Without one, the value is JSON when it reads as such.
func (sc *scratch) typed(kv *attribute.KeyValue, mime role) (v sgpspan.Value, mimeType string) {
	full, ok := sc.text(mime)
	if ok {
		sc.take(sc.found[mime])
	}
	mimeType, _, _ = strings.Cut(full, ";")
	mimeType = strings.ToLower(strings.TrimSpace(mimeType))
	text := kv.Value.AsString()
	switch {
	case kv.Value.Type() != attribute.STRING:
		return sgpspan.AttributeValue(kv.Value), ""
	case mimeType == "":
		return sc.structured(kv, false), ""
	case mimeType == "text/plain":
		return sgpspan.StringValue(text), ""
	case mimeType == "application/json" || strings.HasSuffix(mimeType, "+json"):
		v, ok := sgpspan.JSONValue(text)
		if !ok {
			sc.note(string(kv.Key) + ": not valid JSON, kept as text")
			v = sgpspan.StringValue(text)
		}
		return v, ""
	}
	return sgpspan.StringValue(text), full
}

// decoded returns the value that an attribute spells in JSON.
func (sc *scratch) decoded(kv *attribute.KeyValue) sgpspan.Value {
	if kv.Value.Type() != attribute.STRING {
		return sgpspan.AttributeValue(kv.Value)
	}
	if v, ok := sgpspan.JSONValue(kv.Value.AsString()); ok {
		return v
	}
	sc.note(string(kv.Key) + ": not valid JSON, kept as text")
	return sgpspan.StringValue(kv.Value.AsString())
}

// grow gives an object that has none yet room for what can become of a payload.
func (sc *scratch) grow(o sgpspan.Object) sgpspan.Object {
	if o == nil {
		return sc.newObject(8)
	}
	return o
}

// structured returns an attribute's value, opened when it is a string that reads
// as a JSON object or array. isJSON says that other text is a fault too.
func (sc *scratch) structured(kv *attribute.KeyValue, isJSON bool) sgpspan.Value {
	if kv.Value.Type() != attribute.STRING {
		return sgpspan.AttributeValue(kv.Value)
	}
	text := kv.Value.AsString()
	if looksLikeJSON(text) {
		if v, ok := sgpspan.JSONValue(text); ok {
			return v
		}
		isJSON = true
	}
	if isJSON {
		sc.note(string(kv.Key) + ": not valid JSON, kept as text")
	}
	return sgpspan.StringValue(text)
}

func looksLikeJSON(text string) bool {
	text = strings.TrimLeft(text, " \t\r\n")
	return text != "" && (text[0] == '{' || text[0] == '[')
}

// spread returns v as an object: itself when it is one, else under "value".
func (sc *scratch) spread(source string, v sgpspan.Value) sgpspan.Object {
	if o := sc.fieldsOf(&v); o != nil {
		for i := range o {
			o[i].Source = source
		}
		return o
	}
	return append(sc.newObject(2), sgpspan.Field{Key: valueKey, Source: source, Value: v})
}
