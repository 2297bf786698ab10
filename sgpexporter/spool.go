package sgpexporter

import (
	"cmp"
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/spool"
	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// spooler is the Exporter's spool: export calls append to it (spoolexport.go), and a goroutine
// delivers what is in it (spoolreplay.go), and ends what a process that is over left running
// (spoolclose.go).
type spooler struct {
	*Exporter
	disk *spool.Spool
	mode SpoolMode

	requests context.Context // of the deliveries, suppressed and with replayKey
	abandon  context.CancelFunc
	ctx      context.Context // of the replay; when it ends no delivery begins any more
	cancel   context.CancelFunc
	workers  sync.WaitGroup
	direct   chan struct{} // places of deliveries at once
	failing  atomic.Bool   // SGP takes nothing for now
	tried    atomic.Uint64 // deliveries that are over
	resting  atomic.Bool   // all that waits rests, as it fails alone, or the disk fails
	pace     pace
	ending   chan struct{} // closed when Shutdown begins
	hurry    chan struct{} // has a token when a rest of the pace is over before its time
	rests    rests

	closed   atomic.Uint64 // spans that were ended as unfinished
	aboutSGP tellings      // what is reported
	ofDisk   tellings
	kept     limiter
	removed  func() // of the metrics
}

func newSpooler(e *Exporter, cfg spoolConfig) *spooler {
	s := &spooler{
		Exporter: e, mode: cfg.mode, direct: make(chan struct{}, directConcurrency),
		ending: make(chan struct{}), hurry: make(chan struct{}, 1),
	}
	suppressed := context.WithValue(asyncprocessor.SuppressContext(context.Background()), replayKey{}, s)
	s.requests, s.abandon = context.WithCancel(transport.WithClosing(suppressed, s.ending))
	s.ctx, s.cancel = context.WithCancel(s.requests)
	s.disk = spool.Start(spool.Config{
		Path:   cfg.dir,
		Limits: spool.Limits{MaxBytes: cfg.maxBytes, MaxAge: cfg.maxAge},
		Report: func(err error) { s.ofDisk.tell(fmt.Errorf("sgpexporter: spool %s: %w", cfg.dir, err)) },
		Wrap:   cfg.wrap,
	})
	s.removed = e.metrics.observeSpool(s)
	s.workers.Go(s.replay)
	return s
}

const (
	// drainTime bounds how long Shutdown waits for what is in the spool while it can be delivered.
	drainTime = 2 * time.Second
	// answerTime bounds how long it waits then for answers to what is under way: a request that is abandoned
	// is repeated by the next process.
	answerTime = 2 * time.Second
)

// shutdown delivers what it can for a short time, and closes the spool. What is left is
// for the next process.
func (s *spooler) shutdown(ctx context.Context) error {
	s.drain(ctx)
	s.cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.workers.Wait()
	}()
	s.await(ctx, done)
	s.abandon()
	select {
	case <-done:
	case <-ctx.Done():
	}
	s.removed()
	grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	err := s.disk.Close(grace)
	s.aboutSGP.end(grace)
	s.ofDisk.end(grace)
	if err != nil {
		return fmt.Errorf("sgpexporter: the spool did not close in time: %w", err)
	}
	return nil
}

// await waits until the deliveries that have begun are over, if SGP answers.
func (s *spooler) await(ctx context.Context, over <-chan struct{}) {
	if s.failing.Load() {
		return
	}
	ctx, cancel := atMost(ctx, answerTime)
	defer cancel()
	select {
	case <-over:
	case <-ctx.Done():
	}
}

// atMost bounds a wait, and leaves three quarters of the time of ctx for what follows it: what is not delivered is on
// disk, if that is closed in time.
func atMost(ctx context.Context, most time.Duration) (context.Context, context.CancelFunc) {
	if deadline, ok := ctx.Deadline(); ok {
		most = min(most, time.Until(deadline)/4)
	}
	return context.WithTimeout(ctx, most)
}

// drain waits until nothing is in the spool, or what is cannot be delivered for now. If SGP took nothing, it is tried
// once more at once: it may be back.
func (s *spooler) drain(ctx context.Context) {
	close(s.ending)
	s.pace.rested()
	s.hurry <- struct{}{}
	tried := s.tried.Load()
	ctx, cancel := atMost(ctx, drainTime)
	defer cancel()
	ticker := time.NewTicker(10 * time.Millisecond)
	defer ticker.Stop()
	s.resting.Store(false)
	for s.disk.Waiting() > 0 && !s.resting.Load() && (!s.failing.Load() || s.tried.Load() == tried) {
		select {
		case <-ticker.C:
		case <-ctx.Done():
			return
		}
	}
}

// batchPool has the batches of the replay: their memory is large.
var batchPool = sync.Pool{New: func() any { return new(transport.Batch) }}

func putBatch(b *transport.Batch) {
	if b.Cap() <= maxPooledBytes {
		b.Reset()
		batchPool.Put(b)
	}
}

// within is the context of a delivery.
func (s *spooler) within(most time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(s.requests, most,
		fmt.Errorf("not within %v, which a delivery from the spool has: %w", most, context.DeadlineExceeded))
}

// deliver sends items that are claimed and settles what becomes of them. It reports whether SGP
// took or judged them.
func (s *spooler) deliver(ctx context.Context, batch *transport.Batch, phases []uint8, seqs []spool.Seq) bool {
	var slowed atomic.Bool
	sink := &spoolSink{spooler: s, ctx: ctx, batch: batch, phases: phases, rejected: make(map[int]bool)}
	result := s.client.Send(context.WithValue(ctx, slowedKey{}, &slowed), batch, len(seqs), sink)
	var failed, delivered, rejected []spool.Seq
	lost := make(map[int]bool)
	ok := true
	for _, f := range result.Failed {
		alone := transport.FailedAlone(f.Err)
		ok = ok && alone
		s.tellKept(ctx, f.Err)
		for _, i := range f.Items {
			lost[i] = true
			failed = append(failed, seqs[i])
			if alone {
				s.rests.add(batch.Item(i).TraceID)
			}
		}
	}
	for i, seq := range seqs {
		switch {
		case lost[i]:
		case sink.rejected[i]:
			rejected = append(rejected, seq)
		default:
			delivered = append(delivered, seq)
		}
	}
	s.failing.Store(!ok)
	s.pace.delivered(len(delivered)+len(rejected), ok && !slowed.Load())
	// Whatever the disk does, what was claimed must be settled.
	_ = s.disk.Do(context.WithoutCancel(ctx), func(l *spool.Log) error {
		l.Release(failed)
		return cmp.Or(l.Delivered(delivered), l.Drop(rejected, string(asyncprocessor.ReasonRejected)))
	})
	s.tried.Add(1)
	return ok
}

// spoolSink hears what SGP refuses of what was in the spool.
type spoolSink struct {
	*spooler
	ctx      context.Context
	batch    *transport.Batch
	phases   []uint8
	rejected map[int]bool
}

// Stored implements transport.Sink: what did not fail and was not refused is stored.
func (*spoolSink) Stored([]int) {}

// Rejected implements transport.Sink.
func (s *spoolSink) Rejected(i int, status *transport.StatusError) {
	s.rejected[i] = true
	s.metrics.refused(s.ctx, status.Code)
	item := s.batch.Item(i)
	s.aboutSGP.tell(&RejectedError{
		TraceID: item.TraceID, SpanID: item.ID, Name: shorten(item.Name, maxNameBytes),
		Phase: asyncprocessor.Phase(s.phases[i]), StatusCode: status.Code, Reason: status.Reason,
	})
}

type slowedKey struct{}

// slowed notes that a request of a context is repeated.
func slowed(ctx context.Context) {
	if s, ok := ctx.Value(slowedKey{}).(*atomic.Bool); ok {
		s.Store(true)
	}
}
