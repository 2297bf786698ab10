package asyncprocessor_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdkmetric "go.opentelemetry.io/otel/sdk/metric"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// watched counts how often the processor asks a running span.
type watched struct {
	sdktrace.ReadWriteSpan
	looked, read *atomic.Int64 // for its size, and for an update
}

func (w watched) Links() []sdktrace.Link {
	w.looked.Add(1)
	return w.ReadWriteSpan.Links()
}

func (w watched) Status() sdktrace.Status {
	w.read.Add(1)
	return w.ReadWriteSpan.Status()
}

// startWatched starts spans that run on, each in a trace of its own, and lets their STARTs leave.
func startWatched(t *testing.T, p *asyncprocessor.Processor, n int) (spans []trace.Span, looked, read *atomic.Int64) {
	t.Helper()
	looked, read = new(atomic.Int64), new(atomic.Int64)
	for range n {
		ctx, span := byHand.Start(context.Background(), "span")
		p.OnStart(ctx, watched{span.(sdktrace.ReadWriteSpan), looked, read})
		spans = append(spans, span)
	}
	require.NoError(t, p.ForceFlush(t.Context()))
	looked.Store(0)
	read.Store(0)
	return spans, looked, read
}

// Spans that started together are read for updates once an interval each, and spread over it.
func TestReadingIsSpreadOverTheInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := inFlight(t, new(recorder))
		_, _, read := startWatched(t, p, 5_000)
		var most, total int64
		for range 50 {
			time.Sleep(time.Second)
			synctest.Wait()
			n := read.Swap(0)
			most, total = max(most, n), total+n
		}
		assert.LessOrEqual(t, most, int64(501), "a tenth of them a second")
		assert.InDelta(t, 4*5_000, total, 5_000, "after ten seconds, once in ten seconds each")
	})
}

// A span that does not change is read once an interval all the same, although a pass could read more.
func TestAnUnchangedSpanIsReadOnceAnInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := inFlight(t, new(recorder))
		_, _, read := startWatched(t, p, 5)
		time.Sleep(50 * time.Second)
		synctest.Wait()
		assert.LessOrEqual(t, read.Load(), int64(5*5))
		assert.GreaterOrEqual(t, read.Load(), int64(5*4))
	})
}

// What more than 10,000 running spans hold is looked at part by part; that of fewer every second.
func TestAPassEnds(t *testing.T) {
	for spans, every := range map[int]int{9_000: 1, 25_000: 3} {
		synctest.Test(t, func(t *testing.T) {
			p := inFlight(t, new(recorder), asyncprocessor.WithMaxTrackedSpans(spans), asyncprocessor.WithUpdateInterval(0))
			_, looked, _ := startWatched(t, p, spans)
			time.Sleep(2500 * time.Millisecond) // between two passes
			looked.Store(0)
			var most, total int64
			for range every {
				time.Sleep(time.Second)
				synctest.Wait()
				n := looked.Swap(0)
				most, total = max(most, n), total+n
			}
			assert.Less(t, most, int64(11_000))
			assert.GreaterOrEqual(t, total, int64(spans), "each within %d seconds", every)
		})
	}
}

// Spans that cannot be tracked are counted: if their END is lost they are left as running.
func TestSpansThatAreNotTrackedAreCounted(t *testing.T) {
	collectReports(t)
	t.Run("beyond WithMaxTrackedSpans", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			exp := new(recorder)
			p := inFlight(t, exp, asyncprocessor.WithMaxTrackedSpans(1))
			start(t.Context(), p, "tracked")
			require.Equal(t, int64(1), balanced(t, p).Tracked) // of two traces, either could be sorted in first
			_, left := start(t.Context(), p, "left")
			start(t.Context(), p, "left for ever")
			_, short := start(t.Context(), p, "short")
			end(p, short)
			require.NoError(t, p.ForceFlush(t.Context()))
			assert.Equal(t, uint64(2), balanced(t, p).Untracked, "not the one that is over")
			exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error { return errors.New("failed") }
			end(p, left)
			require.Error(t, p.ForceFlush(t.Context()))
			exp.export = nil
			require.NoError(t, p.Shutdown(t.Context()))
			assert.Contains(t, exp.names(), "UNFINISHED tracked")
			assert.Contains(t, exp.names(), "UNFINISHED left", "its END was lost")
			assert.NotContains(t, exp.names(), "UNFINISHED left for ever", "what it was is not kept")
			assert.Equal(t, uint64(2), balanced(t, p).Untracked)
		})
	})
	t.Run("let go", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			p := inFlight(t, new(recorder), asyncprocessor.WithMaxQueueBytes(100_000))
			_, small := start(t.Context(), p, "small")
			_, span := start(t.Context(), p, "large")
			require.NoError(t, p.ForceFlush(t.Context()))
			assert.Zero(t, balanced(t, p).Untracked)
			span.SetAttributes(large(200_000)...)
			small.SetAttributes(large(1_000)...)
			time.Sleep(3 * time.Second)
			synctest.Wait()
			s := balanced(t, p)
			assert.Equal(t, uint64(1), s.Untracked)
			assert.Equal(t, int64(1), s.Tracked)
		})
	})
	t.Run("not one whose END waits", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			exp := new(recorder)
			p := inFlight(t, exp, asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))
			_, span := start(t.Context(), p, "short")
			end(p, span)
			require.NoError(t, p.ForceFlush(t.Context()))
			require.Equal(t, []string{"START short", "END short"}, exp.names())
			assert.Zero(t, balanced(t, p).Untracked)
		})
	})
}

// The metrics show how many spans run, and for how long the oldest has.
func TestMetricsOfRunningSpans(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		reader := sdkmetric.NewManualReader()
		p := inFlight(t, new(recorder), asyncprocessor.WithMaxTrackedSpans(2),
			asyncprocessor.WithMeterProvider(sdkmetric.NewMeterProvider(sdkmetric.WithReader(reader))))
		type running struct{ tracked, untracked, oldest int64 }
		now := func() running {
			got := collect(t, reader)
			return running{got["asyncprocessor.span.tracked"], got["asyncprocessor.span.untracked"], got["asyncprocessor.span.oldest_age"]}
		}
		assert.Equal(t, running{}, now())
		_, first := start(t.Context(), p, "first")
		time.Sleep(90 * time.Second)
		_, second := start(t.Context(), p, "second")
		_, third := start(t.Context(), p, "third")
		time.Sleep(30 * time.Second)
		assert.Equal(t, running{2, 1, 120}, now())
		end(p, first)
		time.Sleep(10 * time.Second)
		assert.Equal(t, running{1, 1, 40}, now())
		end(p, second)
		end(p, third)
		time.Sleep(10 * time.Second)
		assert.Equal(t, running{0, 1, 0}, now())
	})
}

// However many names leak at once, each is reported.
func TestEveryNameThatLeaksIsReported(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		p := inFlight(t, new(recorder), asyncprocessor.WithLeakAge(time.Minute))
		for i := range 11 {
			ctx, span := start(t.Context(), p, fmt.Sprint("span ", i))
			span.SetAttributes(attribute.Int("i", i))
			start(ctx, p, fmt.Sprint("span ", i))
		}
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		told := fmt.Sprint(log.take())
		for i := range 11 {
			assert.Contains(t, told, fmt.Sprintf("%q of scope", fmt.Sprint("span ", i)))
		}
	})
}
