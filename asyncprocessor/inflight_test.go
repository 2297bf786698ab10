package asyncprocessor_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/codes"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// inFlight returns a processor that writes running spans as it does by default.
func inFlight(t *testing.T, exp *recorder, opts ...asyncprocessor.Option) *asyncprocessor.Processor {
	t.Helper()
	return newProcessor(t, exp, append([]asyncprocessor.Option{
		asyncprocessor.WithUpdateInterval(asyncprocessor.DefaultUpdateInterval), asyncprocessor.WithUnfinishedSpans(true),
	}, opts...)...)
}

// Most frameworks set attributes right after Start: the first write has them.
func TestTheFirstWriteSaysWhatIsKnownWhenItLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := inFlight(t, exp)
		_, span := start(t.Context(), p, "agent", trace.WithLinks(trace.Link{SpanContext: linked}))
		start(t.Context(), p, "unchanged")
		span.SetAttributes(attribute.String("input", "a question"))
		time.Sleep(500 * time.Millisecond)
		synctest.Wait()
		require.ElementsMatch(t, []string{"UPDATE agent", "START unchanged"}, exp.names())
		first := exp.snapshot(t, "UPDATE agent")
		assert.Equal(t, []attribute.KeyValue{attribute.String("input", "a question")}, first.Attributes())
		assert.True(t, first.EndTime().IsZero())
		assert.Len(t, first.Links(), 1)
		s := balanced(t, p)
		assert.Equal(t, uint64(3), s.Offered, "two STARTs and the update")
		assert.Equal(t, uint64(1), s.Coalesced)
		assert.Equal(t, int64(2), s.Tracked)
	})
}

// Under StartAlways, and of a span that is not tracked, it is the START as it was.
func TestTheFirstWriteIsTheStartWhereItMustBe(t *testing.T) {
	for name, opt := range map[string]asyncprocessor.Option{
		"StartAlways": asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways), "not tracked": asyncprocessor.WithMaxTrackedSpans(0),
	} {
		synctest.Test(t, func(t *testing.T) {
			exp := new(recorder)
			p := inFlight(t, exp, opt)
			_, span := start(t.Context(), p, "a")
			span.SetAttributes(attribute.String("input", "a question"))
			require.NoError(t, p.ForceFlush(t.Context()), name)
			assert.Equal(t, []string{"START a"}, exp.names(), name)
			assert.Empty(t, exp.snapshot(t, "START a").Attributes(), name)
		})
	}
}

// A span is written again when it has changed, once an interval, and as a heartbeat when it has not.
func TestUpdates(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := inFlight(t, exp)
		_, span := start(t.Context(), p, "agent")
		at := func() (times []time.Duration) {
			begin := exp.calls()[0].at
			for _, c := range exp.calls()[1:] {
				times = append(times, c.at.Sub(begin).Round(time.Second))
			}
			return times
		}
		time.Sleep(2 * time.Second)
		for i := range 25 { // it changes every second
			span.SetAttributes(attribute.Int("step", i))
			time.Sleep(time.Second)
		}
		synctest.Wait()
		require.Len(t, at(), 2, "%v", at())
		assert.InDelta(t, 11, at()[0].Seconds(), 1.5)
		assert.InDelta(t, 22, at()[1].Seconds(), 2)
		last := exp.calls()[2].snapshots[0]
		assert.Equal(t, asyncprocessor.PhaseUpdate, last.Phase)
		assert.True(t, last.Span.EndTime().IsZero())

		time.Sleep(10 * time.Second) // what changed last
		before := len(exp.calls())
		time.Sleep(50 * time.Second)
		synctest.Wait()
		require.Len(t, exp.calls(), before, "nothing changed")
		time.Sleep(15 * time.Second)
		synctest.Wait()
		require.Len(t, exp.calls(), before+1, "a heartbeat after six intervals")
		span.SetStatus(codes.Error, "failed")
		end(p, span)
		time.Sleep(time.Minute)
		synctest.Wait()
		names := exp.names()
		assert.Equal(t, "END agent", names[len(names)-1])
		assert.Zero(t, balanced(t, p).Tracked)
	})
}

func TestUpdateIntervalZeroIsOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := inFlight(t, exp, asyncprocessor.WithUpdateInterval(0), asyncprocessor.WithUnfinishedSpans(false))
		_, span := start(t.Context(), p, "a")
		time.Sleep(time.Second)
		span.SetAttributes(attribute.Int("n", 1))
		time.Sleep(time.Hour)
		synctest.Wait()
		assert.Equal(t, []string{"START a"}, exp.names())
	})
}

// All updates together keep to the budget, those longest unwritten first, and while half of the queue is
// used there are none.
func TestUpdatesHaveABudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := inFlight(t, exp, asyncprocessor.WithUpdateBudget(10_000))
		var spans []trace.Span
		for i := range 20 {
			_, span := start(t.Context(), p, fmt.Sprint(i))
			spans = append(spans, span)
		}
		require.NoError(t, p.ForceFlush(t.Context()))
		for _, s := range spans {
			s.SetAttributes(large(4_000)...)
		}
		time.Sleep(60 * time.Second)
		synctest.Wait()
		seen := map[string]int{}
		for _, name := range exp.names() {
			seen[name]++
		}
		updates := 0
		for i := range 20 {
			assert.Positive(t, seen[fmt.Sprint("UPDATE ", i)], "no span starves")
			updates += seen[fmt.Sprint("UPDATE ", i)]
		}
		assert.LessOrEqual(t, updates, 60*10_000/4_000+20)
	})
}

func TestNoUpdatesWhileHalfOfTheQueueIsUsed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp, held := new(recorder), newGate()
		p := inFlight(t, exp, asyncprocessor.WithMaxQueueSize(10), asyncprocessor.WithExportTimeout(0))
		_, span := start(t.Context(), p, "agent")
		require.NoError(t, p.ForceFlush(t.Context()))
		exp.export = held.export
		offerEnds(p, 5)
		span.SetAttributes(attribute.Int("n", 1))
		time.Sleep(5 * time.Minute)
		synctest.Wait()
		assert.NotContains(t, exp.names(), "UPDATE agent")
		held.open()
		time.Sleep(15 * time.Second)
		synctest.Wait()
		assert.Contains(t, exp.names(), "UPDATE agent")
	})
}

// At Shutdown what still runs is written as unfinished, with an end and with what is known of it.
func TestShutdownLeavesNoneRunning(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := inFlight(t, exp)
		_, span := start(t.Context(), p, "running")
		_, waits := start(t.Context(), p, "ended, and OnEnd does not come")
		time.Sleep(time.Second)
		span.SetAttributes(attribute.String("input", "a question"))
		waits.End()
		start(t.Context(), p, "started just now")
		require.NoError(t, p.Shutdown(t.Context()))
		names := exp.names()
		require.Len(t, names, 6)
		require.ElementsMatch(t, []string{
			"UNFINISHED running", "END ended, and OnEnd does not come", "UNFINISHED started just now",
		}, names[3:])
		last := exp.snapshot(t, "UNFINISHED running")
		assert.True(t, last.EndTime().IsZero(), "it has not ended: the exporter says so")
		assert.Equal(t, []attribute.KeyValue{attribute.String("input", "a question")}, last.Attributes())
	})
}

// What of it is not written in time counts.
func TestUnfinishedSpansThatAreNotWrittenInTimeCount(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := inFlight(t, exp)
		start(t.Context(), p, "a")
		start(t.Context(), p, "b")
		require.NoError(t, p.ForceFlush(t.Context()))
		exp.export = newGate().export
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		assert.Equal(t, uint64(2), undelivered(t, p.Shutdown(ctx), context.DeadlineExceeded))
		assert.Equal(t, reasons{"shutdown_deadline": 2}, balanced(t, p).DroppedBy)
	})
}

// A span whose END was lost after its START was delivered does not show as running for ever.
func TestASpanWhoseEndIsLostIsClosed(t *testing.T) {
	collectReports(t)
	t.Run("refused", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			exp, held := new(recorder), newGate()
			p := inFlight(t, exp, asyncprocessor.WithMaxQueueSize(4), asyncprocessor.WithExportTimeout(0))
			_, span := start(t.Context(), p, "agent")
			require.NoError(t, p.ForceFlush(t.Context()))
			time.Sleep(5 * time.Second)
			exp.export = held.export
			offerEnds(p, 4)
			span.SetStatus(codes.Error, "failed")
			endedAt := time.Now()
			end(p, span)
			require.Equal(t, reasons{"queue_full": 1}, balanced(t, p).DroppedBy)
			time.Sleep(time.Minute)
			held.open()
			time.Sleep(5 * time.Second)
			synctest.Wait()
			last := exp.snapshot(t, "UNFINISHED agent")
			assert.Equal(t, endedAt, last.EndTime(), "its true end")
			assert.Equal(t, codes.Error, last.Status().Code)
			assert.Zero(t, balanced(t, p).Tracked)
		})
	})
	t.Run("by its export", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			exp := new(recorder)
			p := inFlight(t, exp)
			_, span := start(t.Context(), p, "agent")
			_, child := start(t.Context(), p, "never stored")
			require.NoError(t, p.ForceFlush(t.Context()))
			exp.export = func(_ context.Context, n int, _ []asyncprocessor.Snapshot) error {
				if n == 2 {
					return errors.New("failed")
				}
				return nil
			}
			end(p, span)
			end(p, child)
			offerEnd(p, "short")
			require.Error(t, p.ForceFlush(t.Context()))
			require.NoError(t, p.ForceFlush(t.Context()))
			names := exp.names()
			assert.ElementsMatch(t, []string{"UNFINISHED agent", "UNFINISHED never stored"}, names[len(names)-2:])
		})
	})
	t.Run("switched off", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			exp := new(recorder)
			p := inFlight(t, exp, asyncprocessor.WithUnfinishedSpans(false))
			_, span := start(t.Context(), p, "agent")
			require.NoError(t, p.ForceFlush(t.Context()))
			exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error { return errors.New("failed") }
			end(p, span)
			require.Error(t, p.ForceFlush(t.Context()))
			start(t.Context(), p, "runs on")
			require.Error(t, p.Shutdown(t.Context()))
			assert.NotContains(t, fmt.Sprint(exp.names()), "UNFINISHED")
		})
	})
}

// A span that does not end is reported once, with how many more there are of its name.
func TestLeaksAreReported(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		p := inFlight(t, new(recorder), asyncprocessor.WithLeakAge(time.Minute))
		for range 3 {
			start(t.Context(), p, "agent")
		}
		time.Sleep(59 * time.Second)
		synctest.Wait()
		require.Empty(t, log.take())
		time.Sleep(time.Hour)
		synctest.Wait()
		told := log.take()
		require.Len(t, told, 1)
		require.ErrorIs(t, told[0], asyncprocessor.ErrLeakedSpan)
		assert.ErrorContains(t, told[0], `"agent" of scope "by hand"`)
		assert.ErrorContains(t, told[0], "has run for 1m0s, and 2 more of that name")
	})
}
