package sgpexporter_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgpspan"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestHooks(t *testing.T) {
	srv, exp := newExporter(t, nil,
		sgpexporter.WithSpanHook(func(s *sgpspan.Span) bool {
			switch s.Name {
			case "span 2":
				return false
			case "span 4":
				panic("a secret prompt")
			}
			return true
		}),
		sgpexporter.WithSpanHook(func(s *sgpspan.Span) bool { s.Name += "!"; return true }),
		sgpexporter.WithSpanHook(nil))
	err := exp.ExportSnapshots(t.Context(), ends(5))
	assert.Equal(t, []string{"span 1!", "span 3!", "span 5!"}, writtenNames(srv))
	all := exportErrors(err)
	require.Len(t, all, 2)
	assert.Equal(t, []int{1}, all[0].Undelivered)
	assert.Equal(t, sgpexporter.ReasonFiltered, all[0].Reason)
	assert.Equal(t, []int{3}, all[1].Undelivered)
	assert.Equal(t, sgpexporter.ReasonHookPanic, all[1].Reason)
	assert.NotContains(t, err.Error(), "secret")
}

// However often a write of a span is sent, and in whatever form, its hooks run once.
func TestHooksRunOnceForAWrite(t *testing.T) {
	runs := 0
	srv, exp := newExporter(t, nil, sgpexporter.WithSpanHook(func(*sgpspan.Span) bool { runs++; return true }))
	child := []asyncprocessor.Snapshot{{Phase: asyncprocessor.PhaseEnd, Span: span(2, func(s *tracetest.SpanStub) {
		s.Parent = s.SpanContext.WithSpanID(id(1))
	})}}
	for _, faults := range [][]sgptest.Fault{
		{sgptest.Status(503), {}},
		{sgptest.Status(422)},
		{sgptest.Status(409), {}},
		{sgptest.Status(409), sgptest.Status(409)},
	} {
		srv.Inject(faults...)
		runs = 0
		_ = exp.ExportSnapshots(t.Context(), child)
		assert.Equal(t, 1, runs, "%v", faults)
	}
}

func TestMappingOptions(t *testing.T) {
	t.Setenv("AGENT_NAME", "researcher")
	srv, exp := newExporter(t, nil, sgpexporter.WithUUIDs(), sgpexporter.WithSource("mine"),
		sgpexporter.WithMaxStringBytes(64), sgpexporter.WithMaxAttributeDepth(2))
	batch := ends(1)
	batch[0].Span = span(1, func(s *tracetest.SpanStub) {
		s.Attributes = []attribute.KeyValue{attribute.String("long", strings.Repeat("a", 65))}
		s.Events = []sdktrace.Event{{Name: "event", Time: began.Add(time.Nanosecond)}}
		s.Links = []sdktrace.Link{{SpanContext: s.SpanContext}}
	})
	require.NoError(t, exp.ExportSnapshots(t.Context(), batch))
	stored := srv.Spans()[0]
	assert.Len(t, stored.ID, 36)
	assert.Equal(t, "mine", stored.Metadata["__source__"])
	assert.Equal(t, "researcher", stored.Metadata["__agent_name__"])
	assert.Contains(t, string(stored.Raw), `"`+strings.Repeat("a", 64)+`"`)
	assert.Equal(t, []any{"metadata.attributes.long: cut, had 65 bytes"}, stored.Metadata["otel_sgp_notes"], "and nothing else")
}
