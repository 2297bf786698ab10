package asyncprocessor_test

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

func TestBlockingWaitsForRoomAndLosesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error {
			time.Sleep(time.Second)
			return nil
		}
		p := newProcessor(t, exp, asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(4),
			asyncprocessor.WithMaxExportBatchSize(2), asyncprocessor.WithConcurrency(1))
		begin := time.Now()
		for range 20 {
			_, span := start(t.Context(), p, "a")
			end(p, span)
			balanced(t, p)
		}
		assert.Greater(t, time.Since(begin), 3*time.Second, "it waited")
		require.NoError(t, p.Shutdown(context.Background()))
		s := balanced(t, p)
		assert.Equal(t, uint64(40), s.Offered)
		assert.Equal(t, uint64(40), s.Exported+s.Coalesced)
	})
}

// No START is refused for want of room, and who waits is not offered yet.
func TestBlockingCallersAreNotOfferedYet(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp, held := new(recorder), newGate()
		exp.export = held.export
		p := newProcessor(t, exp, asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(4),
			asyncprocessor.WithMaxExportBatchSize(4), asyncprocessor.WithConcurrency(1))
		for range 4 {
			start(t.Context(), p, "a")
		}
		var done atomic.Int32
		for range 3 {
			go func() {
				start(t.Context(), p, "waits")
				done.Add(1)
			}()
			synctest.Wait()
		}
		assert.Equal(t, uint64(4), balanced(t, p).Offered)
		assert.Zero(t, done.Load())
		held.open()
		synctest.Wait()
		assert.Equal(t, int32(3), done.Load())
		s := balanced(t, p)
		assert.Equal(t, uint64(7), s.Offered)
		assert.Zero(t, s.Dropped)
	})
}

// Callers that wait are let in in the order in which they came, also a large one
// before a small one that would fit at once.
func TestBlockingCallersAreServedInOrder(t *testing.T) {
	size := endBytes(t, 100_000)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		release := make(turnstile)
		exp.export = release.export
		p := newProcessor(t, exp, asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueBytes(3*size),
			asyncprocessor.WithMaxExportBatchSize(1), asyncprocessor.WithConcurrency(1))
		offerEnds(p, 2, payload(100_000))
		order := make(chan string, 10)
		wait := func(name string, bytes int) {
			go func() {
				offerEnd(p, name, payload(bytes))
				order <- name
			}()
			synctest.Wait()
		}
		wait("large", 200_000)
		wait("small", 1)
		wait("medium", 50_000)
		require.Empty(t, order)

		release <- struct{}{} // one of the two comes back, which leaves room for large
		synctest.Wait()
		require.Len(t, order, 1)
		assert.Equal(t, "large", <-order)
		release <- struct{}{} // room for both others
		synctest.Wait()
		require.Len(t, order, 2)
		assert.ElementsMatch(t, []string{"small", "medium"}, []string{<-order, <-order})
		close(release)
		require.NoError(t, p.Shutdown(context.Background()))
		names := exp.names()
		require.Len(t, names, 5)
		assert.Equal(t, "END large", names[2])
		assert.ElementsMatch(t, []string{"END small", "END medium"}, names[3:])
	})
}

func TestBlockingManyCallersInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		release := make(turnstile)
		exp.export = release.export
		p := newProcessor(t, exp, asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(1),
			asyncprocessor.WithConcurrency(1))
		offerEnd(p, "first")
		want := []string{"END first"}
		for i := range 50 {
			name := fmt.Sprint(i)
			go offerEnd(p, name)
			synctest.Wait()
			want = append(want, "END "+name)
		}
		close(release)
		synctest.Wait()
		assert.Equal(t, want, exp.names())
	})
}

// Shutdown lets go of those who wait; what they brought comes after it.
func TestBlockingHonoursShutdown(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, asyncprocessor.WithBlocking(), asyncprocessor.WithMaxQueueSize(2),
			asyncprocessor.WithConcurrency(1))
		held := newGate()
		exp.export = held.export
		offerEnds(p, 2)
		var done atomic.Int32
		for range 5 {
			go func() {
				offerEnd(p, "waits")
				done.Add(1)
			}()
			synctest.Wait()
		}
		require.Zero(t, done.Load())
		result := make(chan error, 1)
		go func() { result <- p.Shutdown(context.Background()) }()
		synctest.Wait()
		assert.Equal(t, int32(5), done.Load(), "released at once, not when the drain is over")
		require.Empty(t, result)
		assert.Equal(t, reasons{"already_shutdown": 5}, balanced(t, p).DroppedBy)
		held.open()
		assert.NoError(t, <-result, "nobody promised to deliver those")
		assert.Len(t, exp.names(), 2)
		offerEnd(p, "does not wait")
		assert.Equal(t, reasons{"already_shutdown": 6}, balanced(t, p).DroppedBy)
	})
}

// A caller waits for room, not for a batch to fill that it cannot fill because it
// waits.
func TestBlockingDoesNotWaitForTheBatchTimeout(t *testing.T) {
	size := endBytes(t, 100_000)
	tests := map[string][]asyncprocessor.Option{
		"items": {asyncprocessor.WithMaxQueueSize(3), asyncprocessor.WithMaxExportBatchSize(100)},
		"bytes": {asyncprocessor.WithMaxQueueBytes(4*size - 1)},
	}
	for name, opts := range tests {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				p := newProcessor(t, new(recorder), parked(append(opts, asyncprocessor.WithBlocking())...)...)
				begin := time.Now()
				offerEnds(p, 10, payload(100_000))
				assert.Zero(t, time.Since(begin))
			})
		})
	}
}
