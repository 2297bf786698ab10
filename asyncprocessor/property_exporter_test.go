package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"time"

	"go.opentelemetry.io/otel/trace"
)

// randomExporter behaves as the plan says and notes what it saw.
type randomExporter struct{ h *history }

func (e *randomExporter) ExportSnapshots(ctx context.Context, snapshots []Snapshot) (err error) {
	h := e.h
	h.calling.Add(1)
	defer h.calling.Done()
	h.mu.Lock()
	b := h.plan.calls[len(h.calls)%len(h.plan.calls)]
	call := h.receive(snapshots)
	h.mu.Unlock()

	if h.plan.instrumented {
		_, span := h.tracer.Start(ctx, "self")
		defer span.End()
	}
	defer func() {
		h.mu.Lock()
		call.returned = h.nowLocked()
		h.open--
		for id, c := range h.active {
			if c == call {
				delete(h.active, id)
			}
		}
		h.mu.Unlock()
	}()

	lose := func(reason DropReason) {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i := range snapshots {
			if !call.told[i] {
				call.lost[i] = reason
			}
		}
	}
	masked := b.masked(snapshots)
	for n, latency := range b.attempts {
		if b.tells && n == len(b.attempts)-1 {
			var through []int
			h.mu.Lock()
			for i := range snapshots {
				if !masked[i] {
					through = append(through, i)
					call.told[i] = true
				}
			}
			call.toldAt = h.nowLocked()
			for id, c := range h.active {
				if c == call && call.through(id) {
					delete(h.active, id)
				}
			}
			h.mu.Unlock()
			Progress(ctx, append(through, -1, len(snapshots)), nil)
		}
		var done <-chan struct{}
		if b.heeds {
			done = ctx.Done()
		}
		select {
		case <-time.After(h.scaled(latency)):
		case <-done:
			lose(ReasonExportFailed)
			return ctx.Err()
		}
	}
	// The indexes name some twice, and some that there are not.
	first, second := &ExportError{Undelivered: []int{-1, len(snapshots)}, Reason: b.reasons[0], Err: errBackend},
		&ExportError{Reason: b.reasons[1], Err: errBackend}
	counted := func(r DropReason) DropReason {
		if r == "" {
			return ReasonExportFailed
		}
		return r
	}
	h.mu.Lock()
	if b.outcome == losesSome || b.outcome == losesSomeWrapped || b.outcome == losesSomeJoined {
		for i := range snapshots {
			if masked[i] {
				first.Undelivered = append(first.Undelivered, i, i)
				call.lost[i] = counted(b.reasons[0])
			}
			if b.outcome == losesSomeJoined && b.mask>>(32+i%32)&1 == 1 && !call.told[i] {
				second.Undelivered = append(second.Undelivered, i)
				if call.lost[i] == "" {
					call.lost[i] = counted(b.reasons[1])
				}
			}
		}
	}
	if b.outcome == failsForNow {
		first.Retryable = true
		for i := range snapshots {
			if masked[i] {
				first.Undelivered = append(first.Undelivered, i)
				call.lost[i] = retryReason
				o := call.carries[i]
				o.call, o.retried = nil, call
			}
		}
	}
	h.mu.Unlock()
	switch b.outcome {
	case delivers:
		return nil
	case losesSome, failsForNow:
		return first
	case losesSomeWrapped:
		return fmt.Errorf("wrapped: %w", first)
	case losesSomeJoined:
		return errors.Join(first, second)
	case failsJoined:
		lose(ReasonExportFailed)
		return errors.Join(first, errBackend)
	case panics:
		lose(ReasonExporterPanic)
		panic("on purpose")
	case exits:
		lose(ReasonExporterPanic)
		runtime.Goexit()
		return nil
	case hangs:
		lose(ReasonExportFailed)
		select {
		case <-ctx.Done():
		case <-h.release:
		}
		return ctx.Err()
	case hangsForEver:
		<-h.release
		return nil
	default:
		lose(ReasonExportFailed)
		return errBackend
	}
}

// through reports whether all that the call has of a trace was told.
func (c *exportCall) through(id trace.TraceID) bool {
	for i, o := range c.carries {
		if o.key.trace == id && !c.told[i] {
			return false
		}
	}
	return true
}

// masked says which snapshots a call fails to deliver, by the plan's mask: of a trace those that follow
// one that fails for now, too.
func (b callPlan) masked(snapshots []Snapshot) []bool {
	masked := make([]bool, len(snapshots))
	failing := make(map[trace.TraceID]bool)
	for i, s := range snapshots {
		id := s.Span.SpanContext().TraceID()
		masked[i] = b.mask>>(i%32)&1 == 1 || b.outcome == failsForNow && failing[id]
		failing[id] = failing[id] || masked[i]
	}
	return masked
}

var errBackend = errors.New("backend")

func (e *randomExporter) Shutdown(context.Context) error {
	h := e.h
	h.calling.Add(1)
	defer h.calling.Done()
	h.mu.Lock()
	if h.exporterShut = append(h.exporterShut, h.nowLocked()); len(h.exporterShut) == 1 {
		close(h.exporterCalled)
	}
	h.mu.Unlock()
	if h.plan.exporterShutdown < 0 {
		<-h.release
	}
	h.sleep(h.plan.exporterShutdown)
	return nil
}

// receive notes a call and checks what can be said of it alone: promise 1 on
// concurrency, promise 3, promise 6 on batches. It is called with mu held.
func (h *history) receive(snapshots []Snapshot) *exportCall {
	call := &exportCall{begun: h.nowLocked(), lost: make(map[int]DropReason), told: make(map[int]bool)}
	h.calls = append(h.calls, call)
	if h.open++; h.open > h.plan.concurrency {
		h.faultLocked("promise 1: %d calls at once", h.open)
	}
	traces := make(map[trace.TraceID]*exportCall)
	spans := make(map[lifeKey]bool)
	for i, s := range snapshots {
		key := lifeOf(s.Span)
		var o *offer
		if both := h.bySpan[key]; both != nil {
			o = both[s.Phase]
		}
		switch {
		case o == nil:
			h.faultLocked("%s of %s, a span that was not offered", s.Phase, s.Span.Name())
			continue
		case o.call != nil:
			h.faultLocked("promise 1: %s of %s comes twice", s.Phase, s.Span.Name())
			continue
		case h.active[key.trace] != nil:
			h.faultLocked("promise 1: two calls at once with one trace")
		case spans[key] && h.plan.policy == StartCoalesced:
			h.faultLocked("promise 6: START and END of %s in one batch", s.Span.Name())
		}
		if got := describe(s.Span); got != o.want {
			h.faultLocked("promise 3: %s is %s, was %s", s.Phase, got, o.want)
		}
		spans[key], traces[key.trace] = true, call
		o.call, o.index, o.got = call, i, s
		call.carries = append(call.carries, o)
		call.bytes += o.size
	}
	maps.Copy(h.active, traces)
	switch {
	case len(snapshots) == 0 || len(snapshots) > h.plan.maxBatch:
		h.faultLocked("promise 6: a batch of %d, at most %d are allowed", len(snapshots), h.plan.maxBatch)
	case call.bytes > uint64(h.plan.maxBatchBytes) && len(snapshots) > 1:
		h.faultLocked("promise 6: a batch of %d bytes, at most %d are allowed", call.bytes, h.plan.maxBatchBytes)
	}
	return call
}
