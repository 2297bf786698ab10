package asyncprocessor_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/codes"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

type reasons = map[asyncprocessor.DropReason]uint64

func TestMaxQueueSizeIsExact(t *testing.T) {
	for _, size := range []int{1, 2, 3, 4, 5, 100, 129} {
		t.Run(fmt.Sprint(size), func(t *testing.T) {
			exp := new(recorder)
			p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(size), asyncprocessor.WithMaxExportBatchSize(1<<20),
				asyncprocessor.WithConcurrency(1), asyncprocessor.WithBatchTimeout(time.Hour))
			held := newGate()
			exp.export = held.export
			offerEnds(p, size)
			s := balanced(t, p)
			assert.Zero(t, s.Dropped)
			assert.Equal(t, int64(size), s.Queued+s.InFlight)
			offerEnds(p, 3)
			s = balanced(t, p)
			assert.Equal(t, reasons{"queue_full": 3}, s.DroppedBy)
			assert.Equal(t, int64(size), s.Queued+s.InFlight)
			held.open()
			require.NoError(t, p.Shutdown(context.Background()))
			assert.Len(t, exp.names(), size)
		})
	}
}

// From three quarters on STARTs are refused, and ENDs are not.
func TestStartsAreRefusedFromThreeQuartersOfTheItems(t *testing.T) {
	tests := []struct{ size, starts int }{
		{1, 1}, {2, 2}, {3, 3}, {4, 3}, {5, 4}, {6, 5}, {7, 6}, {8, 6}, {100, 75}, {101, 76},
	}
	for _, tt := range tests {
		t.Run(fmt.Sprint(tt.size), func(t *testing.T) {
			exp := new(recorder)
			p := newProcessor(t, exp, parked(asyncprocessor.WithMaxQueueSize(tt.size))...)
			held := newGate()
			exp.export = held.export
			for range tt.starts {
				start(t.Context(), p, "accepted")
			}
			require.Zero(t, balanced(t, p).Dropped)
			start(t.Context(), p, "refused")
			want := reasons{"start_refused": 1}
			require.Equal(t, want, balanced(t, p).DroppedBy)
			offerEnds(p, tt.size-tt.starts)
			require.Equal(t, want, balanced(t, p).DroppedBy)
			offerEnd(p, "full")
			want["queue_full"] = 1
			start(t.Context(), p, "refused")
			want["start_refused"] = 2
			require.Equal(t, want, balanced(t, p).DroppedBy)
			held.open()
		})
	}
}

// endBytes returns what an END with a payload counts, as the bound that just lets
// it pass.
func endBytes(t *testing.T, attrBytes int) int64 {
	t.Helper()
	fits := func(bound int64) bool {
		exp := new(recorder)
		p := asyncprocessor.New(exp, asyncprocessor.WithMaxQueueBytes(bound))
		offerEnd(p, "0", payload(attrBytes)) // a name as long as those of offerEnds
		require.NoError(t, p.Shutdown(context.Background()))
		return p.Stats().Dropped == 0
	}
	low, high := int64(attrBytes), int64(2*attrBytes+10_000)
	require.False(t, fits(low), "an estimate below the size of the payload")
	require.True(t, fits(high), "an estimate above twice the size of the payload")
	for high-low > 1 {
		if mid := (low + high) / 2; fits(mid) {
			high = mid
		} else {
			low = mid
		}
	}
	return high
}

func TestMaxQueueBytesIsExact(t *testing.T) {
	collectReports(t)
	size := endBytes(t, 100_000)
	t.Run("four fit", func(t *testing.T) {
		p := newProcessor(t, new(recorder), parked(asyncprocessor.WithMaxQueueBytes(4*size))...)
		offerEnds(p, 4, payload(100_000))
		require.Zero(t, balanced(t, p).Dropped)
		offerEnd(p, "fifth")
		assert.Equal(t, reasons{"queue_full": 1}, balanced(t, p).DroppedBy)
	})
	t.Run("a byte less", func(t *testing.T) {
		p := newProcessor(t, new(recorder), parked(asyncprocessor.WithMaxQueueBytes(4*size-1))...)
		offerEnds(p, 4, payload(100_000))
		assert.Equal(t, reasons{"queue_full": 1}, balanced(t, p).DroppedBy)
		offerEnd(p, "a small one still finds room")
		assert.Equal(t, reasons{"queue_full": 1}, balanced(t, p).DroppedBy)
	})
}

// Whatever makes a span large counts, also what the sender of a remote parent chose.
func TestAllThatIsLargeCounts(t *testing.T) {
	collectReports(t)
	state, err := trace.ParseTraceState("k=" + strings.Repeat("v", 250))
	require.NoError(t, err)
	for i := range 31 {
		state, err = state.Insert(fmt.Sprint("k", i), strings.Repeat("v", 250))
		require.NoError(t, err)
	}
	remote := trace.ContextWithRemoteSpanContext(context.Background(), trace.NewSpanContext(trace.SpanContextConfig{
		TraceID: trace.TraceID{1}, SpanID: trace.SpanID{1}, TraceFlags: trace.FlagsSampled, TraceState: state,
	}))
	long := strings.Repeat("n", 8_000)
	for name, begin := range map[string]func(p *asyncprocessor.Processor) trace.Span{
		"name": func(p *asyncprocessor.Processor) trace.Span {
			_, s := start(context.Background(), p, long)
			return s
		},
		"trace state": func(p *asyncprocessor.Processor) trace.Span {
			_, s := start(remote, p, "a")
			return s
		},
		"status": func(p *asyncprocessor.Processor) trace.Span {
			_, s := byHand.Start(context.Background(), "a")
			s.SetStatus(codes.Error, long)
			p.OnStart(context.Background(), s.(sdktrace.ReadWriteSpan))
			return s
		},
	} {
		t.Run(name, func(t *testing.T) {
			p := newProcessor(t, new(recorder), parked(asyncprocessor.WithMaxQueueBytes(8_000))...)
			span := begin(p)
			assert.Equal(t, reasons{"too_large": 1}, balanced(t, p).DroppedBy)
			end(p, span)
			assert.Equal(t, reasons{"too_large": 2}, balanced(t, p).DroppedBy)
		})
	}
}

func TestStartsAreRefusedFromThreeQuartersOfTheBytes(t *testing.T) {
	collectReports(t)
	size := endBytes(t, 100_000)
	t.Run("at three quarters", func(t *testing.T) {
		p := newProcessor(t, new(recorder), parked(asyncprocessor.WithMaxQueueBytes(4*size))...)
		offerEnds(p, 3, payload(100_000))
		start(t.Context(), p, "refused")
		assert.Equal(t, reasons{"start_refused": 1}, balanced(t, p).DroppedBy)
		offerEnd(p, "accepted")
		assert.Equal(t, reasons{"start_refused": 1}, balanced(t, p).DroppedBy)
	})
	t.Run("a byte below", func(t *testing.T) {
		p := newProcessor(t, new(recorder), parked(asyncprocessor.WithMaxQueueBytes(4*size+4))...)
		offerEnds(p, 3, payload(100_000))
		start(t.Context(), p, "accepted")
		assert.Empty(t, balanced(t, p).DroppedBy)
	})
}

func TestTooLarge(t *testing.T) {
	collectReports(t)
	exp := new(recorder)
	p := newProcessor(t, exp, parked(asyncprocessor.WithMaxQueueBytes(50_000))...)
	_, span := start(t.Context(), p, "large start", payload(50_000))
	assert.Equal(t, reasons{"too_large": 1}, balanced(t, p).DroppedBy)
	span.AddEvent("an event")
	span.SetStatus(codes.Error, "too much")
	end(p, span)
	assert.Equal(t, reasons{"too_large": 2}, balanced(t, p).DroppedBy)
	offerEnd(p, "small")
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, []string{"END large start", "END small"}, exp.names())
	assert.Equal(t, uint64(4), balanced(t, p).Offered, "what remains of the END is offered in its place")

	remains := exp.snapshot(t, "END large start")
	assert.Empty(t, remains.Attributes())
	assert.Empty(t, remains.Events())
	assert.Equal(t, 1, remains.DroppedAttributes())
	assert.Equal(t, 1, remains.DroppedEvents())
	assert.Equal(t, sdktrace.Status{Code: codes.Error, Description: "too much"}, remains.Status())
	assert.Equal(t, span.SpanContext(), remains.SpanContext())
	assert.False(t, remains.EndTime().IsZero())
}

// Under WithBlocking too: waiting would not make it fit.
func TestTooLargeDoesNotBlock(t *testing.T) {
	collectReports(t)
	p := newProcessor(t, new(recorder), asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueBytes(50_000))
	offerEnd(p, "large", payload(50_000))
	assert.Equal(t, reasons{"too_large": 1}, balanced(t, p).DroppedBy)
}

// The bounds are over what waits and what is in flight together.
func TestBoundsCountWhatIsInFlight(t *testing.T) {
	collectReports(t)
	size := endBytes(t, 100_000)
	tests := map[string]asyncprocessor.Option{
		"items": asyncprocessor.WithMaxQueueSize(4),
		"bytes": asyncprocessor.WithMaxQueueBytes(4 * size),
	}
	for name, bound := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp, held := new(recorder), newGate()
				exp.export = held.export
				p := newProcessor(t, exp, bound, asyncprocessor.WithMaxExportBatchSize(3))
				offerEnds(p, 3, payload(100_000))
				synctest.Wait()
				require.Equal(t, int64(3), balanced(t, p).InFlight)
				start(t.Context(), p, "refused")
				assert.Equal(t, reasons{"start_refused": 1}, balanced(t, p).DroppedBy)
				offerEnds(p, 1, payload(100_000))
				offerEnds(p, 1, payload(100_000))
				assert.Equal(t, reasons{"start_refused": 1, "queue_full": 1}, balanced(t, p).DroppedBy)
				held.open()
				require.NoError(t, p.ForceFlush(t.Context()))
				start(t.Context(), p, "accepted")
				offerEnds(p, 3, payload(100_000))
				assert.Equal(t, uint64(2), balanced(t, p).Dropped, "all room is back")
			})
		})
	}
}

// A queue that is full drops what comes, never what it holds, and neither OnStart
// nor OnEnd waits for an exporter that hangs.
func TestWhatIsQueuedIsNeverEvicted(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp, held := new(recorder), newGate()
		exp.export = held.export
		p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(10), asyncprocessor.WithMaxExportBatchSize(2),
			asyncprocessor.WithConcurrency(1))
		offerEnds(p, 1000)
		for range 1000 {
			start(t.Context(), p, "late")
		}
		held.open()
		require.ErrorIs(t, p.ForceFlush(t.Context()), nil)
		assert.ElementsMatch(t, []string{
			"END 0", "END 1", "END 2", "END 3", "END 4", "END 5", "END 6", "END 7", "END 8", "END 9",
		}, exp.names())
		assert.Equal(t, reasons{"queue_full": 990, "start_refused": 1000}, balanced(t, p).DroppedBy)
	})
}

// A queue that is smaller than a batch does not wait for the batch timeout, and drop
// all the while, when something did not fit.
func TestAFullQueueIsSentAtOnce(t *testing.T) {
	collectReports(t)
	size := endBytes(t, 100_000)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, parked(asyncprocessor.WithMaxQueueBytes(4*size-1))...)
		offerEnds(p, 3, payload(100_000))
		synctest.Wait()
		require.Empty(t, exp.calls())
		offerEnds(p, 1, payload(100_000))
		synctest.Wait()
		require.Equal(t, reasons{"queue_full": 1}, balanced(t, p).DroppedBy)
		assert.Len(t, exp.names(), 3)
		offerEnds(p, 3, payload(100_000))
		assert.Equal(t, uint64(1), balanced(t, p).Dropped)
	})
}

func TestCoalescedStartsMakeRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp, held := new(recorder), newGate()
		exp.export = held.export
		p := newProcessor(t, exp, asyncprocessor.WithMaxQueueSize(8), asyncprocessor.WithMaxExportBatchSize(6),
			asyncprocessor.WithConcurrency(1))
		for range 3 {
			_, span := start(t.Context(), p, "a")
			end(p, span)
		}
		synctest.Wait()
		s := balanced(t, p)
		require.Equal(t, int64(3), s.Queued)
		require.Equal(t, uint64(3), s.Coalesced)
		offerEnds(p, 5)
		assert.Zero(t, balanced(t, p).Dropped)
		offerEnds(p, 1)
		assert.Equal(t, reasons{"queue_full": 1}, balanced(t, p).DroppedBy)
		held.open()
	})
}
