package sgpexporter

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"go.opentelemetry.io/otel"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/transport"
)

// tellInterval is the least time between two reports of one kind.
const tellInterval = 10 * time.Second

// tellings report, to the global OpenTelemetry error handler, what goes wrong outside of the processor's calls:
// in the replay, and at the disk. They do so at most once in tellInterval, then with the last error and the
// number of those before it, and on a goroutine of their own, one at a time: a handler that blocks holds up
// nothing.
type tellings struct {
	underWay sync.WaitGroup

	mu       sync.Mutex  // guards what follows
	timer    *time.Timer // runs since the last report; nil when another may be made
	handling bool        // the handler is called
	last     error       // not reported yet
	more     int         // beside it
	ended    bool
}

func (t *tellings) tell(err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	if t.last != nil {
		t.more++
	}
	t.last = err
	t.handle()
}

// handle reports what is not yet, if it is time to, and begins the interval. t.mu must be held.
func (t *tellings) handle() {
	if t.last == nil || t.timer != nil || t.handling {
		return
	}
	err := t.last
	if t.more > 0 {
		err = fmt.Errorf("%w (and %d more like it)", err, t.more)
	}
	t.last, t.more, t.handling = nil, 0, true
	t.underWay.Go(func() {
		defer func() {
			_ = recover() // of the handler: it is no reason to end the process
			t.mu.Lock()
			defer t.mu.Unlock()
			t.handling = false
			t.handle()
		}()
		otel.Handle(err)
	})
	if !t.ended {
		t.timer = time.AfterFunc(tellInterval, t.intervalOver)
	}
}

func (t *tellings) intervalOver() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.ended {
		return
	}
	t.timer = nil
	t.handle()
}

// end reports what is not yet, and waits for the handler until ctx ends.
func (t *tellings) end(ctx context.Context) {
	t.mu.Lock()
	t.ended = true
	if t.timer != nil {
		t.timer.Stop()
		t.timer = nil
	}
	t.handle()
	t.mu.Unlock()
	done := make(chan struct{})
	go func() {
		defer close(done)
		t.underWay.Wait()
	}()
	select {
	case <-done:
	case <-ctx.Done():
	}
}

// tellKept reports why items are in the spool that would be lost without one. What is tried again the transport
// reports, and a refused key too.
func (s *spooler) tellKept(ctx context.Context, err error) {
	if !transport.Retryable(err) && !errors.Is(err, ErrUnauthorized) && s.kept.allow(time.Now()) {
		s.tell(ctx, fmt.Errorf("sgpexporter: a request has failed, its spans wait in the spool: %w", err))
	}
}

// replayKey is the key, in the contexts of the replay, of the spooler.
type replayKey struct{}

// tell reports what costs no span yet: by the processor whose call ctx is of, or, of the replay, by the
// spooler.
func (e *Exporter) tell(ctx context.Context, err error) {
	if s, ok := ctx.Value(replayKey{}).(*spooler); ok {
		s.aboutSGP.tell(err)
		return
	}
	e.warn(ctx, err)
}
