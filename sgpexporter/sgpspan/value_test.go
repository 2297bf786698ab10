package sgpspan

import (
	"encoding/json"
	"math"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
)

func TestValueKind(t *testing.T) {
	for _, tc := range []struct {
		value Value
		want  Kind
		name  string
	}{
		{Value{}, KindNull, "null"},
		{ObjectValue(nil), KindNull, "null"},
		{ArrayValue(nil), KindNull, "null"},
		{mustJSON(t, `null`), KindNull, "null"},
		{BoolValue(false), KindBool, "bool"},
		{mustJSON(t, `true`), KindBool, "bool"},
		{IntValue(1), KindInt, "int"},
		{mustJSON(t, `-12`), KindInt, "int"},
		{FloatValue(1), KindFloat, "float"},
		{mustJSON(t, `1.0`), KindFloat, "float"},
		{mustJSON(t, `9223372036854775808`), KindFloat, "float"},
		{StringValue(""), KindString, "string"},
		{mustJSON(t, `""`), KindString, "string"},
		{AttributeValue(attribute.ByteSliceValue(nil)), KindBytes, "bytes"},
		{ArrayValue(&Array{}), KindArray, "array"},
		{mustJSON(t, `[]`), KindArray, "array"},
		{AttributeValue(attribute.StringSliceValue(nil)), KindArray, "array"},
		{AttributeValue(attribute.SliceValue()), KindArray, "array"},
		{ObjectValue(&Object{}), KindObject, "object"},
		{mustJSON(t, `{}`), KindObject, "object"},
		{AttributeValue(attribute.MapValue()), KindObject, "object"},
		{AttributesValue(nil), KindNull, "null"},
		{AttributesValue(&[]attribute.KeyValue{}), KindObject, "object"},
	} {
		assert.Equal(t, tc.want, tc.value.Kind(), "%+v", tc.value)
		assert.Equal(t, tc.name, tc.want.String())
	}
	assert.Equal(t, "Kind(99)", Kind(99).String())
}

// Attributes are an object to be read and changed, and are not changed themselves.
func TestAttributesValue(t *testing.T) {
	attrs := []attribute.KeyValue{
		attribute.String("user.email", "someone@example.com"), attribute.Int("n", 7),
		attribute.Map("m", attribute.String("mail", "someone@example.com")), attribute.Float64("nan", math.NaN()),
	}
	s := testSpan()
	s.Metadata = Object{{Key: "attributes", Value: AttributesValue(&attrs)}}
	assert.Contains(t, string(Encoder{}.AppendJSON(nil, s)), `"metadata":{"attributes":{`+
		`"user.email":"someone@example.com","n":7,"m":{"mail":"someone@example.com"},"nan":"NaN"},`+
		`"otel_sgp_notes":["metadata.attributes.nan: number that JSON does not have, kept as a string"]}`)

	s.Metadata.Get("attributes").Object().Set("n", StringValue("changed"))
	assert.Equal(t, "changed", s.Metadata.Get("attributes").Object().Get("n").Text())
	assert.Equal(t, int64(7), attrs[1].Value.AsInt64())
	RedactEmails()(s)
	assert.NotContains(t, string(Encoder{}.AppendJSON(nil, s)), "example.com")
	assert.Equal(t, "someone@example.com", attrs[0].Value.AsString())
}

func TestValueReads(t *testing.T) {
	read := func(v Value) [4]any { return [4]any{v.Text(), v.Int(), v.Float(), v.Bool()} }
	assert.Equal(t, [4]any{"a", int64(0), 0.0, false}, read(StringValue("a")))
	assert.Equal(t, [4]any{"ab", int64(0), 0.0, false}, read(AttributeValue(attribute.ByteSliceValue([]byte("ab")))))
	assert.Equal(t, [4]any{"", int64(7), 7.0, false}, read(IntValue(7)))
	assert.Equal(t, [4]any{"", int64(7), 7.0, false}, read(mustJSON(t, "7")))
	assert.Equal(t, [4]any{"", int64(0), 0.5, false}, read(FloatValue(0.5)))
	assert.Equal(t, [4]any{"", int64(0), 0.5, false}, read(mustJSON(t, "5e-1")))
	assert.Equal(t, [4]any{"", int64(0), math.Inf(1), false}, read(mustJSON(t, "1e999")))
	assert.Equal(t, [4]any{"", int64(0), 0.0, true}, read(BoolValue(true)))
	assert.Equal(t, [4]any{"", int64(0), 0.0, false}, read(Value{}))
	var none *Value
	assert.Equal(t, KindNull, none.Kind())
	assert.Nil(t, none.Object())
	assert.Nil(t, none.Array())
	assert.Empty(t, none.Text())
	assert.False(t, none.Bool())
}

func TestValueOpens(t *testing.T) {
	for _, v := range []Value{
		mustJSON(t, ` {"a": [1, "x", {"b\n": true}], "c": null} `),
		AttributeValue(attribute.MapValue(
			attribute.Slice("a", attribute.IntValue(1), attribute.StringValue("x"), attribute.MapValue(attribute.Bool("b\n", true))),
			attribute.KeyValue{Key: "c"})),
		ObjectValue(&Object{
			{Key: "a", Value: ArrayValue(&Array{IntValue(1), StringValue("x"), ObjectValue(&Object{{Key: "b\n", Value: BoolValue(true)}})})},
			{Key: "c"},
		}),
	} {
		require.Equal(t, KindObject, v.Kind())
		assert.Nil(t, v.Array())
		list := v.Object().Get("a").Array()
		require.Len(t, *list, 3)
		assert.EqualValues(t, 1, (*list)[0].Int())
		assert.Nil(t, (*list)[0].Object())
		assert.Equal(t, "x", (*list)[1].Text())
		assert.True(t, (*list)[2].Object().Get("b\n").Bool())
		assert.Equal(t, KindNull, v.Object().Get("c").Kind())

		(*list)[0] = StringValue("changed")
		v.Object().Get("a").Array()
		out, notes := Encoder{}.AppendValue(nil, "v", &v)
		assert.Empty(t, notes)
		assertSameJSON(t, `{"a":["changed","x",{"b\n":true}],"c":null}`, string(out))
	}
}

func TestArrayOpensEachSlice(t *testing.T) {
	for want, attr := range map[string]attribute.Value{
		`[true,false]`: attribute.BoolSliceValue([]bool{true, false}),
		`[1,2]`:        attribute.Int64SliceValue([]int64{1, 2}),
		`[0.5]`:        attribute.Float64SliceValue([]float64{0.5}),
		`["a","b"]`:    attribute.StringSliceValue([]string{"a", "b"}),
		`[null,{}]`:    attribute.SliceValue(attribute.Value{}, attribute.MapValue()),
	} {
		v := AttributeValue(attr)
		require.NotNil(t, v.Array())
		require.Equal(t, formArray, v.form)
		out, _ := Encoder{}.AppendValue(nil, "v", &v)
		assert.Equal(t, want, string(out))
	}
}

func TestJSONValueThatIsNot(t *testing.T) {
	for _, text := range []string{"", "  ", "nope", "{", `{"a":1} x`, strings.Repeat("[", 129) + strings.Repeat("]", 129)} {
		v, ok := JSONValue(text)
		assert.False(t, ok, text)
		assert.Equal(t, KindNull, v.Kind())
	}
}

func TestAppendJSONFields(t *testing.T) {
	o, ok := AppendJSONFields(Object{{Key: "first"}}, " {\"a\" : {\"b\":[]} ,\"c\":\"d\"}\n")
	require.True(t, ok)
	require.Len(t, o, 3)
	assert.Equal(t, []string{"first", "a", "c"}, []string{o[0].Key, o[1].Key, o[2].Key})
	assert.Equal(t, "d", o[2].Value.Text())
	for _, text := range []string{"", "[]", `"a"`, `{"a":}`, "null"} {
		o, ok = AppendJSONFields(Object{{Key: "first"}}, text)
		assert.False(t, ok)
		assert.Len(t, o, 1)
	}
}

func TestAppendFields(t *testing.T) {
	attrs := []attribute.KeyValue{attribute.Int("a", 1), attribute.String("b", "x")}
	for _, v := range []Value{
		mustJSON(t, ` {"a": 1, "b" :"x"}`), AttributesValue(&attrs), AttributeValue(attribute.MapValue(attrs...)),
		ObjectValue(&Object{{Key: "a", Value: IntValue(1)}, {Key: "b", Value: StringValue("x")}}),
	} {
		before := v
		o, ok := v.AppendFields(Object{{Key: "first"}})
		require.True(t, ok)
		assert.Equal(t, before, v, "opened")
		all := ObjectValue(&o)
		out, _ := Encoder{}.AppendValue(nil, "v", &all)
		assert.Equal(t, `{"first":null,"a":1,"b":"x"}`, string(out))
	}
	var none *Value
	for _, v := range []*Value{none, {}, {attr: attribute.StringValue(`{"a":1}`)}} {
		o, ok := v.AppendFields(Object{{Key: "first"}})
		assert.False(t, ok)
		assert.Equal(t, Object{{Key: "first"}}, o)
	}
}

func TestObject(t *testing.T) {
	o := Object{{Key: "a", Value: IntValue(1)}, {Key: "b"}, {Key: "a", Value: IntValue(2)}}
	assert.EqualValues(t, 1, o.Get("a").Int())
	assert.Nil(t, o.Get("x"))
	o.Set("a", IntValue(3))
	assert.EqualValues(t, 3, o.Get("a").Int())
	o.Set("c", IntValue(4))
	assert.EqualValues(t, 4, o[3].Value.Int())
	assert.True(t, o.Delete("a"))
	assert.False(t, o.Delete("a"))
	assert.Len(t, o, 2)
	var none *Object
	assert.Nil(t, none.Get("a"))
	assert.False(t, none.Delete("a"))
	none.Set("a", Value{})
	var empty Object
	empty.Set("a", BoolValue(true))
	assert.Len(t, empty, 1)
}

func TestParseType(t *testing.T) {
	for name, want := range map[string]Type{
		"COMPLETION": "COMPLETION", "completion": "COMPLETION", " Agent_Workflow ": "AGENT_WORKFLOW", "": "", "LLM": "",
	} {
		got, ok := ParseType(name)
		assert.Equal(t, want, got)
		assert.Equal(t, want != "", ok)
	}
}

func TestTypesAndStatusesOfTheAPI(t *testing.T) {
	const types = "TEXT_INPUT TEXT_OUTPUT COMPLETION_INPUT COMPLETION KB_RETRIEVAL KB_INPUT RERANKING EXTERNAL_ENDPOINT " +
		"PROMPT_ENGINEERING DOCUMENT_INPUT MAP_REDUCE DOCUMENT_SEARCH DOCUMENT_PROMPT CUSTOM CODE_EXECUTION " +
		"DATA_MANIPULATION EVALUATION FILE_RETRIEVAL KB_ADD_CHUNK KB_MANAGEMENT GUARDRAIL TRACER AGENT_TRACER " +
		"AGENT_WORKFLOW STANDALONE"
	for _, name := range strings.Fields(types) {
		assert.True(t, Type(name).Valid(), name)
	}
	assert.False(t, Type("").Valid())
	assert.False(t, Type("completion").Valid())
	for _, name := range []string{"SUCCESS", "ERROR", "CANCELED"} {
		assert.True(t, Status(name).Valid(), name)
	}
	assert.False(t, Status("CANCELLED").Valid())
}

// Numbers are written as encoding/json writes them, those of few digits too.
func TestFloats(t *testing.T) {
	numbers := []float64{
		0, math.Copysign(0, -1), 1, -1, 0.1, -0.1, 0.001, 0.0005, 0.75, 1.05, 12.34, 99.999, -99.999, 100, 1e3, 123456789012.345, 999999999999.999,
		1e12, 1e15, 1e20, 1e21, 1e-6, 1e-7, 0.1 + 0.2, 1.0 / 3, math.MaxFloat64, math.SmallestNonzeroFloat64, 1<<53 + 2,
	}
	for n := range 2000 {
		numbers = append(numbers, float64(n)/1000, math.Nextafter(float64(n)/1000, 1), -float64(n)*1e9/1000, float64(n)*1e12/1000+0.001)
	}
	for _, f := range numbers {
		want, err := json.Marshal(f)
		require.NoError(t, err)
		v := FloatValue(f)
		got, notes := Encoder{}.AppendValue(nil, "v", &v)
		assert.Equal(t, strings.Replace(string(want), "e-0", "e-", 1), strings.Replace(string(got), "e-0", "e-", 1))
		assert.Empty(t, notes)
	}
}
