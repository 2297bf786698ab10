package asyncprocessor_test

import (
	"context"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// A trace id that a caller uses for everything costs nobody else: the last quarter is closed to it.
func TestTheLastQuarterIsClosedToATraceWithMoreThanHalf(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp, held := new(recorder), newGate()
		exp.export = held.export
		p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(100), asyncprocessor.WithExportTimeout(0))
		offerTrace(p, 200)
		require.Equal(t, reasons{"trace_share": 125}, balanced(t, p).DroppedBy)
		offerEnds(p, 25)
		require.Equal(t, reasons{"trace_share": 125}, balanced(t, p).DroppedBy)
		offerEnds(p, 1)
		require.Equal(t, reasons{"trace_share": 125, "queue_full": 1}, balanced(t, p).DroppedBy)
		held.open()
	})
	t.Run("not with half", func(t *testing.T) {
		p := newProcessor(t, new(recorder), parked(asyncprocessor.WithMaxQueueSize(100), asyncprocessor.WithMaxExportBatchSize(100))...)
		offerEnds(p, 50)
		offerTrace(p, 50)
		assert.Empty(t, balanced(t, p).DroppedBy)
	})
}

// At four to one, a hot trace whose exports are slow costs the others no END.
func TestAHotTraceCostsOthersNoEnd(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
			time.Sleep(500 * time.Millisecond)
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(6_553), asyncprocessor.WithMaxExportBatchSize(51))
		ctx, _ := byHand.Start(t.Context(), "hot")
		for range 2_500 { // 25 s, at a tenth of 4,000 and 1,500 a second
			for range 4 {
				_, span := start(ctx, p, "hot")
				end(p, span)
			}
			_, a := start(t.Context(), p, "other")
			time.Sleep(5 * time.Millisecond)
			_, b := start(t.Context(), p, "other")
			end(p, a)
			end(p, b)
			time.Sleep(5 * time.Millisecond)
		}
		_ = p.Shutdown(t.Context()) // the hot trace is not through within its time
		ends := 0
		for _, name := range exp.names() {
			if name == "END other" {
				ends++
			}
		}
		assert.Equal(t, 5_000, ends)
	})
}

// A START that waits while its END comes is left out, and its room free, before anything is refused for
// want of room: also when all of it comes at once.
func TestStartsAreLeftOutBeforeAnythingIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp, held := new(recorder), newGate()
		exp.export = held.export
		p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(16), asyncprocessor.WithConcurrency(1), asyncprocessor.WithExportTimeout(0))
		offerEnd(p, "holds the exporter")
		time.Sleep(time.Second)
		for range 11 {
			_, span := start(t.Context(), p, "a")
			end(p, span)
		}
		s := balanced(t, p)
		require.Zero(t, s.Dropped)
		require.Equal(t, uint64(11), s.Coalesced)
		require.Equal(t, int64(11), s.Queued)
		held.open()
	})
}

// A START of an id whose END waits or is in flight is a replay. Later it is a new life, in order.
func TestAnIdThatStartsAgain(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp, gate := new(recorder), make(turnstile)
		exp.export = gate.export
		p := newProcessor(t, exp)
		ids := sameID{trace: trace.TraceID{1}, span: trace.SpanID{1}}
		tracer := sdktrace.NewTracerProvider(sdktrace.WithIDGenerator(ids)).Tracer("t")
		offer := func(name string) trace.Span {
			_, span := tracer.Start(t.Context(), name)
			p.OnStart(t.Context(), span.(sdktrace.ReadWriteSpan))
			return span
		}
		end(p, offer("first"))
		offer("while its END waits")
		require.Equal(t, reasons{"already_ended": 1}, balanced(t, p).DroppedBy)
		time.Sleep(time.Second)
		require.Equal(t, int64(1), p.Stats().InFlight)
		again := offer("while its END is in flight")
		require.Equal(t, reasons{"already_ended": 2}, balanced(t, p).DroppedBy)
		gate <- struct{}{}
		synctest.Wait()
		again = offer("second")
		time.Sleep(time.Second)
		gate <- struct{}{}
		end(p, again)
		time.Sleep(time.Second)
		gate <- struct{}{}
		synctest.Wait()
		assert.Equal(t, []string{"END first", "START second", "END second"}, exp.names())
		close(gate)
	})
}

type sameID struct {
	trace trace.TraceID
	span  trace.SpanID
}

func (s sameID) NewIDs(context.Context) (trace.TraceID, trace.SpanID)  { return s.trace, s.span }
func (s sameID) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return s.span }

// The children of a span that is left out hang on its nearest ancestor that is kept, START and END alike.
func TestSpanFilter(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways),
			asyncprocessor.WithSpanFilter(asyncprocessor.WithoutNames("GET /health*", "[")),
			asyncprocessor.WithSpanFilter(asyncprocessor.WithoutScopes("sql")),
			asyncprocessor.WithSpanFilter(func(s sdktrace.ReadOnlySpan) bool {
				if s.Name() == "panics" {
					panic("on purpose")
				}
				return s.Name() != "left out"
			}))
		tp := provider(p)
		tracer, sql := tp.Tracer("app"), tp.Tracer("sql")
		ctx, root := tracer.Start(t.Context(), "root")
		ctx, out := tracer.Start(ctx, "left out")
		sqlCtx, query := sql.Start(ctx, "SELECT")
		_, child := tracer.Start(sqlCtx, "child")
		_, health := tracer.Start(t.Context(), "GET /healthz")
		_, panics := tracer.Start(t.Context(), "panics")
		for _, s := range []trace.Span{query, out, child, health, panics, root} {
			s.End()
		}
		_, late := tracer.Start(ctx, "late child")
		late.End()
		require.NoError(t, p.ForceFlush(t.Context()))
		names := exp.names()
		assert.ElementsMatch(t, []string{
			"START root", "START child", "END child", "START panics", "END panics", "END root", "START late child", "END late child",
		}, names)
		for _, name := range []string{"START child", "END child", "START late child", "END late child"} {
			assert.Equal(t, root.SpanContext().SpanID(), exp.snapshot(t, name).Parent().SpanID(), name)
		}
		assert.Equal(t, uint64(8), balanced(t, p).Offered)
	})
	told := log.take()
	require.Len(t, told, 1)
	assert.ErrorContains(t, told[0], "WithSpanFilter")
}

// What the processor remembers of spans that are left out is bounded.
func TestSpanFilterForgets(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp, parked(asyncprocessor.WithSpanFilter(asyncprocessor.WithoutNames("out")))...)
	tracer := provider(p).Tracer("app")
	ctx, first := tracer.Start(t.Context(), "out")
	for range 9_000 {
		_, s := tracer.Start(t.Context(), "out")
		s.End()
	}
	_, child := tracer.Start(ctx, "child")
	child.End()
	first.End()
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.ElementsMatch(t, []string{"END out", "END child"}, exp.names(), "as documented")
}

// With one id for each, many traces are served as they come.
func TestManyTraces(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp)
	for i := range 20_000 {
		offerEnd(p, fmt.Sprint(i))
	}
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, uint64(20_000), balanced(t, p).Exported)
}
