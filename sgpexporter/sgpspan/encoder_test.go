package sgpspan

import (
	"encoding/json"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
)

func TestAppendJSON(t *testing.T) {
	s := testSpan()
	s.ParentID, s.GroupID = "53995c3f42cd8ad8", "conversation-1"
	s.Type, s.Status = TypeCompletion, StatusSuccess
	s.ObsTraceID, s.ObsSpanID = s.TraceID, s.ID
	s.Input = Object{{Key: "question", Value: StringValue("why?")}}
	s.Output = Object{}
	s.Metadata = Object{
		{Key: "null"},
		{Key: "bool", Value: BoolValue(true)},
		{Key: "int", Value: IntValue(math.MinInt64)},
		{Key: "float", Value: FloatValue(0.1)},
		{Key: "whole", Value: FloatValue(3)},
		{Key: "large", Value: FloatValue(1e21)},
		{Key: "small", Value: FloatValue(1e-7)},
		{Key: "bytes", Value: AttributeValue(attribute.ByteSliceValue([]byte{0, 255, 1}))},
		{Key: "bools", Value: AttributeValue(attribute.BoolSliceValue([]bool{true, false}))},
		{Key: "ints", Value: AttributeValue(attribute.Int64SliceValue([]int64{1, -2}))},
		{Key: "floats", Value: AttributeValue(attribute.Float64SliceValue([]float64{0.5, 2}))},
		{Key: "strings", Value: AttributeValue(attribute.StringSliceValue([]string{"a", `"`}))},
		{Key: "slice", Value: AttributeValue(attribute.SliceValue(attribute.IntValue(1), attribute.StringValue("x"), attribute.Value{}))},
		{Key: "map", Value: AttributeValue(attribute.MapValue(attribute.Int("b", 1), attribute.Map("a")))},
		{Key: "array", Value: ArrayValue(&Array{IntValue(1), ObjectValue(&Object{})})},
		{Key: "json", Value: mustJSON(t, ` {"deep": [1, 2.50, "x\/y"]} `)},
		{Key: "number", Value: mustJSON(t, `12345678901234567890.5`)},
		{Key: "ke\"y", Value: mustJSON(t, `"caf\u00e9"`)},
	}

	got := string(s.AppendJSON(nil))

	assert.Equal(t, `{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","id":"00f067aa0ba902b7",`+
		`"parent_id":"53995c3f42cd8ad8","group_id":"conversation-1","name":"test",`+
		`"start_timestamp":"2026-03-04T05:06:07.089Z","end_timestamp":"2026-03-04T05:06:08.589Z",`+
		`"type":"COMPLETION","status":"SUCCESS",`+
		`"obs_trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","obs_span_id":"00f067aa0ba902b7",`+
		`"input":{"question":"why?"},"output":{},"metadata":{"null":null,"bool":true,`+
		`"int":-9223372036854775808,"float":0.1,"whole":3,"large":1e+21,"small":1e-07,"bytes":"AP8B",`+
		`"bools":[true,false],"ints":[1,-2],"floats":[0.5,2],"strings":["a","\""],`+
		`"slice":[1,"x",null],"map":{"a":{},"b":1},"array":[1,{}],`+
		`"json":{"deep": [1, 2.50, "x\/y"]},"number":12345678901234567890.5,"ke\"y":"café"}}`, got)
}

func mustJSON(t testing.TB, text string) Value {
	t.Helper()
	v, ok := JSONValue(text)
	require.True(t, ok, text)
	return v
}

func TestAppendTime(t *testing.T) {
	for want, in := range map[string]time.Time{
		"0001-01-01T00:00:00Z":           {},
		"0000-12-31T23:59:59Z":           time.Time{}.Add(-time.Second),
		"1969-12-31T23:59:59.5Z":         time.Unix(-1, 500_000_000),
		"2024-02-29T12:00:00.000000001Z": time.Date(2024, 2, 29, 14, 0, 0, 1, time.FixedZone("", 7200)),
		"2026-10-11T09:08:07.1234Z":      time.Date(2026, 10, 11, 9, 8, 7, 123_400_000, time.UTC),
		"9999-12-31T23:59:59.999999999Z": time.Date(9999, 12, 31, 23, 59, 59, 999_999_999, time.UTC),
		"12000-01-01T00:00:00Z":          time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC),
	} {
		assert.Equal(t, want, string(AppendTime(nil, in)))
	}
}

func TestAppendJSONOfSpanInProgress(t *testing.T) {
	s := testSpan()
	s.End = time.Time{}
	assert.Equal(t, `{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","id":"00f067aa0ba902b7","name":"test",`+
		`"start_timestamp":"2026-03-04T05:06:07.089Z"}`, string(s.AppendJSON(nil)))
}

func TestAppendJSONDoesNotChangeTheSpan(t *testing.T) {
	s := testSpan()
	s.Notes = []string{"one"}
	s.Metadata = Object{{Key: "raw", Value: mustJSON(t, `{"a":"\u0000"}`)}}
	first := string(s.AppendJSON(nil))
	assert.Equal(t, first, string(s.AppendJSON(nil)))
	assert.Len(t, s.Metadata, 1)
	assert.Equal(t, []string{"one"}, s.Notes)
}

// TestRepairs holds each repair, and its note.
func TestRepairs(t *testing.T) {
	long := strings.Repeat("x", 257)
	for _, tc := range []struct {
		name    string
		encoder Encoder
		change  func(s *Span)
		field   string // of the span, dots between levels
		want    any
		note    string
	}{
		{
			name: "end before start", change: func(s *Span) { s.End = s.Start.Add(-time.Second) },
			field: "end_timestamp", want: "2026-03-04T05:06:07.089Z",
			note: "end_timestamp: was before start_timestamp and is set to it, was 2026-03-04T05:06:06.089Z",
		},
		{
			name: "start too late", change: func(s *Span) { s.Start = time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC); s.End = time.Time{} },
			field: "start_timestamp", want: "9999-12-31T23:59:59.999999999Z",
			note: "start_timestamp: out of range, was 253402300800 s from 1970",
		},
		{
			name: "start too early", change: func(s *Span) { s.Start = time.Date(-5, 1, 1, 0, 0, 0, 0, time.UTC) },
			field: "start_timestamp", want: "0001-01-01T00:00:00Z",
			note: "start_timestamp: out of range, was -62324985600 s from 1970",
		},
		{
			name: "end too late", change: func(s *Span) { s.End = time.Date(20000, 1, 1, 0, 0, 0, 0, time.UTC) },
			field: "end_timestamp", want: "9999-12-31T23:59:59.999999999Z",
			note: "end_timestamp: out of range, was 568971820800 s from 1970",
		},
		{
			name: "long trace id", change: func(s *Span) { s.TraceID = long },
			field: "trace_id", want: strings.Repeat("x", 223) + "~15eb95a462ee20bd91a415ae2d4aed34",
			note: "trace_id: shortened to a prefix and a hash, had 257 bytes",
		},
		{
			name: "long id, cut between runes", change: func(s *Span) { s.ID = strings.Repeat("é", 129) },
			field: "id", want: strings.Repeat("é", 111) + "~a62bf20794e9afb2766a5305affe5393",
			note: "id: shortened to a prefix and a hash, had 258 bytes",
		},
		{
			name: "group not UTF-8", change: func(s *Span) { s.GroupID = "a\xff\x00" },
			field: "group_id", want: "a\uFFFD\uFFFD~d4d112a322721fb7df0e72ac903e0c60",
			note: "group_id: had NUL or bytes that are not UTF-8, replaced and made unique with a hash",
		},
		{
			name: "long parent", change: func(s *Span) { s.ParentID = long },
			field: "parent_id", want: strings.Repeat("x", 223) + "~15eb95a462ee20bd91a415ae2d4aed34",
			note: "parent_id: shortened to a prefix and a hash, had 257 bytes",
		},
		{
			name: "name not UTF-8", change: func(s *Span) { s.Name = "a\xffb" },
			field: "name", want: "a\uFFFDb", note: "name: had NUL or bytes that are not UTF-8, replaced by U+FFFD",
		},
		{
			name: "no name", change: func(s *Span) { s.Name = "" },
			field: "name", want: "unnamed", note: "name: was empty",
		},
		{
			name: "NUL in a value", change: func(s *Span) { s.Input = Object{{Key: "a", Value: StringValue("x\x00y")}} },
			field: "input.a", want: "x\uFFFDy", note: "input.a: had NUL or bytes that are not UTF-8, replaced by U+FFFD",
		},
		{
			name: "key not UTF-8", change: func(s *Span) { s.Input = Object{{Key: "a\xff", Value: IntValue(1)}} },
			field: "input.a\uFFFD~8dd06b5ab6b59425", want: json.Number("1"), note: "input: had NUL or bytes that are not UTF-8, replaced by U+FFFD",
		},
		{
			name: "NUL in JSON text", change: func(s *Span) { s.Output = Object{{Key: "a", Value: mustJSON(t, `{"b":["x\u0000y"]}`)}} },
			field: "output.a.b", want: []any{"x\uFFFDy"}, note: "output.a.b: had NUL or bytes that are not UTF-8, replaced by U+FFFD",
		},
		{
			name: "half a surrogate pair", change: func(s *Span) { s.Output = Object{{Key: "a", Value: mustJSON(t, `{"b":"x\ud83dy"}`)}} },
			field: "output.a.b", want: "x\uFFFDy", note: "output.a.b: had NUL or bytes that are not UTF-8, replaced by U+FFFD",
		},
		{
			name: "number beyond float64", change: func(s *Span) { s.Output = Object{{Key: "a", Value: mustJSON(t, `{"b":1e999}`)}} },
			field: "output.a.b", want: "1e999", note: "output.a.b: number beyond the range of float64, kept as a string",
		},
		{
			name: "number alone beyond float64", change: func(s *Span) { s.Output = Object{{Key: "a", Value: mustJSON(t, `-1e999`)}} },
			field: "output.a", want: "-1e999", note: "output.a: number beyond the range of float64, kept as a string",
		},
		{
			name: "NaN", change: func(s *Span) { s.Metadata = Object{{Key: "a", Value: FloatValue(math.NaN())}} },
			field: "metadata.a", want: "NaN", note: "metadata.a: number that JSON does not have, kept as a string",
		},
		{
			name: "infinity", change: func(s *Span) { s.Metadata = Object{{Key: "a", Value: FloatValue(math.Inf(1))}} },
			field: "metadata.a", want: "Infinity", note: "metadata.a: number that JSON does not have, kept as a string",
		},
		{
			name: "infinity in a slice", change: func(s *Span) {
				s.Metadata = Object{{Key: "a", Value: AttributeValue(attribute.Float64SliceValue([]float64{1, math.Inf(-1)}))}}
			},
			field: "metadata.a", want: []any{json.Number("1"), "-Infinity"},
			note: "metadata.a: number that JSON does not have, kept as a string",
		},
		{
			name: "long string", encoder: Encoder{MaxStringBytes: 10},
			change: func(s *Span) { s.Input = Object{{Key: "a", Value: StringValue("123456789é, and more")}} },
			field:  "input.a", want: "123456789", note: "input.a: cut, had 21 bytes",
		},
		{
			name: "long string in JSON text", encoder: Encoder{MaxStringBytes: 10},
			change: func(s *Span) {
				s.Input = Object{{Key: "a", Value: mustJSON(t, `{"short":"é\n","long":"123456789\u00e9, and more"}`)}}
			},
			field: "input.a", want: map[string]any{"short": "é\n", "long": "123456789"}, note: "input.a.long: cut, had 21 bytes",
		},
		{
			name: "long name", encoder: Encoder{MaxStringBytes: 3}, change: func(s *Span) { s.Name = "abcdef" },
			field: "name", want: "abc", note: "name: cut, had 6 bytes",
		},
		{
			name: "long bytes", encoder: Encoder{MaxStringBytes: 8},
			change: func(s *Span) {
				s.Input = Object{{Key: "a", Value: AttributeValue(attribute.ByteSliceValue([]byte("0123456789")))}}
			},
			field: "input.a", want: "MDEyMzQ1", note: "input.a: cut, had 10 bytes",
		},
		{
			name: "deep attribute", encoder: Encoder{MaxDepth: 2},
			change: func(s *Span) {
				s.Input = Object{{Key: "a", Value: AttributeValue(
					attribute.MapValue(attribute.Map("b", attribute.Map("c", attribute.Int("d", 1)), attribute.Int("e", 2))))}}
			},
			field: "input.a", want: map[string]any{"b": map[string]any{"c": "[nested too deep]", "e": json.Number("2")}},
			note: "input.a.b.c: nested deeper than 2, left out",
		},
		{
			name: "deep JSON text", encoder: Encoder{MaxDepth: 2},
			change: func(s *Span) {
				s.Input = Object{{Key: "a", Value: mustJSON(t, `{"b":{"c":{"d":[1, 2]},"e":2}}`)}}
			},
			field: "input.a", want: map[string]any{"b": map[string]any{"c": `{"d":[1, 2]}`, "e": json.Number("2")}},
			note: "input.a.b.c: nested deeper than 2, kept as text",
		},
		{
			name: "unknown type", change: func(s *Span) { s.Type = "MINE" },
			field: "type", want: nil, note: "type: left out: not a type of SGP",
		},
		{
			name: "unknown status", change: func(s *Span) { s.Status = "FINE" },
			field: "status", want: nil, note: "status: left out: not a status of SGP",
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := testSpan()
			tc.change(s)
			got := encoded(t, tc.encoder, s)
			var field any = got
			for _, name := range strings.Split(tc.field, ".") {
				field = field.(map[string]any)[name]
			}
			assert.Equal(t, tc.want, field)
			assert.Equal(t, []any{tc.note}, notes(t, got))
		})
	}
}

func TestNoRepairOfWhatIsWithinTheLimits(t *testing.T) {
	s := testSpan()
	s.ID = strings.Repeat("x", 256)
	s.End = s.Start
	s.Name = "é\n"
	s.Input = Object{
		{Key: "a", Value: mustJSON(t, `[["12345678"]]`)},
		{Key: "b", Value: AttributeValue(attribute.SliceValue(attribute.SliceValue(attribute.StringValue("12345678"))))},
	}
	got := encoded(t, Encoder{MaxDepth: 2, MaxStringBytes: 8}, s)
	assert.Equal(t, s.ID, got["id"])
	assert.Equal(t, "2026-03-04T05:06:07.089Z", got["end_timestamp"])
	assert.NotContains(t, got, "metadata")
}

func TestNotesFollowTheMetadata(t *testing.T) {
	for _, tc := range []struct {
		metadata Object
		want     string
	}{
		{nil, `,"metadata":{"otel_sgp_notes":["one","two","type: left out: not a type of SGP"]}}`},
		{Object{}, `,"metadata":{"otel_sgp_notes":["one","two","type: left out: not a type of SGP"]}}`},
		{Object{{Key: "a", Value: IntValue(1)}}, `,"metadata":{"a":1,"otel_sgp_notes":["one","two","type: left out: not a type of SGP"]}}`},
	} {
		s := testSpan()
		s.Type, s.Notes, s.Metadata = "X", []string{"one", "two"}, tc.metadata
		got := string(s.AppendJSON(nil))
		assert.True(t, strings.HasSuffix(got, tc.want), got)
	}
}

func TestNotesAreBounded(t *testing.T) {
	s := testSpan()
	for range 20 {
		s.Input = append(s.Input, Field{Key: strings.Repeat("k", 500), Value: StringValue("\x00")})
	}
	list := notes(t, encoded(t, Encoder{}, s))
	require.Len(t, list, 17)
	assert.Equal(t, "input."+strings.Repeat("k", 122)+": had NUL or bytes that are not UTF-8, replaced by U+FFFD", list[15])
	assert.Equal(t, "and 4 more repairs", list[16])
}

func TestObservabilityIDsThatAreNot(t *testing.T) {
	for _, tc := range []struct{ trace, span, wantTrace, wantSpan any }{
		{"4BF92F3577B34DA6A3CE929D0E0E4736", "00f067aa0ba902b7", nil, nil},
		{"short", "00f067aa0ba902b7", nil, nil},
		{"4bf92f3577b34da6a3ce929d0e0e4736", "x0f067aa0ba902b7", "4bf92f3577b34da6a3ce929d0e0e4736", nil},
	} {
		s := testSpan()
		s.ObsTraceID, s.ObsSpanID = tc.trace.(string), tc.span.(string)
		got := encoded(t, Encoder{}, s)
		assert.Equal(t, tc.wantTrace, got["obs_trace_id"])
		assert.Equal(t, tc.wantSpan, got["obs_span_id"])
	}
}

func TestObjectInItselfIsEncoded(t *testing.T) {
	loop := Object{{Key: "a"}}
	loop[0].Value = ObjectValue(&loop)
	s := testSpan()
	s.Input = loop
	got := encoded(t, Encoder{MaxDepth: 1}, s)
	assert.Equal(t, []any{"input" + strings.Repeat(".a", 10) + ": nested deeper than 1, left out"}, notes(t, got))
}

func TestEncoderConcurrentSafe(t *testing.T) {
	s := testSpan()
	s.Input = Object{{Key: "a", Value: StringValue("\x00")}}
	want := string(s.AppendJSON(nil))
	done := make(chan string)
	for range 4 {
		go func() {
			var last string
			for range 50 {
				if last = string(s.AppendJSON(nil)); last != want {
					break
				}
			}
			done <- last
		}()
	}
	for range 4 {
		assert.Equal(t, want, <-done)
	}
}

// Members that spans share stand before the metadata and its notes, whichever there are.
func TestCommonMembers(t *testing.T) {
	common, notes := Encoder{}.EncodeMembers(Object{{Key: "a", Value: StringValue("\xff")}, {Key: "b", Value: IntValue(1)}})
	assert.Equal(t, []string{"metadata.a: had NUL or bytes that are not UTF-8, replaced by U+FFFD"}, notes)
	none, _ := Encoder{}.EncodeMembers(nil)
	own := Object{{Key: "c", Value: BoolValue(true)}}
	for _, tc := range []struct {
		common Members
		own    Object
		notes  []string
		want   string // after the start
	}{
		{none, nil, nil, `}`},
		{none, Object{}, nil, `,"metadata":{}}`},
		{none, own, nil, `,"metadata":{"c":true}}`},
		{none, nil, []string{"n"}, `,"metadata":{"otel_sgp_notes":["n"]}}`},
		{common, nil, nil, `,"metadata":{"a":"�","b":1}}`},
		{common, own, nil, `,"metadata":{"a":"�","b":1,"c":true}}`},
		{common, nil, []string{"n"}, `,"metadata":{"a":"�","b":1,"otel_sgp_notes":["n"]}}`},
		{common, own, []string{"n", "m"}, `,"metadata":{"a":"�","b":1,"c":true,"otel_sgp_notes":["n","m"]}}`},
	} {
		s := Span{TraceID: "t", Name: "n", Start: time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC), Common: tc.common, Metadata: tc.own, Notes: tc.notes}
		want := `{"trace_id":"t","name":"n","start_timestamp":"2026-03-04T05:06:07Z"` + tc.want
		assert.Equal(t, want, string(s.AppendJSON(nil)))
	}
}
