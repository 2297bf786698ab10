package asyncprocessor

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
)

// timed is an exporter that notes when each of its calls began, and how many
// snapshots it had. The first calls last as long as it says.
type timed struct {
	last  []time.Duration
	begin time.Time

	mu    sync.Mutex // guards calls
	calls []timedCall
}

type timedCall struct {
	at    time.Duration
	items int
}

func newTimed(last ...time.Duration) *timed { return &timed{last: last, begin: time.Now()} }

func (e *timed) ExportSnapshots(_ context.Context, snapshots []Snapshot) error {
	e.mu.Lock()
	n := len(e.calls)
	e.calls = append(e.calls, timedCall{time.Since(e.begin), len(snapshots)})
	e.mu.Unlock()
	if n < len(e.last) {
		time.Sleep(e.last[n])
	}
	return nil
}

func (*timed) Shutdown(context.Context) error { return nil }

// offerTo hands p snapshots of span n, which hashes to shard n.
func offerTo(p *Processor, n uint16, phases ...Phase) {
	for _, phase := range phases {
		span := tracetest.SpanStub{}.Snapshot()
		p.queue.offer(entry{span: span, key: uint64(n), tag: tag{phase: phase, shard: n}}, 0)
	}
}

// What is sent when does not depend on what else is under way: not on an export that
// takes long, nor on one that has just been sent, nor on when the dispatcher last
// looked into the queue.
func TestBatchTimeoutCountsFromTheFirstArrival(t *testing.T) {
	const second = time.Second
	for name, c := range map[string]struct {
		opts []Option
		run  func(p *Processor)
		want []timedCall
	}{
		"while another is under way": {
			run: func(p *Processor) {
				offerTo(p, 1, PhaseEnd)
				time.Sleep(1900 * time.Millisecond)
				offerTo(p, 2, PhaseStart)
				time.Sleep(200 * time.Millisecond)
				offerTo(p, 2, PhaseEnd)
			},
			want: []timedCall{{second, 1}, {2900 * time.Millisecond, 1}},
		},
		"while all calls are under way": {
			opts: []Option{WithConcurrency(1)},
			run: func(p *Processor) {
				offerTo(p, 1, PhaseEnd)
				time.Sleep(10*second + 900*time.Millisecond) // 100 ms before the call returns
				offerTo(p, 2, PhaseStart)
				time.Sleep(200 * time.Millisecond)
				offerTo(p, 2, PhaseEnd)
			},
			want: []timedCall{{second, 1}, {11*second + 900*time.Millisecond, 1}},
		},
		"after a full batch": {
			run: func(p *Processor) {
				for i := range uint16(10) {
					synctest.Wait()
					offerTo(p, i, PhaseEnd)
				}
				time.Sleep(900 * time.Millisecond)
				offerTo(p, 20, PhaseStart)
				time.Sleep(200 * time.Millisecond)
				offerTo(p, 20, PhaseEnd)
			},
			want: []timedCall{{0, 10}, {1900 * time.Millisecond, 1}},
		},
		"what a full batch left": {
			run: func(p *Processor) {
				offerTo(p, 1, PhaseEnd)
				time.Sleep(900 * time.Millisecond)
				for i := range uint16(10) {
					offerTo(p, 10+i, PhaseEnd)
				}
			},
			want: []timedCall{{900 * time.Millisecond, 10}, {1900 * time.Millisecond, 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := newTimed(10 * time.Second)
				p := New(exp, append(c.opts, WithBatchTimeout(time.Second), WithMaxExportBatchSize(10))...)
				c.run(p)
				time.Sleep(time.Minute)
				exp.mu.Lock()
				assert.Equal(t, c.want, exp.calls)
				exp.mu.Unlock()
				require.NoError(t, p.Shutdown(t.Context()))
			})
		})
	}
}

// Two calls are under way, and more waits for one of them: a full batch, or what comes
// behind the second. What arrives just before the first comes back begins to wait
// then.
func TestBatchTimeoutCountsFromTheArrivalBehindABacklog(t *testing.T) {
	for name, full := range map[string]bool{"full": true, "behind": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				exp := newTimed(10*time.Second, 20*time.Second)
				p := New(exp, WithConcurrency(2), WithMaxExportBatchSize(10), WithBatchTimeout(time.Second))
				for n := range uint16(20) {
					offerTo(p, n, PhaseEnd)
					synctest.Wait()
				}
				want := []timedCall{{0, 10}, {0, 10}}
				if full {
					for n := range uint16(10) {
						offerTo(p, 20+n, PhaseEnd)
					}
					want = append(want, timedCall{10 * time.Second, 10})
				} else {
					offerTo(p, 15, PhaseEnd)
				}
				time.Sleep(9900 * time.Millisecond)
				offerTo(p, 50, PhaseStart)
				time.Sleep(200 * time.Millisecond)
				offerTo(p, 50, PhaseEnd)
				time.Sleep(8 * time.Second)
				want = append(want, timedCall{10900 * time.Millisecond, 1})
				exp.mu.Lock()
				assert.Equal(t, want, exp.calls)
				exp.mu.Unlock()
				require.NoError(t, p.Shutdown(t.Context()))
			})
		})
	}
}

// A full batch of other traces is sent while an export hangs, up to the concurrency.
func TestFullBatchesAreSentUpToTheConcurrency(t *testing.T) {
	for _, size := range []uint16{1, 10} {
		synctest.Test(t, func(t *testing.T) {
			held := heldByName{"": make(chan struct{})}
			p := New(held, WithConcurrency(4), WithMaxExportBatchSize(int(size)), WithBatchTimeout(time.Hour))
			for n := range 5 * size {
				offerTo(p, n, PhaseEnd)
			}
			synctest.Wait()
			assert.Equal(t, int64(4*size), p.Stats().InFlight)
			assert.Equal(t, int64(size), p.Stats().Queued)
			close(held[""])
			require.NoError(t, p.Shutdown(t.Context()))
		})
	}
}

// What queues up behind an export of its own traces wakes the dispatcher once in a
// while, not each time.
func TestArrivalsBehindAnExportDoNotWakeOneByOne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		held := heldByName{"": make(chan struct{})}
		p := New(held, WithMaxExportBatchSize(100))
		for range 100 {
			offerTo(p, 1, PhaseEnd)
		}
		synctest.Wait()
		require.Equal(t, int64(100), p.Stats().InFlight)
		looks := 0
		for range 100 {
			offerTo(p, 1, PhaseEnd)
			p.queue.mu.Lock()
			if p.queue.wakeAt.items == never { // the dispatcher has been woken
				looks++
			}
			p.queue.mu.Unlock()
			synctest.Wait()
		}
		assert.Equal(t, 1, looks, "by the first: the rest come within the batch timeout")
		close(held[""])
		require.NoError(t, p.Shutdown(t.Context()))
	})
}

// What came while all calls were under way is sorted when it is old, also when nothing comes
// any more that would wake the dispatcher: so ENDs meet their STARTs, however long the calls
// take.
func TestABacklogIsSortedWhenItIsOldThoughNothingComes(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const second = time.Second
		exp := newTimed(10*second, 100*second)
		p := New(exp, WithConcurrency(1), WithMaxExportBatchSize(16), WithBatchTimeout(time.Second))
		offerTo(p, 0, PhaseEnd)
		time.Sleep(10*second + second - 100*time.Millisecond) // its call returns in 100 ms
		for n := range uint16(32) {
			offerTo(p, 1+n, PhaseStart)
		}
		for n := range uint16(32) {
			offerTo(p, 1+n, PhaseEnd)
		}
		time.Sleep(50 * second)
		synctest.Wait() // so that the dispatcher's own can be looked at
		assert.True(t, p.dispatcher.log.empty())
		time.Sleep(100 * second)
		// 16 STARTs went out before they were old, and their ENDs behind those of the others,
		// which took the places of their STARTs.
		exp.mu.Lock()
		assert.Equal(t, []timedCall{{second, 1}, {11 * second, 16}, {111 * second, 16}, {111 * second, 16}}, exp.calls)
		exp.mu.Unlock()
		require.NoError(t, p.Shutdown(t.Context()))
		assert.EqualValues(t, 16, p.Stats().Coalesced)
	})
}
