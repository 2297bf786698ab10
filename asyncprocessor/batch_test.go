package asyncprocessor_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

func TestBatchClosesOnItems(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, parked(asyncprocessor.WithMaxExportBatchSize(4), asyncprocessor.WithConcurrency(1))...)
		offerEnds(p, 3)
		synctest.Wait()
		require.Empty(t, exp.calls())
		offerEnd(p, "fourth")
		synctest.Wait()
		require.Len(t, exp.calls(), 1)
		assert.ElementsMatch(t, []string{"END 0", "END 1", "END 2", "END fourth"}, exp.names())
		offerEnds(p, 3)
		synctest.Wait()
		assert.Len(t, exp.calls(), 1, "the rest waits for its own batch")
	})
}

func TestBatchClosesOnBytes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, parked(asyncprocessor.WithMaxExportBatchBytes(100_000))...)
		offerEnds(p, 3, payload(30_000))
		synctest.Wait()
		require.Empty(t, exp.calls(), "not full yet")
		offerEnds(p, 1, payload(30_000))
		synctest.Wait()
		require.Len(t, exp.calls(), 1)
		assert.Len(t, exp.calls()[0].snapshots, 3, "a fourth is more than 100,000 bytes")
	})
}

// However the spans arrive, no batch carries more bytes than it may, but for one
// that a single snapshot fills.
func TestMaxExportBatchBytesIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, asyncprocessor.WithMaxExportBatchBytes(100_000))
		for _, bytes := range []int{1, 60_000, 60_000, 150_000, 1, 150_000, 30_000, 30_000, 30_000, 30_000, 99_990, 1} {
			offerEnds(p, 1, payload(bytes))
		}
		require.NoError(t, p.ForceFlush(t.Context()))
		total := 0
		for _, c := range exp.calls() {
			bytes := 0
			for _, s := range c.snapshots {
				bytes += len(s.Span.Attributes()[0].Value.AsString())
			}
			total += len(c.snapshots)
			if len(c.snapshots) > 1 {
				assert.LessOrEqual(t, bytes, 100_000)
			}
		}
		assert.Equal(t, 12, total)
	})
}

func TestLargerThanABatchGoesAlone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, parked(asyncprocessor.WithMaxExportBatchBytes(10_000), asyncprocessor.WithConcurrency(1))...)
		ctx, root := byHand.Start(t.Context(), "root") // one trace, so that order says what goes with what
		for _, bytes := range []int{1, 50_000, 1, 1} {
			_, span := byHand.Start(ctx, map[int]string{1: "small", 50_000: "large"}[bytes], payload(bytes))
			end(p, span)
		}
		end(p, root)
		require.NoError(t, p.ForceFlush(t.Context()))
		assert.Equal(t, [][]string{{"END small"}, {"END large"}, {"END small", "END small", "END root"}}, exp.batches())
	})
}

// The first snapshot waits exactly the batch timeout, and takes along what came
// after it.
func TestBatchClosesOnTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, asyncprocessor.WithBatchTimeout(3*time.Second))
		for round := range 3 {
			time.Sleep(time.Duration(round) * 1700 * time.Millisecond)
			begin := time.Now()
			offerEnd(p, "first")
			time.Sleep(2 * time.Second)
			offerEnd(p, "second")
			time.Sleep(time.Second - 1)
			synctest.Wait()
			require.Len(t, exp.calls(), round, "not a nanosecond earlier")
			time.Sleep(time.Nanosecond)
			synctest.Wait()
			calls := exp.calls()
			require.Len(t, calls, round+1)
			assert.ElementsMatch(t, []string{"END first", "END second"}, calls[round].names())
			assert.Equal(t, 3*time.Second, calls[round].at.Sub(begin))
		}
	})
}

// A snapshot never waits longer than the batch timeout for a call to be made,
// whenever it arrives.
func TestNothingWaitsLongerThanTheBatchTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
			time.Sleep(70 * time.Millisecond)
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithBatchTimeout(time.Second))
		for i := range 500 {
			offerEnd(p, "a")
			time.Sleep(time.Duration(1+i*i%97) * time.Millisecond)
		}
		require.NoError(t, p.ForceFlush(t.Context()))
		for _, c := range exp.calls() {
			for _, s := range c.snapshots {
				waited := c.at.Sub(s.Span.EndTime())
				// Its trace may wait for the call before it, 70 ms.
				assert.LessOrEqual(t, waited, 1070*time.Millisecond)
			}
		}
	})
}

// A batch is not sent before its first snapshot has waited the batch timeout, also
// when other traffic goes on.
func TestBatchIsNotSentEarly(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
			time.Sleep(400 * time.Millisecond)
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithBatchTimeout(time.Second))
		offerEnd(p, "first")
		time.Sleep(1100 * time.Millisecond) // the first is in flight until 1.4 s
		offerEnd(p, "second")
		time.Sleep(700 * time.Millisecond)
		offerEnd(p, "third") // at 1.8 s, with a timer set for 2.1 s
		time.Sleep(5 * time.Second)
		calls := exp.calls()
		require.Equal(t, [][]string{{"END first"}, {"END second", "END third"}}, sorted(exp.batches()))
		assert.Equal(t, time.Second, calls[1].at.Sub(calls[1].snapshots[0].Span.EndTime()))
	})
}

// A quiet service has one call per batch timeout for all its traces together.
func TestQuietServiceSendsOneBatchPerTimeout(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp)
		for range 300 { // 9 spans a second for 33 s, each in a trace of its own
			_, span := start(t.Context(), p, "a")
			end(p, span)
			time.Sleep(110 * time.Millisecond) // never when a batch closes
		}
		require.NoError(t, p.Shutdown(t.Context()))
		calls := exp.calls()
		assert.LessOrEqual(t, len(calls), 66)
		assert.GreaterOrEqual(t, len(calls), 55)
		for i := 1; i < len(calls)-1; i++ {
			assert.GreaterOrEqual(t, calls[i].at.Sub(calls[i-1].at), 500*time.Millisecond)
		}
		s := balanced(t, p)
		assert.Equal(t, uint64(300), s.Exported)
		assert.Equal(t, uint64(300), s.Coalesced, "one write for a short span")
	})
}

func TestExportTimeout(t *testing.T) {
	tests := map[string]struct {
		timeout time.Duration
		bounded bool
	}{"2s": {2 * time.Second, true}, "no bound": {0, false}}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			collectReports(t)
			synctest.Test(t, func(t *testing.T) {
				exp := new(recorder)
				var bounded bool
				exp.export = func(ctx context.Context, n int, _ []asyncprocessor.Snapshot) error {
					_, bounded = ctx.Deadline()
					select {
					case <-ctx.Done():
						return ctx.Err()
					case <-time.After(time.Hour):
						return nil
					}
				}
				p := newProcessor(t, exp, asyncprocessor.WithExportTimeout(tt.timeout))
				begin := time.Now()
				offerEnd(p, "a")
				err := p.ForceFlush(t.Context())
				assert.Equal(t, tt.bounded, bounded)
				if tt.bounded {
					assert.ErrorIs(t, err, asyncprocessor.ErrDropped)
					assert.Equal(t, 2*time.Second, time.Since(begin))
					assert.Equal(t, reasons{"export_failed": 1}, balanced(t, p).DroppedBy)
				} else {
					assert.NoError(t, err)
					assert.Equal(t, time.Hour, time.Since(begin))
				}
			})
		})
	}
}

// hasty is an exporter that asks for a batch timeout.
type hasty struct {
	*recorder
	most time.Duration
}

func (e hasty) BatchTimeout() time.Duration { return e.most }

func TestExporterLowersTheBatchTimeout(t *testing.T) {
	for _, c := range []struct{ option, exporter, want time.Duration }{
		{option: 3 * time.Second, exporter: 50 * time.Millisecond, want: 50 * time.Millisecond},
		{option: 20 * time.Millisecond, exporter: 50 * time.Millisecond, want: 20 * time.Millisecond},
		{option: 3 * time.Second, exporter: 0, want: 3 * time.Second},
		{option: 3 * time.Second, exporter: -1, want: 3 * time.Second},
	} {
		synctest.Test(t, func(t *testing.T) {
			exp := hasty{new(recorder), c.exporter}
			p := asyncprocessor.New(exp, asyncprocessor.WithBatchTimeout(c.option))
			begin := time.Now()
			offerEnd(p, "a span")
			time.Sleep(time.Minute)
			require.Len(t, exp.calls(), 1)
			assert.Equal(t, c.want, exp.calls()[0].at.Sub(begin))
			require.NoError(t, p.Shutdown(t.Context()))
		})
	}
}
