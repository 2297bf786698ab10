package mapping

import (
	"strings"

	"go.opentelemetry.io/otel/attribute"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

// valueKey holds a payload that is no object itself.
const valueKey = "value"

// payloads sets input and output: what the application names as such, else what
// the GenAI conventions have, else OpenInference. What has to stand back stays
// among the attributes.
func (sc *scratch) payloads() {
	sc.span.Input = sc.payload(roleSGPInput, false, roleInputValue, roleInputMIME)
	sc.span.Output = sc.payload(roleSGPOutput, true, roleOutputValue, roleOutputMIME)
}

func (sc *scratch) payload(own role, output bool, value, mime role) sgpspan.Object {
	if sc.has(own) {
		kv := sc.attr(own)
		sc.take(own)
		return sc.spread(string(kv.Key), sc.structured(kv, false))
	}
	if o := sc.genAI(output); len(o) > 0 {
		return o
	}
	return sc.openInference(output, value, mime)
}

// genAIFields are the places of the GenAI conventions' payloads.
var genAIFields = [...]struct {
	role   role
	field  string
	output bool
	isJSON bool // the conventions want JSON, not any text
}{
	{roleSystemInstructions, "system_instructions", false, true},
	{roleInputMessages, "messages", false, true},
	{roleToolDefinitions, "tool_definitions", false, true},
	{roleToolArguments, "arguments", false, false},
	{roleRetrievalQuery, "query", false, false},
	{roleMemoryQuery, "query", false, false},
	{roleOutputMessages, "messages", true, true},
	{roleToolResult, "result", true, false},
	{roleDocuments, "documents", true, true},
}

func (sc *scratch) genAI(output bool) sgpspan.Object {
	var o sgpspan.Object
	for i := range genAIFields {
		if f := &genAIFields[i]; f.output == output && sc.has(f.role) && o.Get(f.field) == nil {
			o = sc.add(o, f.field, f.role, f.isJSON)
		}
	}
	if sc.has(roleMemoryRecords) && output == (sc.operation == "search_memory") {
		o = sc.add(o, "records", roleMemoryRecords, true)
	}
	if o.Get("messages") == nil {
		o = sc.olderGenAI(o, output)
	}
	return o
}

// olderGenAI adds the messages of conventions that came before
// gen_ai.input.messages and gen_ai.output.messages.
func (sc *scratch) olderGenAI(o sgpspan.Object, output bool) sgpspan.Object {
	text, field := rolePrompt, "prompt"
	if output {
		text, field = roleCompletion, "completion"
	}
	if sc.has(text) {
		n := len(o)
		o = sc.add(o, field, text, false)
		if o[n].Value.Kind() == sgpspan.KindArray {
			o[n].Key = "messages"
		}
		return o
	}
	if o, added := sc.flatLists(o, output, true); added {
		return o
	}
	return sc.messageEvents(o, output)
}

// openInference returns input or output by OpenInference's attributes.
func (sc *scratch) openInference(output bool, value, mime role) sgpspan.Object {
	var o sgpspan.Object
	o, _ = sc.flatLists(o, output, false)
	if output && sc.has(roleFunctionCall) {
		o = sc.add(o, "function_call", roleFunctionCall, true)
	}
	if !output && sc.has(roleRerankerQuery) {
		o = sc.add(o, "query", roleRerankerQuery, false)
	}
	if !sc.has(value) {
		return o
	}
	kv := sc.attr(value)
	v, mimeType := sc.typed(kv, mime)
	sc.take(value)
	if len(o) == 0 && mimeType == "" {
		return sc.spread(string(kv.Key), v)
	}
	o = sc.grow(o)
	o = append(o, sgpspan.Field{Key: valueKey, Source: string(kv.Key), Value: v})
	if mimeType != "" {
		o = append(o, sgpspan.Field{Key: "mime_type", Source: string(sc.attr(mime).Key), Value: sgpspan.StringValue(mimeType)})
	}
	return o
}

// typed returns the value of kv by its MIME type, and that type when the value
// does not show it. Without one, the value is JSON when it reads as such.
func (sc *scratch) typed(kv *attribute.KeyValue, mime role) (v sgpspan.Value, mimeType string) {
	full, ok := sc.text(mime)
	if ok {
		sc.take(mime)
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

// add adds the attribute with role r to o under the key field.
func (sc *scratch) add(o sgpspan.Object, field string, r role, isJSON bool) sgpspan.Object {
	kv := sc.attr(r)
	o = append(sc.grow(o), sgpspan.Field{
		Key: field, Source: string(kv.Key), Value: sc.structured(kv, isJSON),
	})
	sc.take(r)
	return o
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
