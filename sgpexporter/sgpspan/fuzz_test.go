package sgpspan

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"go.opentelemetry.io/otel/attribute"
)

// maker makes values of what a fuzzer gives it: as this package has them, and as
// encoding/json does.
type maker struct{ data []byte }

func (m *maker) byte() byte {
	if len(m.data) == 0 {
		return 0
	}
	b := m.data[0]
	m.data = m.data[1:]
	return b
}

func (m *maker) bytes(n int) []byte {
	n = min(n, len(m.data))
	b := m.data[:n]
	m.data = m.data[n:]
	return b
}

func (m *maker) string() string { return string(m.bytes(int(m.byte() % 32))) }

func (m *maker) uint64() uint64 {
	var b [8]byte
	copy(b[:], m.bytes(8))
	return binary.LittleEndian.Uint64(b[:])
}

// clean returns s as it is documented to be encoded.
func clean(s string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(string([]rune(s)), "\uFFFD"), "\x00", "\uFFFD")
}

func plainFloat(f float64) any {
	switch {
	case math.IsNaN(f):
		return "NaN"
	case math.IsInf(f, 1):
		return "Infinity"
	case math.IsInf(f, -1):
		return "-Infinity"
	}
	return f
}

func (m *maker) attribute(depth int) (attribute.Value, any) {
	kinds := byte(9)
	if depth > 0 {
		kinds = 11
	}
	switch m.byte() % kinds {
	case 0:
		return attribute.Value{}, nil
	case 1:
		b := m.byte()%2 == 0
		return attribute.BoolValue(b), b
	case 2:
		i := int64(m.uint64())
		return attribute.Int64Value(i), i
	case 3:
		f := math.Float64frombits(m.uint64())
		return attribute.Float64Value(f), plainFloat(f)
	case 4:
		s := m.string()
		return attribute.StringValue(s), clean(s)
	case 5:
		b := []byte(m.string())
		return attribute.ByteSliceValue(b), b
	case 6:
		a, b := m.string(), m.string()
		return attribute.StringSliceValue([]string{a, b}), []string{clean(a), clean(b)}
	case 7:
		i := []int64{int64(m.uint64()), int64(m.uint64())}
		return attribute.Int64SliceValue(i), i
	case 8:
		f := math.Float64frombits(m.uint64())
		return attribute.Float64SliceValue([]float64{f, 1}), []any{plainFloat(f), 1}
	case 9:
		n := int(m.byte() % 8)
		list, plain := make([]attribute.Value, n), make([]any, n)
		for i := range list {
			list[i], plain[i] = m.attribute(depth - 1)
		}
		return attribute.SliceValue(list...), plain
	}
	n := int(m.byte() % 8)
	list, plain := make([]attribute.KeyValue, 0, n), make(map[string]any, n)
	for range n {
		key := m.string()
		if _, ok := plain[cleanKey(key)]; ok {
			continue
		}
		v, p := m.attribute(depth - 1)
		plain[cleanKey(key)] = p
		list = append(list, attribute.KeyValue{Key: attribute.Key(key), Value: v})
	}
	return attribute.MapValue(list...), plain
}

func (m *maker) value(depth int) (Value, any) {
	kinds := byte(2)
	if depth > 0 {
		kinds = 4
	}
	switch m.byte() % kinds {
	case 0:
		v, p := m.attribute(3)
		return AttributeValue(v), p
	case 1:
		_, p := m.attribute(3)
		text, err := json.Marshal(p)
		if err != nil {
			panic(err)
		}
		v, ok := JSONValue(string(text))
		if !ok {
			panic("not JSON: " + string(text))
		}
		return v, p
	case 2:
		a, plain := Array{}, []any{}
		for range m.byte() % 5 {
			v, p := m.value(depth - 1)
			a, plain = append(a, v), append(plain, p)
		}
		return ArrayValue(&a), plain
	}
	o, p := m.object(depth - 1)
	return ObjectValue(&o), p
}

func (m *maker) object(depth int) (Object, map[string]any) {
	o, plain := Object{}, map[string]any{}
	for range m.byte() % 6 {
		key := m.string()
		if _, ok := plain[cleanKey(key)]; ok {
			continue
		}
		v, p := m.value(depth)
		o = append(o, Field{Key: key, Value: v})
		plain[cleanKey(key)] = p
	}
	return o, plain
}

// cleanKey is what becomes of a short key.
func cleanKey(key string) string {
	if clean(key) == key {
		return key
	}
	sum := sha256.Sum256([]byte(key))
	return clean(key) + "~" + hex.EncodeToString(sum[:8])
}

// plainSpan is a Span for encoding/json.
type plainSpan struct {
	TraceID  string         `json:"trace_id"`
	ID       string         `json:"id,omitempty"`
	Name     string         `json:"name"`
	Start    time.Time      `json:"start_timestamp"`
	End      time.Time      `json:"end_timestamp,omitzero"`
	Type     Type           `json:"type,omitempty"`
	Status   Status         `json:"status,omitempty"`
	Input    map[string]any `json:"input"`
	Output   map[string]any `json:"output"`
	Metadata map[string]any `json:"metadata"`
}

// FuzzAppendJSONAgainstEncodingJSON holds that a span means the same to a
// reader whichever of the two has written it.
func FuzzAppendJSONAgainstEncodingJSON(f *testing.F) {
	f.Add([]byte("\x04abcd"))
	f.Add([]byte("\x05hello\x03\x03\x02\x01a\x0a\x05\x04\x03xyz\x03\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"))
	f.Add([]byte(strings.Repeat("\x03\x05\x0a\x09\x08 \xff\x00\"\\", 20)))
	f.Fuzz(func(t *testing.T, data []byte) {
		m := &maker{data: data}
		name := "n" + m.string()
		start := time.Unix(int64(m.uint64()%(1<<37)), int64(m.uint64()%1e9)).UTC()
		s := &Span{TraceID: "trace", ID: "id", Name: name, Start: start, Type: TypeCustom, Status: StatusError}
		p := plainSpan{TraceID: "trace", ID: "id", Name: clean(name), Start: start, Type: "CUSTOM", Status: "ERROR"}
		if m.byte()%2 == 0 {
			s.End = start.Add(time.Duration(m.uint64() % 1e18))
			p.End = s.End
		}
		s.Input, p.Input = m.object(3)
		s.Output, p.Output = m.object(3)
		s.Metadata, p.Metadata = m.object(3)

		want, err := json.Marshal(p)
		if err != nil {
			t.Skip(err) // a year beyond 9999
		}
		out := s.AppendJSON(nil)
		got := decode(t, string(out)).(map[string]any)
		metadata := got["metadata"].(map[string]any)
		if _, ok := p.Metadata[NotesKey]; ok {
			return // the fuzzer has found the key of the notes
		}
		delete(metadata, NotesKey)
		wanted := decode(t, string(want))
		normalize(wanted)
		normalize(got)
		if a, b := mustMarshal(t, wanted), mustMarshal(t, got); a != b {
			t.Fatalf("encoding/json: %s\nthis package:  %s", a, b)
		}

		// Redaction changes nothing where there is nothing to redact, and
		// always leaves a valid span.
		RedactKeys("no such key")(s)
		if string(s.AppendJSON(nil)) != string(out) {
			t.Fatal("a redactor without a match has changed the span")
		}
		RedactSecrets()(s)
		RedactEmails()(s)
		RedactLong(8)(s)
		decode(t, string(s.AppendJSON(nil)))
	})
}

// normalize makes one spelling of every number.
func normalize(v any) {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			v[k] = normal(v[k])
			normalize(v[k])
		}
	case []any:
		for i := range v {
			v[i] = normal(v[i])
			normalize(v[i])
		}
	}
}

func normal(v any) any {
	n, ok := v.(json.Number)
	if !ok {
		return v
	}
	if i, err := n.Int64(); err == nil {
		return i
	}
	f, _ := n.Float64()
	return f
}

func mustMarshal(t testing.TB, v any) string {
	t.Helper()
	out, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// FuzzJSONValue holds that any text can be put into a span as JSON or as a
// string, and that any limits leave valid JSON.
func FuzzJSONValue(f *testing.F) {
	f.Add(`{"a":[1,"\u0000",{"b":"\ud83d"}]}`, 3, 1)
	f.Add(strings.Repeat(`[{"a":`, 20)+"1e999"+strings.Repeat("}]", 20), 100, 5)
	f.Add("\"\xff\xfe\"", 1, 1)
	f.Fuzz(func(t *testing.T, text string, maxString, maxDepth int) {
		v, ok := JSONValue(text)
		if !ok {
			v = StringValue(text)
		}
		e := Encoder{MaxStringBytes: maxString, MaxDepth: maxDepth}
		s := testSpan()
		s.Name, s.ID, s.GroupID, s.Input = text, text, text, Object{{Key: text, Value: v}}
		decode(t, string(e.AppendJSON(nil, s)))
		s.Input[0].Value.Object()
		s.Input[0].Value.Array()
		decode(t, string(e.AppendJSON(nil, s)))
		RedactSecrets()(s)
		RedactEmails()(s)
		RedactKeys("a*")(s)
		decode(t, string(e.AppendJSON(nil, s)))
	})
}

// FuzzRedactJSONText holds that JSON text is redacted as it stands like what it spells:
// the same as when all of it was opened before.
func FuzzRedactJSONText(f *testing.F) {
	f.Add(`{"a@b.co":[1,"c@d.co",{"password":["x",2,null]}],"list":["--api-key","k","Authorization","y"],"in":"{\\"secret\\":\\"z\\"}"}`)
	f.Add(`[{"name":"Cookie","value":"x"},{"value":"y","name":"Cookie"},"sk-proj-abcdefghijklmnop123",1e9,true]`)
	f.Add("[{\"\x98000\":\"\"}]")
	f.Add(`{"a@b.co":1,"c@d.co":2,"[REDACTED]":3,"":"\u0000 \ud800"}`)
	f.Fuzz(func(t *testing.T, text string) {
		if _, ok := JSONValue(text); !ok {
			return
		}
		for _, redact := range []func(*Span) bool{RedactSecrets(), RedactEmails(), RedactKeys("a*", "input.v.*b"), RedactLong(3)} {
			var results [2]string
			for i := range results {
				s := testSpan()
				v, _ := JSONValue(text)
				if i == 1 {
					openAll(&v)
				}
				s.Input = Object{{Key: "v", Value: v}}
				redact(s)
				got := encoded(t, Encoder{MaxDepth: MaxJSONDepth}, s)
				results[i] = mustMarshal(t, got["input"])
			}
			if results[0] != results[1] {
				t.Fatalf("of text:   %s\nof values: %s", results[0], results[1])
			}
		}
	})
}

// openAll opens all of v.
func openAll(v *Value) {
	if o := v.Object(); o != nil {
		for i := range *o {
			openAll(&(*o)[i].Value)
		}
	}
	if a := v.Array(); a != nil {
		for i := range *a {
			openAll(&(*a)[i])
		}
	}
}
