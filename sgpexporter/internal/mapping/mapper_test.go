package mapping

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
)

func TestIdentity(t *testing.T) {
	s := stub()
	s.Parent = spanContext(testTraceID, testParentID, true)
	got := item(t, Config{}, end(s))
	assert.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", got["trace_id"])
	assert.Equal(t, "00f067aa0ba902b7", got["id"])
	assert.Equal(t, "53995c3f42cd8ad8", got["parent_id"], "a remote parent is a parent")
	assert.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", got["obs_trace_id"])
	assert.Equal(t, "00f067aa0ba902b7", got["obs_span_id"])
	assert.Equal(t, true, at(got, "metadata", "parent_is_remote"))

	got = item(t, Config{}, end(stub()))
	assert.NotContains(t, got, "parent_id")
	assert.NotContains(t, got["metadata"], "parent_is_remote")
}

func TestIdentityAsUUIDs(t *testing.T) {
	s := stub()
	s.Parent = spanContext(testTraceID, testParentID, false)
	child := item(t, Config{IDs: UUIDs}, end(s))
	assert.Equal(t, "4bf92f35-77b3-4da6-a3ce-929d0e0e4736", child["trace_id"])
	// The first 16 bytes of SHA-256(trace id, span id), version 8 and variant set.
	assert.Equal(t, uuidOfSpan, child["id"])
	assert.Equal(t, uuidOfParent, child["parent_id"])
	assert.Equal(t, "4bf92f3577b34da6a3ce929d0e0e4736", child["obs_trace_id"])
	assert.Equal(t, "00f067aa0ba902b7", child["obs_span_id"])

	assert.Equal(t, uuidOfSpan, item(t, Config{IDs: UUIDs}, start(s))["id"], "START and END differ")

	s.SpanContext, s.Parent = spanContext(testTraceID, testParentID, false), trace.SpanContext{}
	assert.Equal(t, uuidOfParent, item(t, Config{IDs: UUIDs}, end(s))["id"], "the parent has another id than its child says")

	s.SpanContext = spanContext(trace.TraceID{1}, testSpanID, false)
	assert.NotEqual(t, uuidOfSpan, item(t, Config{IDs: UUIDs}, end(s))["id"], "one span id in two traces")
}

func TestIDFormatString(t *testing.T) {
	assert.Equal(t, "HexIDs UUIDs IDFormat(9)", HexIDs.String()+" "+UUIDs.String()+" "+IDFormat(9).String())
}

func TestParentThatWouldBeRefused(t *testing.T) {
	s := stub()
	s.Parent = spanContext(trace.TraceID{9}, testParentID, false)
	got := item(t, Config{}, end(s))
	assert.NotContains(t, got, "parent_id")
	requireJSON(t, `["parent_id: left out, the parent is in another trace"]`, at(got, "metadata", "otel_sgp_notes"))

	s.Parent = s.SpanContext
	got = item(t, Config{}, end(s))
	assert.NotContains(t, got, "parent_id")
	requireJSON(t, `["parent_id: left out, it was the span's own id"]`, at(got, "metadata", "otel_sgp_notes"))
}

func TestTimesAndPhase(t *testing.T) {
	s := stub()
	s.StartTime = testStart.In(time.FixedZone("east", 2*3600))
	first, last := item(t, Config{}, start(s)), item(t, Config{}, end(s))
	assert.Equal(t, "2026-03-04T05:06:07.890123456Z", first["start_timestamp"])
	assert.Equal(t, "2026-03-04T05:06:07.890123456Z", last["start_timestamp"])
	assert.NotContains(t, first, "end_timestamp")
	assert.NotContains(t, first, "status")
	assert.Equal(t, "2026-03-04T05:06:08.890123456Z", last["end_timestamp"])
	assert.Equal(t, "SUCCESS", last["status"])
	assert.Equal(t, "test", first["name"])
}

func TestRepairsOfTimes(t *testing.T) {
	s := stub()
	s.EndTime = testStart.Add(-time.Minute)
	got := item(t, Config{}, end(s))
	assert.Equal(t, got["start_timestamp"], got["end_timestamp"])
	requireJSON(t, `["end_timestamp: was before start_timestamp and is set to it, was 2026-03-04T05:05:07.890123456Z"]`,
		at(got, "metadata", "otel_sgp_notes"))

	s.EndTime = time.Time{}
	got = item(t, Config{}, end(s))
	assert.Equal(t, got["start_timestamp"], got["end_timestamp"])
	requireJSON(t, `["end_timestamp: missing, set to start_timestamp"]`, at(got, "metadata", "otel_sgp_notes"))

	s.StartTime, s.EndTime = time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(12000, 1, 2, 0, 0, 0, 0, time.UTC)
	got = item(t, Config{}, end(s))
	assert.Equal(t, "9999-12-31T23:59:59.999999999Z", got["start_timestamp"])
	assert.Equal(t, "9999-12-31T23:59:59.999999999Z", got["end_timestamp"])
}

func TestGroup(t *testing.T) {
	for _, tc := range []struct {
		name  string
		attrs []attribute.KeyValue
		want  any
		left  string // metadata.attributes
	}{
		{"conversation", []attribute.KeyValue{attribute.String("gen_ai.conversation.id", "c1")}, "c1", ""},
		{"session", []attribute.KeyValue{attribute.String("session.id", "s1")}, "s1", ""},
		{
			"conversation first", []attribute.KeyValue{attribute.String("session.id", "s1"), attribute.String("gen_ai.conversation.id", "c1")},
			"c1", `{"session.id":"s1"}`,
		},
		{"not a string", []attribute.KeyValue{attribute.Int("session.id", 1)}, nil, `{"session.id":1}`},
		{
			"empty", []attribute.KeyValue{attribute.String("gen_ai.conversation.id", ""), attribute.String("session.id", "s1")},
			"s1", `{"gen_ai.conversation.id":""}`,
		},
		{
			"too long", []attribute.KeyValue{attribute.String("session.id", strings.Repeat("x", 257))},
			strings.Repeat("x", 223) + "~15eb95a462ee20bd91a415ae2d4aed34", `{"session.id":"` + strings.Repeat("x", 257) + `"}`,
		},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got := item(t, Config{}, end(stub(tc.attrs...)))
			assert.Equal(t, tc.want, got["group_id"])
			requireJSON(t, tc.left, at(got, "metadata", "attributes"))
		})
	}
}

func TestTwoLongGroupsStayTwo(t *testing.T) {
	long := strings.Repeat("x", 300)
	a := item(t, Config{}, end(stub(attribute.String("session.id", long+"a"))))["group_id"]
	b := item(t, Config{}, end(stub(attribute.String("session.id", long+"b"))))["group_id"]
	assert.NotEqual(t, a, b)
	assert.Len(t, a, 256)
}

func TestMetadata(t *testing.T) {
	s := stub(
		attribute.String("string", "s"), attribute.Int64("int", -5), attribute.Float64("float", 0.25), attribute.Bool("bool", true),
		attribute.StringSlice("strings", []string{"a", "b"}), attribute.Int64Slice("ints", []int64{1, 2}),
		attribute.Float64Slice("floats", []float64{0.5}), attribute.BoolSlice("bools", []bool{true}),
		attribute.ByteSlice("bytes", []byte("\x00\x01")), attribute.KeyValue{Key: "empty"},
		attribute.Slice("slice", attribute.IntValue(1), attribute.StringValue("x")),
		attribute.Map("map", attribute.Map("in", attribute.Bool("b", false))),
		attribute.String("json", `{"stays":"text"}`),
	)
	state, err := trace.ParseTraceState("vendor=1,other=2")
	require.NoError(t, err)
	s.SpanContext = s.SpanContext.WithTraceState(state)
	s.SpanKind = trace.SpanKindConsumer
	s.Events = []sdktrace.Event{
		{Name: "one", Time: testStart.Add(time.Millisecond)},
		{Name: "two", Time: testStart, Attributes: []attribute.KeyValue{attribute.Int("n", 2)}, DroppedAttributeCount: 3},
	}
	s.Links = []sdktrace.Link{
		{SpanContext: spanContext(trace.TraceID{1}, trace.SpanID{2}, true).WithTraceState(state), Attributes: []attribute.KeyValue{attribute.String("why", "because")}, DroppedAttributeCount: 4},
		{SpanContext: spanContext(trace.TraceID{3}, trace.SpanID{4}, false)},
	}
	s.DroppedAttributes, s.DroppedEvents, s.DroppedLinks, s.ChildSpanCount = 1, 2, 3, 7
	s.InstrumentationScope = instrumentation.Scope{
		Name: "scope", Version: "v1", SchemaURL: "https://schema/1", Attributes: attribute.NewSet(attribute.Int("a", 1)),
	}
	s.Resource = resource.NewWithAttributes("https://schema/2", attribute.String("service.name", "svc"), attribute.Int("n", 1))

	got := item(t, Config{Source: "mine", AgentName: "agent", AgentID: "a-1", ACPType: "sync", AgentVersion: "1.2", CommitSHA: "f00"}, end(s))

	requireJSON(t, `{
		"__source__": "mine", "__agent_name__": "agent", "__agent_id__": "a-1", "__acp_type__": "sync",
		"__agent_version__": "1.2", "__commit_sha__": "f00", "service_name": "svc",
		"attributes": {
			"string": "s", "int": -5, "float": 0.25, "bool": true, "strings": ["a", "b"], "ints": [1, 2], "floats": [0.5],
			"bools": [true], "bytes": "AAE=", "empty": null, "slice": [1, "x"], "map": {"in": {"b": false}},
			"json": "{\"stays\":\"text\"}"
		},
		"events": [
			{"name": "one", "time": "2026-03-04T05:06:07.891123456Z"},
			{"name": "two", "time": "2026-03-04T05:06:07.890123456Z", "attributes": {"n": 2}, "dropped_attributes": 3}
		],
		"links": [
			{"trace_id": "01000000000000000000000000000000", "span_id": "0200000000000000", "trace_state": "vendor=1,other=2",
				"attributes": {"why": "because"}, "dropped_attributes": 4},
			{"trace_id": "03000000000000000000000000000000", "span_id": "0400000000000000"}
		],
		"kind": "consumer",
		"scope": {"name": "scope", "version": "v1", "schema_url": "https://schema/1", "attributes": {"a": 1}},
		"resource": {"attributes": {"n": 1, "service.name": "svc"}, "schema_url": "https://schema/2"},
		"trace_state": "vendor=1,other=2",
		"child_span_count": 7,
		"dropped": {"attributes": 1, "events": 2, "links": 3},
		"otel_sgp_notes": ["attributes: 1 were dropped by a limit of the SDK, usage and messages perhaps among them; see sdktrace.WithRawSpanLimits"]
	}`, got["metadata"])
	assert.NotContains(t, got, "input")
	assert.NotContains(t, got, "output")
	assert.NotContains(t, got, "group_id")
}

func TestMetadataOfBareSpan(t *testing.T) {
	requireJSON(t, `{"__source__":"otel-go","kind":"internal"}`, item(t, Config{}, end(stub()))["metadata"])
}

func TestKinds(t *testing.T) {
	for kind, want := range map[trace.SpanKind]string{
		trace.SpanKindInternal: "internal", trace.SpanKindServer: "server", trace.SpanKindClient: "client",
		trace.SpanKindProducer: "producer", trace.SpanKindConsumer: "consumer",
	} {
		s := stub()
		s.SpanKind = kind
		assert.Equal(t, want, at(item(t, Config{}, end(s)), "metadata", "kind"))
	}
}

func TestLimitsAreTheConfigs(t *testing.T) {
	s := stub(attribute.String("s", "12345678901"), attribute.Slice("deep", attribute.SliceValue(attribute.SliceValue())))
	got := item(t, Config{MaxStringBytes: 10, MaxDepth: 2}, end(s))
	requireJSON(t, `{"s":"1234567890","deep":[["[nested too deep]"]]}`, at(got, "metadata", "attributes"))
	requireJSON(t, `["metadata.attributes.s: cut, had 11 bytes","metadata.attributes.deep: nested deeper than 2, left out"]`,
		at(got, "metadata", "otel_sgp_notes"))
}

func TestHooksChangeAndDrop(t *testing.T) {
	var kept []string
	cfg := Config{Hooks: []Hook{
		nil,
		func(s *sgpspan.Span) bool {
			kept = append(kept, s.TraceID, s.ID)
			s.Name = "renamed"
			s.Metadata.Get("attributes").Object().Set("added", sgpspan.IntValue(1))
			return true
		},
		func(s *sgpspan.Span) bool { return s.Metadata.Get("attributes").Object().Get("drop") == nil },
	}}
	m := New(cfg)
	out, _, err := m.Append(nil, end(stub(attribute.Bool("keep", true))))
	require.NoError(t, err)
	got := decode(t, string(out))
	assert.Equal(t, "renamed", at(got, "name"))
	requireJSON(t, `{"keep":true,"added":1}`, at(got, "metadata", "attributes"))

	out, _, err = m.Append([]byte("before"), end(stub(attribute.Bool("drop", true))))
	require.ErrorIs(t, err, ErrFiltered)
	assert.Equal(t, "before", string(out))

	// What a hook has kept must not change with the spans that come after.
	for range 20 {
		s := stub(attribute.Bool("keep", true))
		s.SpanContext = spanContext(trace.TraceID{7}, trace.SpanID{7}, false)
		_, _, err = m.Append(nil, end(s))
		require.NoError(t, err)
	}
	assert.Equal(t, []string{"4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"}, kept[:2])
}

func TestHookPanicCostsItsSpan(t *testing.T) {
	boom := true
	m := New(Config{Hooks: []Hook{func(s *sgpspan.Span) bool {
		if boom {
			panic("secret prompt")
		}
		return true
	}}})
	out, _, err := m.Append([]byte("before"), end(stub()))
	assert.Equal(t, "before", string(out))
	var panicked *HookPanicError
	require.ErrorAs(t, err, &panicked)
	assert.Equal(t, "secret prompt", panicked.Value)
	assert.Contains(t, string(panicked.Stack), "TestHookPanicCostsItsSpan")
	assert.Equal(t, "sgpexporter: a span hook panicked with a string", err.Error())

	boom = false
	_, _, err = m.Append(nil, end(stub()))
	require.NoError(t, err)

	m = New(Config{Hooks: []Hook{func(s *sgpspan.Span) bool { return s.Input[0].Key == "" }}})
	_, _, err = m.Append(nil, end(stub()))
	var fault runtime.Error
	require.True(t, errors.As(err, &fault))
	assert.Contains(t, err.Error(), "index out of range")
}
