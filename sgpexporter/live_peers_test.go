package sgpexporter_test

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// liveWay is a way to show spans while they run. All write to SGP with the same exporter, so their requests and bytes
// compare.
type liveWay struct {
	name  string
	spool bool
	// processor writes with exp. Its settings are its defaults; those that are to show spans live wait for half a second,
	// as this one does and Logfire's.
	processor func(exp *sgpexporter.Exporter) sdktrace.SpanProcessor
	// view is what a viewer makes of the rows, nil: the rows.
	view func(rows []sgptest.Span) []sgptest.Span
}

func liveWays() []liveWay {
	this := func(exp *sgpexporter.Exporter) sdktrace.SpanProcessor { return asyncprocessor.New(exp) }
	return []liveWay{
		{name: "this", processor: this},
		{name: "this, with a spool", spool: true, processor: this},
		{name: "live on BatchSpanProcessor", processor: func(exp *sgpexporter.Exporter) sdktrace.SpanProcessor {
			return liveOnBatch{sdktrace.NewBatchSpanProcessor(spanExporter{exp}, sdktrace.WithBatchTimeout(asyncprocessor.DefaultBatchTimeout))}
		}},
		{name: "pending spans", view: withPending, processor: func(exp *sgpexporter.Exporter) sdktrace.SpanProcessor {
			return &pendingSpans{SpanProcessor: sdktrace.NewBatchSpanProcessor(spanExporter{exp}, sdktrace.WithBatchTimeout(500*time.Millisecond))}
		}},
		{name: "BatchSpanProcessor", processor: func(exp *sgpexporter.Exporter) sdktrace.SpanProcessor {
			return sdktrace.NewBatchSpanProcessor(spanExporter{exp})
		}},
	}
}

// spanExporter is the SGP exporter behind a BatchSpanProcessor. A span without an end is written as one that runs.
type spanExporter struct{ *sgpexporter.Exporter }

func (e spanExporter) ExportSpans(ctx context.Context, spans []sdktrace.ReadOnlySpan) error {
	snapshots := make([]asyncprocessor.Snapshot, len(spans))
	for i, s := range spans {
		snapshots[i] = asyncprocessor.Snapshot{Phase: asyncprocessor.PhaseEnd, Span: s}
		if s.EndTime().IsZero() {
			snapshots[i].Phase = asyncprocessor.PhaseStart
		}
	}
	return e.ExportSnapshots(ctx, snapshots)
}

// liveOnBatch forwards OnStart and OnEnd to a BatchSpanProcessor: the simplest live processor.
type liveOnBatch struct{ sdktrace.SpanProcessor }

func (l liveOnBatch) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) { l.OnEnd(s) }

// pendingSpans makes pending spans as Logfire's SDK does: when a span starts, a span of no duration below it, with its
// name and its attributes of that moment, is handed on as one that has ended.
type pendingSpans struct {
	sdktrace.SpanProcessor
	mu   sync.Mutex
	made byte
}

func (p *pendingSpans) OnStart(_ context.Context, s sdktrace.ReadWriteSpan) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.made++
	sc := s.SpanContext()
	p.OnEnd(pendingSpan{
		ReadOnlySpan: s,
		context:      sc.WithSpanID(trace.SpanID{0xfe, 7: p.made}),
		parent:       sc,
		attributes: append(s.Attributes()[:len(s.Attributes()):len(s.Attributes())],
			attribute.String(spanTypeKey, "pending_span"), attribute.String("logfire.pending_parent_id", s.Parent().SpanID().String())),
	})
}

const spanTypeKey = "logfire.span_type"

type pendingSpan struct {
	sdktrace.ReadOnlySpan
	context, parent trace.SpanContext
	attributes      []attribute.KeyValue
}

func (s pendingSpan) SpanContext() trace.SpanContext   { return s.context }
func (s pendingSpan) Parent() trace.SpanContext        { return s.parent }
func (s pendingSpan) Attributes() []attribute.KeyValue { return s.attributes }
func (s pendingSpan) EndTime() time.Time               { return s.StartTime() }

// withPending shows a pending span as the span that it stands for, as long as that is not there.
func withPending(rows []sgptest.Span) []sgptest.Span {
	there := map[string]bool{}
	var shown, pending []sgptest.Span
	for _, s := range rows {
		if isPending(s) {
			pending = append(pending, s)
		} else {
			shown = append(shown, s)
			there[s.ID] = true
		}
	}
	for _, s := range pending {
		if !there[s.ParentID] {
			s.ID, s.EndTimestamp = s.ParentID, time.Time{}
			shown = append(shown, s)
		}
	}
	return shown
}

func isPending(s sgptest.Span) bool {
	attributes, _ := s.Metadata["attributes"].(map[string]any)
	return attributes[spanTypeKey] == "pending_span" || s.Metadata[spanTypeKey] == "pending_span"
}

// liveRun is a way at work, before a server on synthetic time.
type liveRun struct {
	t     *testing.T
	way   liveWay
	srv   *sgptest.Server
	exp   *sgpexporter.Exporter
	proc  sdktrace.SpanProcessor
	dir   string
	began time.Time
}

// startLive must be called in a bubble of testing/synctest.
func startLive(t *testing.T, way liveWay) *liveRun {
	t.Helper()
	r := &liveRun{t: t, way: way, srv: sgptest.NewServer(sgptest.WithInMemoryNetwork(), sgptest.WithLatency(5*time.Millisecond)), began: time.Now()}
	t.Cleanup(r.srv.Close)
	if way.spool {
		r.dir = filepath.Join(t.TempDir(), "spool")
	}
	r.exp = r.exporter(r.dir)
	r.proc = way.processor(r.exp)
	return r
}

func (r *liveRun) exporter(dir string) *sgpexporter.Exporter {
	r.t.Helper()
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(r.srv.URL), sgpexporter.WithAPIKey(key),
		sgpexporter.WithHTTPClient(r.srv.Client()), sgpexporter.WithSpool(dir))
	require.NoError(r.t, err)
	return exp
}

// rows are what a viewer sees now.
func (r *liveRun) rows() []sgptest.Span {
	if r.way.view == nil {
		return r.srv.Spans()
	}
	return r.way.view(r.srv.Spans())
}

// cost is what was sent so far.
func (r *liveRun) cost() (requests int, bytes int64) {
	for _, request := range r.srv.Requests() {
		requests, bytes = requests+1, bytes+request.WireBytes
	}
	return requests, bytes
}
