package asyncprocessor

import (
	"math"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

func newTestQueue(t *testing.T, lanes int, opts ...Option) *queue {
	t.Helper()
	c, err := newConfig(opts)
	require.NoError(t, err)
	return newQueue(c, lanes)
}

// entriesOf calls f with the entries of a log, in order.
func entriesOf(l log, f func(*entry)) {
	for c := l.first; c != nil; c = c.next {
		for i := range c.end {
			f(&c.entries[i])
		}
	}
}

// takeAll takes all there is, as the dispatcher does, and calls f with it.
func takeAll(q *queue, empty *freeChunks, f func(*entry)) {
	t := q.take(empty)
	entriesOf(t.earlier, f)
	entriesOf(t.later, f)
}

// Snapshots of one trace come from any core, one after the other, while the dispatcher
// takes from lane after lane and is woken in between: they stay in order, and none is lost.
func TestLanesKeepTheOrderOfATraceConcurrentSafe(t *testing.T) {
	const traces, producers, each = 8, 4, 5000
	q := newTestQueue(t, 4, WithMaxQueueSize(1<<30), WithMaxQueueBytes(1<<40))
	var (
		locks [traces]sync.Mutex // guards next of the trace, and its order
		next  [traces]uint64
		wg    sync.WaitGroup
	)
	for p := range producers {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(uint64(p), 1))
			for range each {
				trace := random.IntN(traces)
				at := random.IntN(len(q.lanes)+1) - 1 // a core, or anyLane
				locks[trace].Lock()
				q.offer(entry{key: next[trace], tag: tag{shard: uint16(trace), bytes: 1}}, at)
				next[trace]++
				locks[trace].Unlock()
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()

	var (
		seen  [traces]uint64
		taken amount
		empty freeChunks
	)
	check := func(e *entry) {
		if e.key != seen[e.shard] {
			t.Errorf("trace %d: entry %d after %d", e.shard, e.key, int(seen[e.shard])-1)
		}
		seen[e.shard] = e.key + 1
		taken.items++
	}
	for over := false; !over && !t.Failed(); {
		select {
		case <-done:
			over = true
		default:
		}
		takeAll(q, &empty, check)
		if q.await(amount{taken.items + 50, never}, false) {
			select {
			case <-q.wake:
			case <-done:
			}
		}
	}
	wg.Wait()
	assert.Equal(t, uint64(producers*each), taken.items)
}

// Goroutines on all lanes offer to one shard at once, with no lock between them: what each
// of them offered stays in its order.
func TestLanesKeepTheOrderOfEachGoroutineConcurrentSafe(t *testing.T) {
	const goroutines, each = 4, 100_000
	q := newTestQueue(t, 4, WithMaxQueueSize(1<<30), WithMaxQueueBytes(1<<40))
	var wg sync.WaitGroup
	for g := range uint64(goroutines) {
		wg.Go(func() {
			for i := range uint64(each) {
				q.offer(entry{key: g<<32 | i, tag: tag{shard: 3, bytes: 1}}, int(i+g)%len(q.lanes))
			}
		})
	}
	done := make(chan struct{})
	go func() { wg.Wait(); close(done) }()
	var (
		seen  [goroutines]uint64
		empty freeChunks
	)
	for over := false; !over && !t.Failed(); {
		select {
		case <-done:
			over = true
		default:
		}
		takeAll(q, &empty, func(e *entry) {
			g, i := e.key>>32, e.key&math.MaxUint32
			if i != seen[g] {
				t.Errorf("goroutine %d: entry %d when %d was next", g, i, seen[g])
			}
			seen[g] = i + 1
		})
	}
	wg.Wait()
	for g := range seen {
		assert.Equal(t, uint64(each), seen[g])
	}
}

// Who waits for room is not overtaken by a smaller one.
func TestNobodyOvertakesWhoWaitsForRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := newTestQueue(t, 4, WithBlocking(), WithMaxQueueBytes(100))
		q.offer(entry{tag: tag{bytes: 50}}, 0)
		go q.offer(entry{tag: tag{bytes: 90}}, 1)
		synctest.Wait()
		go q.offer(entry{tag: tag{bytes: 1}}, 2)
		synctest.Wait()
		assert.Equal(t, uint64(1), q.stats().Offered)
		q.close()
	})
}

// A trace stays in its lane while any of it is there, and then goes along with the core.
func TestATraceGoesToAnotherLaneOnceItsOwnIsEmpty(t *testing.T) {
	q := newTestQueue(t, 2)
	q.offer(entry{key: 1}, 0)
	q.offer(entry{key: 2}, 1)
	assert.Equal(t, 2, q.lanes[0].tailLen)
	q.take(new(freeChunks))
	q.offer(entry{key: 3}, 1)
	assert.Zero(t, q.lanes[0].tailLen)
	assert.Equal(t, 1, q.lanes[1].tailLen)
	q.offer(entry{key: 4}, anyLane)
	assert.Equal(t, 2, q.lanes[1].tailLen)
}

// After a burst in one lane the chunks are there for another.
func TestChunksOfABurstAreUsedByOtherLanes(t *testing.T) {
	q := newTestQueue(t, 2, WithMaxQueueSize(1<<30), WithMaxQueueBytes(1<<40))
	var empty freeChunks
	for range 10 * maxFreeChunks * chunkSize {
		q.offer(entry{}, 0)
	}
	q.take(&empty)
	for empty.count < maxFreeChunks {
		empty.put(new(chunk))
	}
	for range 10 * chunkSize {
		q.offer(entry{}, 1)
	}
	q.take(&empty)
	assert.Equal(t, 8, q.lanes[1].free.count, "of the nine that it needed, one is in use")
	assert.LessOrEqual(t, q.lanes[0].free.count, maxLaneChunks)
	assert.GreaterOrEqual(t, empty.count, maxFreeChunks-maxLaneChunks-10, "none is thrown away")
}

// An entry that comes to a lane from which the dispatcher has just taken, for another
// reason than being woken, does not wake it, and waits for the next look.
func TestWhoIsAwakeIsNotWoken(t *testing.T) {
	q := newTestQueue(t, 2)
	require.True(t, q.await(amount{1, never}, false))
	require.Empty(t, keysOf(q.take(new(freeChunks)).earlier)) // the time was up
	q.offer(entry{key: 1}, 0)
	assert.Empty(t, q.wake)

	require.True(t, q.await(amount{2, never}, false))
	q.offer(entry{key: 2}, 0)
	assert.Len(t, q.wake, 1)
	taken := q.take(new(freeChunks))
	assert.Equal(t, []uint64{1}, keysOf(taken.earlier))
	assert.Equal(t, []uint64{2}, keysOf(taken.later))
}

func keysOf(l log) (keys []uint64) {
	entriesOf(l, func(e *entry) { keys = append(keys, e.key) })
	return keys
}

// However the entries fall to lanes, the one that makes the sum reach what the dispatcher
// waits for wakes it, and none before.
func TestTheDispatcherIsWokenByTheRightOne(t *testing.T) {
	for name, c := range map[string]struct {
		mark  amount
		bytes uint32
		want  int
	}{
		"items": {amount{500, never}, 10, 500},
		"bytes": {amount{never, 5000}, 10, 500},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(20) {
				random := rand.New(rand.NewPCG(seed, 2))
				q := newTestQueue(t, 1+int(seed)%maxLanes)
				require.True(t, q.await(c.mark, false))
				for n := 1; len(q.wake) == 0; n++ {
					q.offer(entry{tag: tag{shard: uint16(random.IntN(numShards)), bytes: c.bytes}}, random.IntN(len(q.lanes)))
					require.Equal(t, n >= c.want, len(q.wake) == 1, "after %d", n)
				}
			}
		})
	}
}

// The bound is exact too, and what comes back can be used again.
func TestLanesDoNotExceedTheBoundsTogetherConcurrentSafe(t *testing.T) {
	for seed := range uint64(10) {
		q := newTestQueue(t, 1+int(seed)%maxLanes, WithMaxQueueSize(1000))
		var wg sync.WaitGroup
		for p := range uint64(4) {
			wg.Go(func() {
				random := rand.New(rand.NewPCG(seed, p))
				for range 500 {
					q.offer(entry{tag: tag{phase: PhaseEnd, shard: uint16(random.IntN(numShards)), bytes: 1}}, random.IntN(len(q.lanes)))
				}
			})
		}
		wg.Wait()
		s := q.stats()
		assert.Equal(t, int64(1000), s.Queued)
		assert.Equal(t, map[DropReason]uint64{ReasonQueueFull: 1000}, s.DroppedBy)
		b := &batch{snapshots: make([]Snapshot, 10)}
		require.True(t, q.launch(b))
		require.True(t, q.settle(10, 10, losses{}))
		for range 20 {
			q.offer(entry{tag: tag{phase: PhaseEnd, bytes: 1}}, 0)
		}
		assert.Equal(t, uint64(1010), q.stats().DroppedBy[ReasonQueueFull])
	}
}

// With one lane, on one core, that is where everything goes.
func TestOneLane(t *testing.T) {
	q := newTestQueue(t, 1)
	q.offer(entry{key: 1, tag: tag{phase: PhaseStart, shard: 7}}, 0)
	q.offer(entry{key: 2, tag: tag{phase: PhaseEnd, shard: 7}}, anyLane)
	q.offer(entry{key: 3, tag: tag{phase: PhaseEnd, shard: numShards - 1}}, anyLane)
	var keys []uint64
	takeAll(q, new(freeChunks), func(e *entry) { keys = append(keys, e.key) })
	assert.Equal(t, []uint64{1, 2, 3}, keys)
}
