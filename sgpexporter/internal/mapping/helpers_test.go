package mapping

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

var testStart = time.Date(2026, 3, 4, 5, 6, 7, 890_123_456, time.UTC)

var (
	testTraceID  = trace.TraceID{0x4b, 0xf9, 0x2f, 0x35, 0x77, 0xb3, 0x4d, 0xa6, 0xa3, 0xce, 0x92, 0x9d, 0x0e, 0x0e, 0x47, 0x36}
	testSpanID   = trace.SpanID{0x00, 0xf0, 0x67, 0xaa, 0x0b, 0xa9, 0x02, 0xb7}
	testParentID = trace.SpanID{0x53, 0x99, 0x5c, 0x3f, 0x42, 0xcd, 0x8a, 0xd8}
)

// Made with another implementation of SHA-256, of the ids above.
const (
	uuidOfSpan   = "69c97120-d558-849c-b567-66ddc3532d85"
	uuidOfParent = "72970669-e2b7-8a34-a4f8-5b38995d7ece"
)

type stubType = tracetest.SpanStub

func spanContext(traceID trace.TraceID, spanID trace.SpanID, remote bool) trace.SpanContext {
	return trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: traceID, SpanID: spanID, TraceFlags: trace.FlagsSampled, Remote: remote,
	})
}

// stub returns a root span with attributes.
func stub(attrs ...attribute.KeyValue) tracetest.SpanStub {
	return tracetest.SpanStub{
		Name: "test", SpanContext: spanContext(testTraceID, testSpanID, false), SpanKind: trace.SpanKindInternal,
		StartTime: testStart, EndTime: testStart.Add(time.Second), Attributes: attrs,
	}
}

// inputAt returns the span as it is at a phase, written a minute after its start.
func inputAt(phase Phase, s tracetest.SpanStub) *Input {
	in := &Input{
		Phase: phase, WrittenAt: s.StartTime.Add(time.Minute),
		TraceID: s.SpanContext.TraceID(), SpanID: s.SpanContext.SpanID(), TraceState: s.SpanContext.TraceState(),
		ParentTraceID: s.Parent.TraceID(), ParentSpanID: s.Parent.SpanID(), ParentIsRemote: s.Parent.IsRemote(),
		Name: s.Name, Kind: s.SpanKind, StartTime: s.StartTime, EndTime: s.EndTime,
		Attributes: s.Attributes, Events: s.Events, Links: s.Links, Status: s.Status,
		DroppedAttributes: s.DroppedAttributes, DroppedEvents: s.DroppedEvents, DroppedLinks: s.DroppedLinks,
		ChildSpanCount: s.ChildSpanCount, Scope: s.InstrumentationScope, Resource: s.Resource,
	}
	if phase == PhaseStart || phase == PhaseUpdate {
		in.EndTime = time.Time{}
		in.Status = sdktrace.Status{}
	}
	return in
}

func end(s tracetest.SpanStub) *Input { return inputAt(PhaseEnd, s) }

func start(s tracetest.SpanStub) *Input { return inputAt(PhaseStart, s) }

// accepted fails the test unless an SGP server stores the items and finds no fault.
func accepted(t testing.TB, items ...string) {
	t.Helper()
	require.Empty(t, stored(t, items...))
}

// stored fails the test unless an SGP server stores the items, and returns what it
// finds at fault all the same.
func stored(t testing.TB, items ...string) []sgptest.Violation {
	t.Helper()
	server := sgptest.NewUnstartedServer()
	defer server.Close()
	body := `{"items":[` + strings.Join(items, ",") + `]}`
	r := httptest.NewRequest(http.MethodPut, "/v5/spans/batch", strings.NewReader(body))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("X-Api-Key", "key")
	w := httptest.NewRecorder()
	server.ServeHTTP(w, r)
	require.Equal(t, http.StatusOK, w.Code, "%s\n%.2000s", w.Body, body)
	return server.Violations()
}

// item maps s and returns its item, which an SGP server has accepted.
func item(t testing.TB, cfg Config, s *Input) map[string]any {
	t.Helper()
	out, _, err := New(cfg).Append(nil, s)
	require.NoError(t, err)
	accepted(t, string(out))
	return decode(t, string(out)).(map[string]any)
}

func decode(t testing.TB, text string) any {
	t.Helper()
	d := json.NewDecoder(strings.NewReader(text))
	d.UseNumber()
	var v any
	require.NoError(t, d.Decode(&v), "%.300s", text)
	require.False(t, d.More(), "more than one value: %.300s", text)
	return v
}

// at returns what stands at a path, nil when there is nothing.
func at(v any, path ...string) any {
	for _, key := range path {
		m, _ := v.(map[string]any)
		v = m[key]
	}
	return v
}

// requireJSON holds that got is what want spells, "" being nothing.
func requireJSON(t testing.TB, want string, got any) {
	t.Helper()
	if want == "" {
		require.Nil(t, got)
		return
	}
	require.Equal(t, decode(t, want), got)
}

// Append is Writer.Append with a Writer of its own.
func (m *Mapper) Append(dst []byte, in *Input) ([]byte, Item, error) {
	w := m.Writer()
	defer w.Close()
	return w.Append(dst, in)
}
