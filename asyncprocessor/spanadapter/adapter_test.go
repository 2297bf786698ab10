package spanadapter_test

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/asyncprocessor/spanadapter"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// spanExporter notes what it is called with. A call waits for hold if that is
// not nil.
type spanExporter struct {
	hold chan struct{}
	err  error

	mu       sync.Mutex // guards what follows
	calls    [][]string // names; those in progress have a "…"
	running  int
	most     int // calls running at once
	shutdown int
}

func (e *spanExporter) ExportSpans(_ context.Context, spans []sdktrace.ReadOnlySpan) error {
	var names []string
	for _, s := range spans {
		name := s.Name()
		if s.EndTime().IsZero() {
			name += "…"
		}
		names = append(names, name)
	}
	e.mu.Lock()
	e.calls = append(e.calls, names)
	e.running++
	e.most = max(e.most, e.running)
	e.mu.Unlock()
	if e.hold != nil {
		<-e.hold
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.running--
	return e.err
}

func (e *spanExporter) Shutdown(context.Context) error {
	e.shutdown++
	return e.err
}

func snapshots(phases ...asyncprocessor.Phase) []asyncprocessor.Snapshot {
	names := []string{"a", "b", "c", "d"}
	var out []asyncprocessor.Snapshot
	for i, phase := range phases {
		stub := tracetest.SpanStub{Name: names[i]}
		if phase == asyncprocessor.PhaseEnd {
			stub.EndTime = time.Unix(1, 0)
		}
		out = append(out, asyncprocessor.Snapshot{Phase: phase, Span: stub.Snapshot()})
	}
	return out
}

const (
	start   = asyncprocessor.PhaseStart
	end     = asyncprocessor.PhaseEnd
	unknown = asyncprocessor.Phase(77)
)

func TestExportSnapshots(t *testing.T) {
	for name, c := range map[string]struct {
		opts []spanadapter.Option
		give []asyncprocessor.Snapshot
		want [][]string
		left []int // what is no span of theirs
	}{
		"ends only":       {nil, snapshots(end, start, unknown, end), [][]string{{"a", "d"}}, []int{2}},
		"in progress too": {[]spanadapter.Option{spanadapter.WithInProgressSpans(), nil}, snapshots(end, start, unknown, end), [][]string{{"a", "b…", "d"}}, []int{2}},
		"updates":         {nil, snapshots(asyncprocessor.PhaseUpdate, asyncprocessor.PhaseUnfinished), nil, []int{0, 1}},
		"no ends":         {nil, snapshots(start, start), nil, nil},
		"nothing":         {nil, nil, nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			exporter := &spanExporter{}
			err := spanadapter.New(exporter, c.opts...).ExportSnapshots(t.Context(), c.give)
			if c.left == nil {
				require.NoError(t, err)
			} else {
				var filtered *asyncprocessor.ExportError
				require.ErrorAs(t, err, &filtered)
				assert.Equal(t, c.left, filtered.Undelivered)
				assert.Equal(t, asyncprocessor.ReasonFiltered, filtered.Reason)
			}
			assert.Equal(t, c.want, exporter.calls)
		})
	}
}

func TestExportSnapshotsError(t *testing.T) {
	refused := errors.New("refused")
	adapter := spanadapter.New(&spanExporter{err: refused})
	err := adapter.ExportSnapshots(t.Context(), snapshots(start, end, start, end))
	require.ErrorIs(t, err, refused)
	var failed *asyncprocessor.ExportError
	require.ErrorAs(t, err, &failed)
	assert.Equal(t, []int{1, 3}, failed.Undelivered, "what was left out is not lost")
	assert.Equal(t, asyncprocessor.DropReason("export_failed"), failed.Reason)
	assert.ErrorIs(t, adapter.Shutdown(t.Context()), refused)
}

func TestNilExporter(t *testing.T) {
	adapter := spanadapter.New(nil)
	assert.ErrorIs(t, adapter.ExportSnapshots(t.Context(), snapshots(end)), spanadapter.ErrNoExporter)
	assert.NoError(t, adapter.Shutdown(t.Context()))
}

// TestOneCallAtATime: a SpanExporter need not be safe for concurrent use.
func TestOneCallAtATime(t *testing.T) {
	for name, c := range map[string]struct {
		opts []spanadapter.Option
		most int
	}{
		"default":             {nil, 1},
		"WithConcurrentCalls": {[]spanadapter.Option{spanadapter.WithConcurrentCalls()}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exporter := &spanExporter{hold: make(chan struct{})}
				adapter := spanadapter.New(exporter, c.opts...)
				var calls sync.WaitGroup
				for range 3 {
					calls.Go(func() { assert.NoError(t, adapter.ExportSnapshots(t.Context(), snapshots(end))) })
				}
				synctest.Wait()
				assert.Equal(t, c.most, exporter.running)
				close(exporter.hold)
				calls.Wait()
				assert.Equal(t, c.most, exporter.most)
				assert.Len(t, exporter.calls, 3)
			})
		})
	}
}

// TestWaitEndsWithContext: who waits for another call's end gives up with its
// context.
func TestWaitEndsWithContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exporter := &spanExporter{hold: make(chan struct{})}
		adapter := spanadapter.New(exporter)
		var first sync.WaitGroup
		first.Go(func() { assert.NoError(t, adapter.ExportSnapshots(t.Context(), snapshots(end))) })
		synctest.Wait()

		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.ErrorIs(t, adapter.ExportSnapshots(ctx, snapshots(end)), context.DeadlineExceeded)
		close(exporter.hold)
		first.Wait()
		assert.Len(t, exporter.calls, 1)
		require.NoError(t, adapter.ExportSnapshots(t.Context(), snapshots(end)), "the turn is free again")
	})
}

// TestBehindTheProcessor: the way of a short and of a long span, through a
// TracerProvider.
func TestBehindTheProcessor(t *testing.T) {
	for name, c := range map[string]struct {
		opts []spanadapter.Option
		want [][]string
	}{
		"ends only":       {nil, [][]string{{"child"}, {"parent"}}},
		"in progress too": {[]spanadapter.Option{spanadapter.WithInProgressSpans()}, [][]string{{"parent…", "child"}, {"parent"}}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exporter := &spanExporter{}
				proc := asyncprocessor.New(spanadapter.New(exporter, c.opts...))
				tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
				ctx, parent := tp.Tracer("test").Start(t.Context(), "parent")
				_, child := tp.Tracer("test").Start(ctx, "child")
				child.End()
				<-time.After(time.Second) // of the bubble: the batch timeout passes
				synctest.Wait()
				parent.End()
				require.NoError(t, tp.Shutdown(t.Context()))
				assert.Equal(t, c.want, exporter.calls)
				assert.Equal(t, 1, exporter.shutdown)
				assert.Equal(t, uint64(3), proc.Stats().Exported)
				assert.Equal(t, uint64(1), proc.Stats().Coalesced)
			})
		})
	}
}

// TestPanic: a panic of the exporter is counted, and the next call is made.
func TestPanic(t *testing.T) {
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))
	synctest.Test(t, func(t *testing.T) {
		proc := asyncprocessor.New(spanadapter.New(panicking{}), asyncprocessor.WithStartPolicy(asyncprocessor.StartNever))
		tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
		for range 2 {
			_, span := tp.Tracer("test").Start(t.Context(), "span")
			span.End()
			require.ErrorIs(t, tp.ForceFlush(t.Context()), asyncprocessor.ErrDropped)
		}
		assert.Equal(t, uint64(2), proc.Stats().DroppedBy["exporter_panic"])
		_ = tp.Shutdown(t.Context())
	})
}

type panicking struct{ sdktrace.SpanExporter }

func (panicking) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { panic("out of order") }
func (panicking) Shutdown(context.Context) error                             { return nil }
