package transport

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

const (
	// silence is how long nothing may be answered, while a request is under way, before
	// the others wait; more if SGP took longer for its last answers.
	silence = time.Second
	// maxProbeInterval bounds the time between two requests while nothing is answered:
	// short, since what is answered again is noticed by the next one.
	maxProbeInterval = 2 * time.Second
	// overtaken is how long a request may be under way when later ones are answered;
	// more if SGP took a tenth of that for its last answer. Then it is sent once more.
	overtaken = 3 * time.Second
	// renewInterval is the least time between two renewals of the connections.
	renewInterval = time.Second
	// stuck is how long all answers are failures before new connections are made: those
	// that there are stay where the address led when they were made.
	stuck = 5 * time.Second
)

// health is what the requests of a Client say about SGP, for each other.
//
// While nothing is answered, be it that SGP hangs or that a connection has gone silent,
// only one request in a while is sent, on a new connection, and all others wait. So
// requests that hang do not take all calls that there may be at once, and the first
// answer lets all go on. Those that hang still are sent once more a second later, as is
// any request that later ones have overtaken by far.
type health struct {
	// renew makes new connections for the requests from now on.
	renew func()

	mu        sync.Mutex // guards what follows
	pending   []*flight  // in the order in which they were sent
	answered  time.Time  // when the last answer came
	latency   time.Duration
	silent    bool
	nextProbe time.Time // while silent
	interval  time.Duration
	renewed   time.Time
	successes uint64
	failing   time.Time // since when all answers are failures, or connections were renewed for it
	held      time.Time // until when no request is sent
	heldFor   error
	news      chan struct{} // closed at the next answer; nil when nobody waits
}

// flight is a request under way.
type flight struct {
	sent   time.Time
	cancel context.CancelCauseFunc // nil when it was sent once more already
}

// restart ends it, to be sent once more.
func (f *flight) restart() {
	if f.cancel != nil {
		f.cancel(errRestart)
	}
}

// outcome is what a request says about SGP.
type outcome uint8

const (
	accepted outcome = iota // SGP judged the items
	failed                  // an answer that means "not now", or no connection
	timedOut                // no answer
	gone                    // cancelled: it says nothing
)

// errHeld is why a request is not sent, and errSilent why, if not for what was answered.
var (
	errHeld   = errors.New("not sent")
	errSilent = errors.New("nothing is answered at present")
)

// send waits until a request may be sent, and counts it as under way. cancel ends it. It
// returns errHeld when that would take longer than patience.
func (h *health) send(ctx context.Context, cancel context.CancelCauseFunc, patience time.Duration) (*flight, error) {
	begun := closing(ctx)
	wake := begun
	for until := time.Now().Add(patience); ; {
		ending := isClosed(begun)
		f, wait, news := h.admit(cancel, ending)
		if f != nil {
			return f, nil
		}
		if patience != math.MaxInt64 && wait > time.Until(until) {
			return nil, fmt.Errorf("%w: %w", errHeld, h.why())
		}
		if ending {
			wake = nil // it has cut the wait
		}
		if !sleep(ctx, wait, news, wake) && ctx.Err() != nil {
			return nil, fmt.Errorf("%w; %w: %w", ended(ctx), errHeld, h.why())
		}
	}
}

func (h *health) why() error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.held.After(time.Now()) {
		return h.heldFor
	}
	return errSilent
}

// hold sends no request for some time, for what was answered.
func (h *health) hold(wait time.Duration, err error) {
	if wait <= 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	if until := time.Now().Add(wait); until.After(h.held) {
		h.held, h.heldFor = until, err
	}
}

// admit returns a flight, or how long to wait for one, unless there is news before. When
// the process is about to end it is held for nobody.
func (h *health) admit(cancel context.CancelCauseFunc, ending bool) (*flight, time.Duration, <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.listen(now)
	if wait := h.held.Sub(now); wait > 0 && !ending {
		return nil, wait, h.listener()
	}
	if h.silent {
		if wait := h.nextProbe.Sub(now); wait > 0 {
			return nil, wait, h.listener()
		}
		h.nextProbe = now.Add(h.interval)
		h.interval = min(2*h.interval, maxProbeInterval)
		h.reconnect(now) // the last one hangs too
	}
	f := &flight{sent: now, cancel: cancel}
	h.pending = append(h.pending, f)
	return f, 0, nil
}

// listen looks whether nothing is answered. h.mu must be held.
func (h *health) listen(now time.Time) {
	if h.silent || len(h.pending) == 0 {
		return
	}
	since := h.pending[0].sent
	if h.answered.After(since) {
		since = h.answered
	}
	if now.Sub(since) >= max(silence, 3*h.latency) {
		h.hush(now)
	}
}

// hush notes that nothing is answered. h.mu must be held.
func (h *health) hush(now time.Time) {
	if !h.silent {
		h.silent, h.nextProbe, h.interval = true, now, silence
	}
	h.reconnect(now)
}

// reconnect makes the next request use a new connection. h.mu must be held.
func (h *health) reconnect(now time.Time) {
	if now.Sub(h.renewed) >= renewInterval {
		h.renewed = now
		h.renew()
	}
}

// done notes how a request ended.
func (h *health) done(f *flight, how outcome) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.pending = slices.DeleteFunc(h.pending, func(p *flight) bool { return p == f })
	now := time.Now()
	switch how {
	case timedOut:
		if !h.answered.After(f.sent) {
			h.hush(now)
		}
		return
	case gone:
		return
	case failed:
		if h.failing.IsZero() {
			h.failing = now
		} else if now.Sub(h.failing) >= stuck {
			h.failing = now
			h.reconnect(now)
		}
	case accepted:
		h.failing, h.held, h.heldFor = time.Time{}, time.Time{}, nil
		h.successes++
		h.latency = now.Sub(f.sent)
	}
	// What was sent long before the request that is answered now is on a connection from
	// which nothing comes; so is, after a silence, all that was sent before it, unless SGP
	// answers it soon too.
	for _, p := range h.pending {
		switch {
		case !p.sent.Before(f.sent):
		case h.silent:
			time.AfterFunc(silence, p.restart)
		case now.Sub(p.sent) >= max(overtaken, 10*h.latency):
			p.restart()
		}
	}
	h.silent, h.answered = false, now
	if h.news != nil {
		close(h.news)
		h.news = nil
	}
}

// listener returns a channel that is closed at the next answer. h.mu must be held.
func (h *health) listener() <-chan struct{} {
	if h.news == nil {
		h.news = make(chan struct{})
	}
	return h.news
}

// since returns how many requests SGP has judged, and a channel that is closed at the
// next answer.
func (h *health) state() (successes uint64, news <-chan struct{}) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.successes, h.listener()
}

// restart sends once more, on new connections, what has been under way for some time, if
// nothing is answered.
func (h *health) restart() {
	h.mu.Lock()
	defer h.mu.Unlock()
	now := time.Now()
	h.listen(now)
	if !h.silent {
		return
	}
	for _, p := range h.pending {
		if now.Sub(p.sent) >= silence {
			p.restart()
		}
	}
}

// sleep waits, and says whether it waited to the end: not when ctx has ended, or one of
// the channels was closed.
func sleep(ctx context.Context, wait time.Duration, news, begun <-chan struct{}) bool {
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-news:
	case <-begun:
	case <-ctx.Done():
	}
	return false
}
