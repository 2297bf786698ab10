package sgpexporter

import (
	"context"
	"sync"
	"time"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/spool"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

const (
	// replayTimeout bounds one delivery, its retries included.
	replayTimeout = 30 * time.Second
	// replayConcurrency bounds the deliveries that are under way at once.
	replayConcurrency = 4
	// replayPoll is how soon what could not be delivered is looked for again.
	replayPoll = 250 * time.Millisecond
	// replayBytes bounds the JSON of one delivery.
	replayBytes = 1 << 20
	// restAlone is how long a trace rests that fails while others do not.
	restAlone = 20 * time.Second
)

// replay delivers what is in the spool, the oldest first, until the Exporter is shut down.
func (s *spooler) replay() {
	places := make(chan struct{}, replayConcurrency)
	var under sync.WaitGroup
	defer under.Wait()
	timer := time.NewTimer(0)
	defer timer.Stop()
	closing := &closer{spooler: s}
	// What SGP has an end of is not sent again, if SGP says so: a START would show the span as running.
	closing.run()
	for {
		for s.ctx.Err() == nil && s.deliverSome(places, &under) {
		}
		closing.run()
		var again <-chan time.Time
		if s.disk.Waiting() > 0 || closing.left() {
			timer.Reset(replayPoll)
			again = timer.C
		}
		select {
		case <-s.ctx.Done():
			return
		case <-s.disk.News():
		case <-again:
		}
	}
}

// deliverSome begins a delivery, when the pace allows it, and reports whether there may be more.
func (s *spooler) deliverSome(places chan struct{}, under *sync.WaitGroup) bool {
	if s.disk.Waiting() == 0 {
		return false
	}
	most, wait := s.pace.next(time.Now())
	select { // a delivery that fails ends the wait of none: the pace is asked anew
	case <-time.After(wait):
	case <-s.hurry:
		return true
	case <-s.ctx.Done():
		return false
	}
	select {
	case places <- struct{}{}:
	case <-s.ctx.Done():
		return false
	}
	if s.failing.Load() && len(places) > 1 {
		<-places
		select { // one at a time tries
		case <-time.After(replayPoll):
		case <-s.ctx.Done():
		}
		return s.ctx.Err() == nil
	}
	claims := s.claim(min(most, s.maxItems))
	if len(claims) == 0 {
		<-places
		s.resting.Store(len(places) == 0 && len(s.direct) == 0)
		return false
	}
	s.pace.sent(time.Now(), len(claims))
	under.Go(func() {
		defer func() { <-places }()
		batch := batchPool.Get().(*transport.Batch)
		defer putBatch(batch)
		phases, seqs := make([]uint8, len(claims)), make([]spool.Seq, len(claims))
		for i := range claims {
			c := &claims[i]
			batch.Commit(append(batch.Buffer(), c.JSON...), c.Item.Item)
			phases[i], seqs[i] = c.Phase, c.Seq
		}
		ctx, cancel := s.within(replayTimeout)
		defer cancel()
		s.deliver(ctx, batch, phases, seqs)
	})
	return true
}

// claim takes the oldest items.
func (s *spooler) claim(most int) []spool.Claimed {
	result := make(chan []spool.Claimed, 1)
	bytes := min(replayBytes, s.client.MaxBodyBytes())
	err := s.disk.Do(context.WithoutCancel(s.ctx), func(l *spool.Log) error {
		if err := l.Check(); err != nil {
			return err
		}
		resting := s.rests.now(time.Now(), l.Hash)
		result <- l.Claim(time.Now(), most, bytes, func(trace uint64) bool { return resting[trace] })
		return nil
	})
	if err != nil {
		return nil
	}
	return <-result
}

// pace is how fast the spool is delivered. It rises with each delivery, and halves when SGP
// asks for less: with a 429, a 503 or any other failure for now.
type pace struct {
	mu    sync.Mutex // guards what follows
	rate  float64    // items a second
	ready time.Time  // of the next delivery
	fails int
}

const (
	firstRate   = 200
	lowestRate  = 20
	highestRate = 50_000
	longestRest = 2 * time.Second
)

// next returns how many items the next delivery may have, and how long to wait for it.
func (p *pace) next(now time.Time) (most int, wait time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == 0 {
		p.rate = firstRate
	}
	return max(int(p.rate/4), 1), max(p.ready.Sub(now), 0)
}

// sent notes a delivery that begins.
func (p *pace) sent(now time.Time, items int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.ready.Before(now) {
		p.ready = now
	}
	p.ready = p.ready.Add(time.Duration(float64(items) / p.rate * float64(time.Second)))
}

// delivered notes how a delivery went.
func (p *pace) delivered(items int, well bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.rate == 0 {
		p.rate = firstRate
	}
	if well {
		p.fails = 0
		if items > 0 {
			p.rate = min(p.rate*1.5, highestRate)
		}
		return
	}
	p.rate = max(p.rate/2, lowestRate)
	if items == 0 {
		p.fails++
		p.ready = time.Now().Add(min(500*time.Millisecond<<min(p.fails-1, 10), longestRest))
	}
}

// rested ends the rest after a failure.
func (p *pace) rested() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.fails > 0 {
		p.ready = time.Time{}
	}
}

// rests are traces that failed while others did not.
type rests struct {
	mu    sync.Mutex
	until map[string]time.Time
}

func (r *rests) add(trace string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.until == nil {
		r.until = make(map[string]time.Time)
	}
	r.until[trace] = time.Now().Add(restAlone)
}

// now returns the traces that rest, by what stands for them in the spool.
func (r *rests) now(now time.Time, hash func(string) uint64) map[uint64]bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.until) == 0 {
		return nil
	}
	resting := make(map[uint64]bool)
	for trace, until := range r.until {
		if until.After(now) {
			resting[hash(trace)] = true
		} else {
			delete(r.until, trace)
		}
	}
	return resting
}
