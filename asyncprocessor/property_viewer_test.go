package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"
)

// callResult is what becomes of a call of the exporter.
type callResult int

const (
	storesAll callResult = iota
	storesNoneForNow
	losesAll
	storesHalf        // the first half is delivered, the rest fails for now
	tellsHalf         // the first half is told with Progress, later the rest is delivered
	tellsHalfAndFails // the same, and the rest fails for now
	losesEveryThird   // every third
	panicsInCall
)

// lifeNumber is the attribute that says which life of its id a span is, from 0.
const lifeNumber = "life"

// viewer is an exporter that sees what a viewer does.
type viewer struct {
	plan []inFlightCall

	mu     sync.Mutex
	calls  int
	state  map[spanKey]seen // by what was delivered last
	lost   map[spanKey]bool // a write of it was lost
	faults []string

	orphans int // children that were written before anything of their parent
}

// seen is the last write of a span.
type seen struct {
	life  int64
	phase Phase
}

func (s seen) over() bool { return s.phase == PhaseEnd || s.phase == PhaseUnfinished }

func newViewer(plan []inFlightCall) *viewer {
	return &viewer{plan: plan, state: make(map[spanKey]seen), lost: make(map[spanKey]bool)}
}

func (v *viewer) ExportSnapshots(ctx context.Context, snapshots []Snapshot) error {
	v.mu.Lock()
	c := v.plan[v.calls%len(v.plan)]
	v.calls++
	v.mu.Unlock()
	n := len(snapshots)
	first, rest := everyIndex((n+1)/2, 1, 0), everyIndex(n, 1, (n+1)/2)
	forNow := func(undelivered []int) error {
		return &ExportError{Undelivered: undelivered, Retryable: true, Err: errors.New("for now")}
	}
	tell := func() {
		time.Sleep(c.takes)
		v.write(snapshots, first)
		Progress(ctx, first, nil)
		time.Sleep(c.takes)
	}
	switch c.result {
	case storesAll:
		time.Sleep(c.takes)
		v.write(snapshots, everyIndex(n, 1, 0))
	case storesNoneForNow:
		time.Sleep(c.takes)
		return forNow(everyIndex(n, 1, 0))
	case losesAll:
		time.Sleep(c.takes)
		v.lose(snapshots, everyIndex(n, 1, 0))
		return errors.New("lost")
	case storesHalf:
		time.Sleep(c.takes)
		v.write(snapshots, first)
		return forNow(rest)
	case tellsHalf:
		tell()
		v.write(snapshots, rest)
	case tellsHalfAndFails:
		tell()
		return forNow(rest)
	case losesEveryThird:
		time.Sleep(c.takes)
		thirds := everyIndex(n, 3, 0)
		v.write(snapshots, slices.DeleteFunc(everyIndex(n, 1, 0), func(i int) bool { return i%3 == 0 }))
		v.lose(snapshots, thirds)
		return &ExportError{Undelivered: thirds, Reason: ReasonRejected, Err: errors.New("rejected")}
	case panicsInCall:
		v.lose(snapshots, everyIndex(n, 1, 0))
		panic("a fault of the exporter")
	}
	return nil
}

func (*viewer) Shutdown(context.Context) error { return nil }

func (v *viewer) lose(snapshots []Snapshot, which []int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, i := range which {
		v.lost[keyOf(snapshots[i].Span.SpanContext())] = true
	}
}

func (v *viewer) write(snapshots []Snapshot, which []int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	for _, i := range which {
		v.see(snapshots[i])
	}
}

// see notes a write that was delivered, and checks its order. It is called with mu held.
func (v *viewer) see(s Snapshot) {
	key := keyOf(s.Span.SpanContext())
	before, known := v.state[key]
	now := seen{phase: s.Phase}
	for _, a := range s.Span.Attributes() {
		if a.Key == lifeNumber {
			now.life = a.Value.AsInt64()
		}
	}
	same := known && before.life == now.life
	switch {
	case known && now.life < before.life:
		v.faultLocked("%s %s of life %d after %s of life %d", s.Phase, s.Span.Name(), now.life, before.phase, before.life)
	case same && s.Phase == PhaseStart,
		same && s.Phase == PhaseUpdate && before.over(),
		same && s.Phase == PhaseUnfinished && before.phase == PhaseEnd:
		v.faultLocked("%s %s after its %s", s.Phase, s.Span.Name(), before.phase)
	}
	if ended := !s.Span.EndTime().IsZero(); ended != now.over() && s.Phase != PhaseUnfinished {
		v.faultLocked("%s with an end time of %s", s.Phase, s.Span.EndTime())
	}
	parent := keyOf(s.Span.Parent())
	if _, seen := v.state[parent]; s.Span.Parent().IsValid() && !known && !seen && !v.lost[parent] {
		v.orphans++
	}
	v.state[key] = now
}

func (v *viewer) fault(format string, args ...any) {
	v.mu.Lock()
	defer v.mu.Unlock()
	v.faultLocked(format, args...)
}

func (v *viewer) faultLocked(format string, args ...any) {
	v.faults = append(v.faults, fmt.Sprintf(format, args...))
}
