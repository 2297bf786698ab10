package asyncprocessor

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// A launch that leaves coalesced STARTs out makes room for some of those who
// wait. What they bring is sent at once as long as others still wait: the
// dispatcher must look again before it sleeps.
func TestLaunchKeepsThePressureOfWaiters(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, err := newConfig([]Option{WithBlocking(), WithMaxQueueSize(4), WithMaxExportBatchSize(4)})
		require.NoError(t, err)
		q := newQueue(c, 1)
		for range 4 {
			q.offer(entry{}, 0)
		}
		var wg sync.WaitGroup
		for range 2 {
			wg.Go(func() { q.offer(entry{}, 0) })
		}
		synctest.Wait()
		taken := q.take(new(freeChunks))
		require.Equal(t, uint64(4), taken.accepted.items)
		require.True(t, taken.pressed)

		require.True(t, q.launch(&batch{snapshots: make([]Snapshot, 3), coalesced: 1}))
		require.True(t, q.waiting, "one is admitted, one waits")
		assert.False(t, q.await(amount{8, never}, true), "the dispatcher sleeps on what was admitted")

		require.True(t, q.settle(3, 0, losses{}))
		wg.Wait()
		require.False(t, q.waiting)
	})
}

// heldByName is an exporter whose calls wait for the channel of their first span's
// name, if it has one.
type heldByName map[string]chan struct{}

func (h heldByName) ExportSnapshots(_ context.Context, snapshots []Snapshot) error {
	if until := h[snapshots[0].Span.Name()]; until != nil {
		<-until
	}
	return nil
}

func (heldByName) Shutdown(context.Context) error { return nil }

// Somebody waits for room, and what is queued belongs to a trace whose export
// hangs: nothing can be sent. What arrives of another trace then can be, and is, as
// soon as the next one waits.
func TestWhatCanBeSentIsSentForThoseWhoWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := heldByName{"a": make(chan struct{}), "b": make(chan struct{})}
		p := New(held, WithBlocking(), WithMaxQueueSize(4), WithMaxExportBatchSize(2), WithConcurrency(2))
		var wg sync.WaitGroup
		offer := func(name string, shard uint16) {
			span := tracetest.SpanStub{Name: name}.Snapshot()
			wg.Go(func() { p.queue.offer(entry{span: span, tag: tag{phase: PhaseEnd, shard: shard}}, 0) })
			synctest.Wait()
		}
		for range 2 {
			offer("a", 1)
		}
		for range 2 {
			offer("b", 2)
		}
		offer("a", 1) // waits for room
		close(held["b"])
		synctest.Wait() // it has room now, and nothing can be sent for it
		require.Equal(t, int64(1), p.Stats().Queued)
		offer("c", 3)
		offer("d", 4) // waits for room
		assert.GreaterOrEqual(t, p.Stats().Exported, uint64(3), "b, b and c; then there is room for d")
		close(held["a"])
		wg.Wait()
		require.NoError(t, p.Shutdown(t.Context()))
		assert.Equal(t, uint64(7), p.Stats().Exported)
	})
}

// STARTs that are left out do not count for a batch's size, where the queue has plenty
// of room for what waits then. Where it has not they do, and with StartAlways none is
// left out.
func TestBatchesGoOutFull(t *testing.T) {
	for name, c := range map[string]struct {
		opts []Option
		want []uint64 // exported or in flight after each two spans
	}{
		"coalesced":  {nil, []uint64{0, 4, 4, 8}},
		"always":     {[]Option{WithStartPolicy(StartAlways)}, []uint64{4, 8, 12, 16}},
		"small room": {[]Option{WithMaxQueueSize(63)}, []uint64{2, 4, 6, 8}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				held := heldByName{"": make(chan struct{})}
				p := New(held, append([]Option{WithMaxQueueSize(64), WithMaxExportBatchSize(4)}, c.opts...)...)
				var n uint64
				for _, want := range c.want {
					for range 2 {
						n++
						span := tracetest.SpanStub{}.Snapshot()
						p.queue.offer(entry{span: span, key: n, tag: tag{phase: PhaseStart, shard: uint16(n)}}, 0)
						p.queue.offer(entry{span: span, key: n, tag: tag{phase: PhaseEnd, shard: uint16(n)}}, 0)
					}
					synctest.Wait()
					assert.Equal(t, want, uint64(p.Stats().InFlight))
				}
				close(held[""])
				require.NoError(t, p.Shutdown(t.Context()))
			})
		})
	}
}
