package mapping

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

func TestPhaseString(t *testing.T) {
	assert.Equal(t, "START END UPDATE UNFINISHED Phase(9)",
		PhaseStart.String()+" "+PhaseEnd.String()+" "+PhaseUpdate.String()+" "+PhaseUnfinished.String()+" "+Phase(9).String())
}

// FromSpan takes over all that a span says.
func TestFromSpan(t *testing.T) {
	state, err := trace.ParseTraceState("vendor=1")
	require.NoError(t, err)
	s := stub(attribute.Int("n", 1))
	s.SpanContext = s.SpanContext.WithTraceState(state)
	s.Parent = spanContext(testTraceID, testParentID, true)
	s.SpanKind = trace.SpanKindClient
	s.Events = []sdktrace.Event{{Name: "event"}}
	s.Links = []sdktrace.Link{{DroppedAttributeCount: 2}}
	s.Status = sdktrace.Status{Code: codes.Error, Description: "failed"}
	s.DroppedAttributes, s.DroppedEvents, s.DroppedLinks, s.ChildSpanCount = 3, 4, 5, 6
	s.InstrumentationScope = instrumentation.Scope{Name: "scope"}
	s.Resource = resource.NewSchemaless(attribute.String("service.name", "svc"))
	got := Input{Records: []Record{{EventName: "from before"}}, WrittenAt: testStart}
	got.Reset()
	require.NoError(t, New(Config{}).FromSpan(&got, PhaseEnd, s.Snapshot()))
	assert.Equal(t, Input{
		Phase: PhaseEnd, TraceID: testTraceID, SpanID: testSpanID, TraceState: state,
		ParentTraceID: testTraceID, ParentSpanID: testParentID, ParentIsRemote: true,
		Name: "test", Kind: trace.SpanKindClient, StartTime: testStart, EndTime: testStart.Add(time.Second),
		Attributes: s.Attributes, Events: s.Events, Links: s.Links, Status: s.Status,
		DroppedAttributes: 3, DroppedEvents: 4, DroppedLinks: 5, ChildSpanCount: 6,
		Scope: s.InstrumentationScope, Resource: s.Resource,
		classified: true, keys: []keyID{0},
	}, got)
}

func TestUpdate(t *testing.T) {
	s := stub(attribute.String("a", "b"))
	s.Status = sdktrace.Status{Code: codes.Error}
	got := item(t, Config{}, inputAt(PhaseUpdate, s))
	assert.NotContains(t, got, "end_timestamp")
	assert.NotContains(t, got, "status")
	assert.Equal(t, "2026-03-04T05:07:07.890123456Z", at(got, "metadata", "heartbeat"))
	assert.Nil(t, at(item(t, Config{}, start(s)), "metadata", "heartbeat"))
}

func TestUnfinished(t *testing.T) {
	running := inputAt(PhaseUnfinished, stub())
	running.EndTime = time.Time{}
	got := item(t, Config{}, running)
	assert.Equal(t, "2026-03-04T05:07:07.890123456Z", got["end_timestamp"])
	assert.Equal(t, "CANCELED", got["status"])
	requireJSON(t, `["unfinished: the span ran when its process ended; end_timestamp is the time of this write"]`, at(got, "metadata", "otel_sgp_notes"))
	assert.Nil(t, at(got, "metadata", "error"))

	running.Status = sdktrace.Status{Code: codes.Error, Description: "boom"}
	got = item(t, Config{}, running)
	assert.Equal(t, "ERROR", got["status"], "a status of its own stays")
	running.Status = sdktrace.Status{Code: codes.Ok}
	assert.Equal(t, "SUCCESS", item(t, Config{}, running)["status"])

	got = item(t, Config{}, inputAt(PhaseUnfinished, stub()))
	assert.Equal(t, "2026-03-04T05:06:08.890123456Z", got["end_timestamp"], "an end of its own stays")
	assert.Equal(t, "SUCCESS", got["status"])
	requireJSON(t, `["unfinished: written in the place of the END, which was lost; usage is not known"]`, at(got, "metadata", "otel_sgp_notes"))
}

// A span is counted as cut once: by its END.
func TestCutAttributesAreCounted(t *testing.T) {
	m := New(Config{})
	s := stub()
	s.DroppedAttributes = 3
	for _, phase := range []Phase{PhaseStart, PhaseUpdate, PhaseUnfinished, PhaseEnd} {
		_, _, err := m.Append(nil, inputAt(phase, s))
		require.NoError(t, err)
	}
	assert.EqualValues(t, 1, m.Cut())
	assert.EqualValues(t, 1, m.Stats().Cut)
}
