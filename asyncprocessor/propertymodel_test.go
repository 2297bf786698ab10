package asyncprocessor

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"
)

// history is what happened in a run, as the application and the exporter saw it.
type history struct {
	plan      plan
	virtual   bool
	epoch     time.Time
	processor *Processor
	provider  *sdktrace.TracerProvider
	tracer    trace.Tracer
	release   chan struct{} // closed at the end: what hangs for ever goes on
	calling   sync.WaitGroup
	turn      chan struct{} // held by who offers, when the plan is serial

	ids sync.Mutex
	rng *rand.Rand

	mu      sync.Mutex // guards the rest; never held while anything waits
	seq     int
	offers  []*offer
	bySpan  map[spanKey]*[3]*offer // by phase
	calls   []*exportCall
	active  map[trace.TraceID]bool // traces that are with the exporter
	open    int                    // calls under way
	flushes []flushCall
	polls   []pollCall
	faults  []string

	shutdownBegun, shutdownReturned mark
	shutdownErr                     error
	shutdownOver                    chan struct{}
	exporterShut                    []mark
	frozen, final                   Stats // after Shutdown, before and after late results
}

// mark is a moment: its place in the order of all moments, and its time.
type mark struct {
	seq int
	at  time.Duration
}

type spanKey struct {
	trace trace.TraceID
	span  trace.SpanID
}

// offer is a snapshot that the SDK handed to the processor.
type offer struct {
	key             spanKey
	parent          spanKey
	phase           Phase
	size            uint64
	shard           int
	want            string // the span as it was then
	begun, returned mark
	door            DropReason // why it was not accepted

	call      *exportCall // that carried it, nil for none
	index     int
	got       Snapshot
	coalesced *exportCall // that carried the END in its place
}

func (o *offer) accepted() bool { return o.door == "" }

// exportCall is a call of ExportSnapshots.
type exportCall struct {
	carries         []*offer
	bytes           uint64
	lost            map[int]DropReason
	begun, returned mark // returned.seq is 0 until then
}

type flushCall struct {
	begun, returned mark
	ends            time.Duration // when its context does, -1 for never
	before, after   Stats
	err             error
}

type pollCall struct {
	at    time.Duration
	stats Stats
}

func newHistory(p plan, virtual bool) *history {
	return &history{
		plan:         p,
		virtual:      virtual,
		epoch:        time.Now(),
		release:      make(chan struct{}),
		turn:         make(chan struct{}, 1),
		rng:          rand.New(rand.NewPCG(1, 2)),
		bySpan:       make(map[spanKey]*[3]*offer),
		active:       make(map[trace.TraceID]bool),
		shutdownOver: make(chan struct{}),
	}
}

func (h *history) now() mark {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.nowLocked()
}

func (h *history) nowLocked() mark {
	h.seq++
	return mark{h.seq, time.Since(h.epoch)}
}

// fault notes a broken promise. faultLocked does so with mu held.
func (h *history) fault(format string, args ...any) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.faultLocked(format, args...)
}

func (h *history) faultLocked(format string, args ...any) {
	h.faults = append(h.faults, fmt.Sprintf(format, args...))
}

// poll calls Stats and checks what must be true of every value of it (promises 2
// and 4).
func (h *history) poll() Stats {
	h.mu.Lock()
	var returned uint64
	for _, o := range h.offers {
		if o.returned.seq != 0 {
			returned++
		}
	}
	before := len(h.polls)
	h.mu.Unlock()

	s := h.processor.Stats()

	h.mu.Lock()
	defer h.mu.Unlock()
	var by, confirmed uint64
	for _, n := range s.DroppedBy {
		by += n
	}
	for _, c := range h.calls {
		if c.returned.seq != 0 {
			confirmed += uint64(len(c.carries) - len(c.lost))
		}
	}
	p := h.plan
	switch {
	case s.Queued < 0 || s.InFlight < 0,
		s.Offered != s.Exported+s.Coalesced+s.Dropped+uint64(s.Queued)+uint64(s.InFlight),
		s.Dropped != by:
		h.faultLocked("promise 2: counts do not add up: %+v", s)
	case s.Offered < returned || s.Offered > uint64(len(h.offers)):
		h.faultLocked("promise 2: %d were offered before and %d after: %+v", returned, len(h.offers), s)
	case s.Exported > confirmed:
		h.faultLocked("promise 2: the exporter confirmed %d: %+v", confirmed, s)
	case s.Queued+s.InFlight > int64(p.maxItems):
		h.faultLocked("promise 4: more than %d snapshots: %+v", p.maxItems, s)
	case s.InFlight > int64(p.concurrency*p.maxBatch):
		h.faultLocked("promise 4: more in flight than %d calls carry: %+v", p.concurrency, s)
	case p.policy != StartCoalesced && s.Coalesced > 0:
		h.faultLocked("promise 6: coalesced under %s: %+v", p.policy, s)
	}
	for _, old := range h.polls[:before] { // all over before this one began
		o := old.stats
		if s.Offered < o.Offered || s.Exported < o.Exported || s.Coalesced < o.Coalesced || s.Dropped < o.Dropped {
			h.faultLocked("promise 2: a count went down: %+v, before %+v", s, o)
		}
		for reason, n := range o.DroppedBy {
			if s.DroppedBy[reason] < n {
				h.faultLocked("promise 2: %s went down: %+v, before %+v", reason, s, o)
			}
		}
	}
	h.polls = append(h.polls, pollCall{time.Since(h.epoch), s})
	return s
}

// recorder stands between the SDK and the processor and notes what is offered.
type recorder struct{ h *history }

func (r *recorder) OnStart(ctx context.Context, s sdktrace.ReadWriteSpan) {
	if s.Name() == "self" || !s.SpanContext().IsSampled() || r.h.plan.policy == StartNever {
		r.h.processor.OnStart(ctx, s) // must be ignored
		return
	}
	r.h.offer(PhaseStart, s, func() { r.h.processor.OnStart(ctx, s) })
}

func (r *recorder) OnEnd(s sdktrace.ReadOnlySpan) {
	if s.Name() == "self" || !s.SpanContext().IsSampled() {
		r.h.processor.OnEnd(s)
		return
	}
	r.h.offer(PhaseEnd, s, func() { r.h.processor.OnEnd(s) })
}

func (r *recorder) ForceFlush(ctx context.Context) error { return r.h.processor.ForceFlush(ctx) }
func (r *recorder) Shutdown(ctx context.Context) error   { return r.h.processor.Shutdown(ctx) }

// offer calls hand, which offers the snapshot of s, and notes it.
func (h *history) offer(phase Phase, s sdktrace.ReadOnlySpan, hand func()) {
	sc := s.SpanContext()
	o := &offer{
		key:    spanKey{sc.TraceID(), sc.SpanID()},
		parent: spanKey{s.Parent().TraceID(), s.Parent().SpanID()},
		phase:  phase,
		size:   sizeOf(phase, s),
		shard:  int(h.processor.seed.shardOf(sc.TraceID())),
		want:   describe(s),
	}
	if h.plan.serial {
		h.turn <- struct{}{}
		defer func() { <-h.turn }()
	}
	h.mu.Lock()
	o.begun = h.nowLocked()
	h.offers = append(h.offers, o)
	if h.bySpan[o.key] == nil {
		h.bySpan[o.key] = new([3]*offer)
	}
	h.bySpan[o.key][phase] = o
	h.mu.Unlock()

	before := h.refusals()
	hand()
	after := h.refusals()

	h.mu.Lock()
	o.returned = h.nowLocked()
	for reason, n := range after {
		if n > before[reason] {
			o.door = reason
		}
	}
	h.mu.Unlock()
}

// refusals returns what was refused for want of room so far, when the plan is
// serial: then a change is about the one offer that was made.
func (h *history) refusals() map[DropReason]uint64 {
	if !h.plan.serial {
		return nil
	}
	by := h.processor.Stats().DroppedBy
	return map[DropReason]uint64{ReasonStartRefused: by[ReasonStartRefused], ReasonQueueFull: by[ReasonQueueFull]}
}

// sizeOf is the documented estimate, for the attributes, links and events that
// this test makes.
func sizeOf(phase Phase, s sdktrace.ReadOnlySpan) uint64 {
	attrs := func(kvs []attribute.KeyValue) (n int) {
		for _, kv := range kvs {
			n += attrBytes + len(kv.Key)
			if kv.Value.Type() == attribute.STRING {
				n += len(kv.Value.AsString())
			}
		}
		return n
	}
	n := endBytes
	if phase == PhaseStart {
		n = startBytes + len(s.Name())
	}
	n += attrs(s.Attributes()) + len(s.Status().Description)
	for _, l := range s.Links() {
		n += linkBytes + attrs(l.Attributes)
	}
	for _, e := range s.Events() {
		n += eventBytes + len(e.Name) + attrs(e.Attributes)
	}
	return uint64(n)
}

// describe renders all of a span that a snapshot must keep.
func describe(s sdktrace.ReadOnlySpan) string {
	return fmt.Sprint(s.Name(), s.SpanContext().SpanID(), s.Parent().SpanID(), s.SpanKind(), s.StartTime().UnixNano(),
		s.EndTime().IsZero(), s.Attributes(), s.Links(), s.Events(), s.Status(),
		s.DroppedAttributes(), s.DroppedEvents(), s.DroppedLinks(), s.ChildSpanCount())
}

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
		for _, o := range call.carries {
			delete(h.active, o.key.trace)
		}
		h.mu.Unlock()
	}()

	lose := func(outcome DropReason) {
		h.mu.Lock()
		defer h.mu.Unlock()
		for i := range snapshots {
			call.lost[i] = outcome
		}
	}
	for _, latency := range b.attempts {
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
			if b.mask>>(i%32)&1 == 1 {
				first.Undelivered = append(first.Undelivered, i, i)
				call.lost[i] = counted(b.reasons[0])
			}
			if b.outcome == losesSomeJoined && b.mask>>(32+i%32)&1 == 1 {
				second.Undelivered = append(second.Undelivered, i)
				if call.lost[i] == "" {
					call.lost[i] = counted(b.reasons[1])
				}
			}
		}
	}
	h.mu.Unlock()
	switch b.outcome {
	case delivers:
		return nil
	case losesSome:
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

var errBackend = errors.New("backend")

func (e *randomExporter) Shutdown(context.Context) error {
	h := e.h
	h.calling.Add(1)
	defer h.calling.Done()
	h.mu.Lock()
	h.exporterShut = append(h.exporterShut, h.nowLocked())
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
	call := &exportCall{begun: h.nowLocked(), lost: make(map[int]DropReason)}
	h.calls = append(h.calls, call)
	if h.open++; h.open > h.plan.concurrency {
		h.faultLocked("promise 1: %d calls at once", h.open)
	}
	traces := make(map[trace.TraceID]bool)
	spans := make(map[spanKey]bool)
	for i, s := range snapshots {
		sc := s.Span.SpanContext()
		key := spanKey{sc.TraceID(), sc.SpanID()}
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
		case h.active[key.trace]:
			h.faultLocked("promise 1: two calls at once with one trace")
		case spans[key] && h.plan.policy == StartCoalesced:
			h.faultLocked("promise 6: START and END of %s in one batch", s.Span.Name())
		}
		if got := describe(s.Span); got != o.want {
			h.faultLocked("promise 3: %s is %s, was %s", s.Phase, got, o.want)
		}
		spans[key], traces[key.trace] = true, true
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

// judge fails t when a promise was broken.
func (h *history) judge(t *rapid.T) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.faults) == 0 { // what follows trusts the history
		newVerdict(h).all()
	}
	if len(h.faults) > 0 {
		t.Fatalf("%d faults, the first: %s\nShutdown from %s to %s (%v), %d offers, %d calls; %+v",
			len(h.faults), h.faults[0], h.shutdownBegun.at, h.shutdownReturned.at, h.shutdownErr,
			len(h.offers), len(h.calls), h.final)
	}
}

// verdict judges a history as a whole. In virtual time all events of one moment
// are over before the next one, which makes the state at each moment known.
type verdict struct {
	*history
	shut, timeUp time.Duration // when Shutdown began, and when its time was up
	gaveUp       bool          // Shutdown may have given up
	exact        bool          // what became of every offer at the queue's door is known
}

func newVerdict(h *history) *verdict {
	v := &verdict{history: h, shut: h.shutdownBegun.at, timeUp: h.shutdownBegun.at + h.plan.shutdownTimeout}
	err := h.shutdownErr
	v.gaveUp = errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
	by := h.final.DroppedBy
	v.exact = h.plan.serial || by[ReasonStartRefused]+by[ReasonQueueFull] == 0
	if !h.virtual {
		v.exact = v.exact && by[ReasonAlreadyShutdown] == 0
	}
	for _, o := range h.offers {
		switch {
		case h.virtual && o.returned.at >= v.shut:
			o.door = ReasonAlreadyShutdown
		case o.size > uint64(h.plan.maxBytes):
			o.door = ReasonTooLarge
		}
	}
	if v.exact {
		for _, both := range h.bySpan {
			start, end := both[PhaseStart], both[PhaseEnd]
			if start != nil && end != nil && start.accepted() && start.call == nil {
				start.coalesced = end.call
			}
		}
	}
	return v
}

func (v *verdict) all() {
	v.order()
	v.snapshots()
	v.surelyHeld()
	v.ending()
	if v.virtual || !v.gaveUp {
		v.counts()
	}
	if v.exact {
		v.flushing()
	}
	if v.virtual {
		v.shutdown()
		if v.exact {
			v.states()
		}
		if v.plan.serial {
			v.admission()
		}
	}
}

// counted reports whether the call came back before Shutdown gave up.
func (v *verdict) counted(c *exportCall) bool { return !v.virtual || c.returned.at < v.timeUp }

// filtered counts what c dropped on purpose, which is no loss.
func (c *exportCall) filtered() (n uint64) {
	for _, reason := range c.lost {
		if reason == ReasonFiltered {
			n++
		}
	}
	return n
}

// order is promise 1, the position of coalesced ENDs (promise 6), and that a
// trace is delivered in the order in which it was offered.
func (v *verdict) order() {
	byTrace := make(map[trace.TraceID][]*offer)
	for _, c := range v.calls { // those with one trace never overlap
		for _, o := range c.carries {
			byTrace[o.key.trace] = append(byTrace[o.key.trace], o)
		}
	}
	misplaced := make(map[spanKey]bool)
	for _, seen := range byTrace {
		place := make(map[*offer]int)
		for i, o := range seen {
			place[o] = i
		}
		latest := 0
		for i, o := range seen {
			start := v.bySpan[o.key][PhaseStart]
			if o.phase == PhaseStart {
				if end := v.bySpan[o.key][PhaseEnd]; end != nil && end.call != nil && place[end] < i {
					v.faultLocked("promise 1: a START comes after its END")
				}
			}
			// The moment of the offer by which o has its place.
			key := o
			if o.phase == PhaseEnd && start != nil && start.call == nil {
				switch {
				case start.coalesced != nil:
					key = start
				case !v.exact:
					key = nil // coalesced or not, that is not known
				}
			}
			if key != nil {
				if key.returned.seq < latest {
					v.faultLocked("promise 6: %s of a span that was offered before what precedes it", o.phase)
				}
				latest = max(latest, key.begun.seq)
			}
			v.parentFirst(o, i, place, misplaced)
		}
	}
	by := v.final.DroppedBy
	if refused := by[ReasonStartRefused] + by[ReasonQueueFull] + by[ReasonTooLarge] + by[ReasonAlreadyShutdown]; uint64(len(misplaced)) > refused {
		v.faultLocked("promise 1: children of %d spans precede them, only %d snapshots were refused", len(misplaced), refused)
	}
}

// parentFirst checks that o, the i-th of its trace, does not precede its parent.
func (v *verdict) parentFirst(o *offer, i int, place map[*offer]int, misplaced map[spanKey]bool) {
	parent := v.bySpan[o.parent]
	if parent == nil || v.plan.policy == StartNever { // from another process, or not announced
		return
	}
	start, end := parent[PhaseStart], parent[PhaseEnd]
	first := start
	if start.call == nil {
		first = end // took its place, if that was coalesced
	}
	if first != nil && first.call != nil && place[first] < i {
		return
	}
	if start.call != nil || v.exact && start.accepted() {
		v.faultLocked("promise 1: %s of a child precedes its parent", o.phase)
	}
	misplaced[o.parent] = true
}

// snapshots is promise 3: what was delivered stays as it was.
func (v *verdict) snapshots() {
	for _, o := range v.offers {
		if o.call != nil {
			if got := describe(o.got.Span); got != o.want {
				v.faultLocked("promise 3: a kept %s became %s, was %s", o.phase, got, o.want)
			}
		}
	}
}

// surelyHeld is promise 4, by what is certain on real time too: a snapshot that
// was delivered was held from its offer's return to its call's return.
func (v *verdict) surelyHeld() {
	type change struct{ seq, items, bytes int }
	var changes []change
	for _, o := range v.offers {
		if o.call != nil && v.counted(o.call) && !(v.gaveUp && !v.virtual) {
			changes = append(changes, change{o.returned.seq, 1, int(o.size)}, change{o.call.returned.seq, -1, -int(o.size)})
		}
	}
	slices.SortFunc(changes, func(a, b change) int { return a.seq - b.seq })
	items, bytes := 0, 0
	for _, c := range changes {
		items, bytes = items+c.items, bytes+c.bytes
		if items > v.plan.maxItems || bytes > int(v.plan.maxBytes) {
			v.faultLocked("promise 4: %d snapshots, %d bytes held", items, bytes)
			return
		}
	}
}

// ending is what must be true when all is over.
func (v *verdict) ending() {
	if v.final.Queued != 0 || v.final.InFlight != 0 {
		v.faultLocked("promise 7: something is left after Shutdown: %+v", v.final)
	}
	if v.final.Offered != uint64(len(v.offers)) {
		v.faultLocked("promise 2: %d were offered: %+v", len(v.offers), v.final)
	}
	if len(v.exporterShut) != 1 {
		v.faultLocked("promise 7: the exporter was shut down %d times", len(v.exporterShut))
	}
}

// counts compares the last Stats with what the exporter saw and said.
func (v *verdict) counts() {
	want := map[DropReason]uint64{}
	var exported, seen, coalesced, maybe, left uint64
	for _, c := range v.calls {
		seen += uint64(len(c.carries))
		if !v.counted(c) {
			want[ReasonShutdownDeadline] += uint64(len(c.carries))
			continue
		}
		exported += uint64(len(c.carries) - len(c.lost))
		for _, reason := range c.lost {
			want[reason]++
		}
	}
	for _, o := range v.offers {
		end := v.bySpan[o.key][PhaseEnd]
		switch {
		case o.coalesced != nil:
			coalesced++
		case !o.accepted():
			want[o.door]++
		case o.call == nil && o.phase == PhaseStart && end != nil && end.call != nil:
			maybe++ // coalesced or refused
		case o.call == nil:
			left++
		}
	}
	by := v.final.DroppedBy
	if !v.exact {
		coalesced = v.final.Coalesced
		if coalesced > maybe {
			v.faultLocked("promise 2: at most %d can be coalesced: %+v", maybe, v.final)
		}
		for _, reason := range []DropReason{ReasonStartRefused, ReasonQueueFull, ReasonAlreadyShutdown, ReasonTooLarge} {
			if reason == ReasonStartRefused || reason == ReasonQueueFull || !v.virtual {
				want[reason] = by[reason]
			}
		}
		refused := by[ReasonStartRefused] + by[ReasonQueueFull] + by[ReasonAlreadyShutdown] + by[ReasonTooLarge]
		left = v.final.Offered - refused - coalesced - seen
	}
	want[ReasonShutdownDeadline] += left
	maps.DeleteFunc(want, func(_ DropReason, n uint64) bool { return n == 0 })
	if v.final.Exported != exported || v.final.Coalesced != coalesced || !maps.Equal(by, want) {
		v.faultLocked("promise 2: exported %d, coalesced %d, dropped %v expected: %+v", exported, coalesced, want, v.final)
	}
}

// flushing is promise 7 on ForceFlush.
func (v *verdict) flushing() {
	for _, f := range v.flushes {
		early, late := f.begun.seq < v.shutdownBegun.seq, f.begun.seq > v.shutdownReturned.seq || v.virtual
		switch {
		case f.err == nil && early:
			v.flushed(f)
		case f.err == nil, !v.virtual && errors.Is(f.err, context.DeadlineExceeded):
		case !early && !late: // on real time it may be before or after
		case !early:
			v.faultLocked("promise 7: ForceFlush after Shutdown returned %v", f.err)
		case errors.Is(f.err, ErrDropped):
			if f.after.Dropped == f.before.Dropped {
				v.faultLocked("promise 7: ForceFlush returned %v, nothing was dropped", f.err)
			}
		case !errors.Is(f.err, context.DeadlineExceeded) || f.returned.at != f.ends:
			v.faultLocked("promise 7: ForceFlush returned %v at %s", f.err, f.returned.at)
		}
		if v.virtual && early && (f.err == nil || errors.Is(f.err, ErrDropped)) {
			// Everything is over when the last of what was offered is.
			over := f.begun.at
			for _, o := range v.offers {
				if o.accepted() && o.returned.seq <= f.returned.seq && o.returned.at <= f.begun.at {
					over = max(over, v.settledAt(o))
				}
			}
			if late := f.returned.at - over; late > 0 {
				v.faultLocked("promise 7: ForceFlush returned %s after all was settled", late)
			}
		}
	}
}

// flushed checks that f, which returned nil, kept its word.
func (v *verdict) flushed(f flushCall) {
	for _, o := range v.offers {
		if !o.accepted() || o.returned.seq > f.begun.seq {
			continue
		}
		c := o.call
		switch {
		case c == nil && o.coalesced == nil:
			v.faultLocked("promise 7: ForceFlush returned nil, a %s was never exported", o.phase)
		case c == nil:
			if v.virtual && o.coalesced.begun.at > f.returned.at {
				v.faultLocked("promise 7: ForceFlush returned nil before a START was coalesced")
			}
		case c.returned.seq > f.returned.seq:
			v.faultLocked("promise 7: ForceFlush from %s to %s returned nil, a %s offered at %s was settled at %s",
				f.begun.at, f.returned.at, o.phase, o.returned.at, c.returned.at)
		case v.virtual && c.returned.at > f.begun.at && c.lost[o.index] != "" && c.lost[o.index] != ReasonFiltered:
			v.faultLocked("promise 7: ForceFlush returned nil, a %s was lost meanwhile", o.phase)
		}
	}
}

// settledAt is when o was done with, in virtual time.
func (v *verdict) settledAt(o *offer) time.Duration {
	c := o.call
	if c == nil {
		c = o.coalesced
	}
	if c == nil || !v.counted(c) {
		return v.timeUp
	}
	return c.returned.at
}

// shutdownGraceAllowed is by how much Shutdown may be later than its deadline, for
// the exporter's Shutdown and for the error handler.
const shutdownGraceAllowed = 100 * time.Millisecond

// shutdown is promise 7 on Shutdown, in virtual time.
func (v *verdict) shutdown() {
	// What was confirmed before Shutdown was called does not matter to it.
	undelivered := v.final.DroppedBy[ReasonShutdownDeadline]
	over := v.shut
	for _, c := range v.calls {
		if !v.counted(c) {
			over = v.timeUp
			continue
		}
		over = max(over, c.returned.at)
		if c.returned.at > v.shut {
			undelivered += uint64(len(c.lost)) - c.filtered()
		}
		if c.begun.at > v.timeUp {
			v.faultLocked("promise 7: a call began after Shutdown gave up")
		}
	}
	var lost *ShutdownError
	got := uint64(0)
	if errors.As(v.shutdownErr, &lost) {
		got = lost.Undelivered
	}
	if got != undelivered || lost != nil && got == 0 {
		v.faultLocked("promise 7: Shutdown returned %v, %d were not delivered", v.shutdownErr, undelivered)
	}
	if undelivered == 0 && v.shutdownReturned.at < v.timeUp && v.shutdownErr != nil {
		v.faultLocked("promise 7: all was delivered in time, Shutdown returned %v", v.shutdownErr)
	}
	if after := v.shutdownReturned.at - v.timeUp; after > shutdownGraceAllowed {
		v.faultLocked("promise 7: Shutdown returned %s after its deadline", after)
	}
	if v.plan.exporterShutdown >= 0 && v.final.DroppedBy[ReasonShutdownDeadline] == 0 {
		if late := v.shutdownReturned.at - over - v.plan.exporterShutdown; late > min(4*v.plan.handlerDelay, shutdownGraceAllowed) {
			v.faultLocked("promise 7: Shutdown returned %s after all was settled", late)
		}
	}
	if !v.sameButOffers(v.frozen, v.final) {
		v.faultLocked("promise 7: a late result changed %+v to %+v", v.frozen, v.final)
	}
	for _, c := range v.calls {
		if at := v.exporterShut[0].at; at < v.timeUp && c.returned.seq > v.exporterShut[0].seq {
			v.faultLocked("promise 7: the exporter was shut down during a call")
		}
	}
}

func (v *verdict) sameButOffers(a, b Stats) bool {
	return a.Exported == b.Exported && a.Coalesced == b.Coalesced && a.Dropped == b.Dropped && maps.Equal(a.DroppedBy, b.DroppedBy)
}

// admission is promises 4 and 5 at the queue's door, for offers made one at a
// time: each is judged by what was held then, give or take what was released at
// the very moment.
func (v *verdict) admission() {
	p := v.plan
	maxBytes := uint64(p.maxBytes)
	for i, o := range v.offers {
		if o.door == ReasonAlreadyShutdown || o.door == ReasonTooLarge {
			continue
		}
		var least, most, leastBytes, mostBytes uint64
		for _, held := range v.offers[:i] {
			if !held.accepted() {
				continue
			}
			released := v.timeUp
			switch {
			case held.coalesced != nil:
				released = held.coalesced.begun.at
			case held.call != nil && v.counted(held.call):
				released = held.call.returned.at
			}
			if released >= o.begun.at {
				most, mostBytes = most+1, mostBytes+held.size
			}
			if released > o.begun.at {
				least, leastBytes = least+1, leastBytes+held.size
			}
		}
		fitsAtLeast := most < uint64(p.maxItems) && mostBytes+o.size <= maxBytes
		fitsAtMost := least < uint64(p.maxItems) && leastBytes+o.size <= maxBytes
		threeQuartersSure := 4*least >= 3*uint64(p.maxItems) || 4*leastBytes >= 3*maxBytes
		threeQuartersMaybe := 4*most >= 3*uint64(p.maxItems) || 4*mostBytes >= 3*maxBytes
		start := o.phase == PhaseStart
		switch {
		case o.accepted() && !fitsAtMost,
			o.accepted() && start && threeQuartersSure,
			o.door == ReasonQueueFull && fitsAtLeast,
			o.door == ReasonStartRefused && (!start || !threeQuartersMaybe):
			v.faultLocked("promise 5: %s of %d bytes is %q with %d to %d snapshots, %d to %d bytes held",
				o.phase, o.size, o.door, least, most, leastBytes, mostBytes)
		}
	}
}

// state is what the processor holds at a moment between two events of virtual
// time.
type state struct {
	stats   Stats // without the map
	queued  map[*offer]bool
	waiting map[*offer]bool
	bytes   uint64 // queued and in flight
	calls   int    // that are under way
	busy    map[int]int
}

// states replays the run in virtual time, and checks after each moment that the
// state is within the bounds (promise 4), that Stats says just that (promise 2),
// that nobody waits for room that is there, and that nothing waits that is due
// (promise 6).
func (v *verdict) states() {
	type event struct {
		at    time.Duration
		apply func(s *state) // nil for a moment at which something becomes due
	}
	var events []event
	at := func(t time.Duration, apply func(s *state)) { events = append(events, event{t, apply}) }
	for _, o := range v.offers {
		if o.begun.at != o.returned.at {
			if !v.plan.blocking {
				v.faultLocked("promise 4: the application was held up for %s", o.returned.at-o.begun.at)
			}
			at(o.begun.at, func(s *state) { s.waiting[o] = true })
		}
		at(o.returned.at, func(s *state) {
			delete(s.waiting, o)
			s.stats.Offered++
			if !o.accepted() {
				s.stats.Dropped++
				return
			}
			s.stats.Queued++
			s.queued[o] = true
			s.bytes += o.size
		})
		at(v.due(o), nil)
		if o.coalesced != nil {
			at(o.coalesced.begun.at, func(s *state) {
				s.stats.Queued--
				s.stats.Coalesced++
				delete(s.queued, o)
				s.bytes -= o.size
			})
		}
	}
	for _, c := range v.calls {
		n := int64(len(c.carries))
		at(c.begun.at, func(s *state) {
			s.calls++
			for _, o := range c.carries {
				delete(s.queued, o)
				s.busy[o.shard]++
			}
			s.stats.Queued -= n
			s.stats.InFlight += n
		})
		if !v.counted(c) {
			continue
		}
		at(c.returned.at, func(s *state) {
			s.stats.InFlight -= n
			s.stats.Exported += uint64(len(c.carries) - len(c.lost))
			s.stats.Dropped += uint64(len(c.lost))
			s.bytes -= c.bytes
			s.calls--
			for _, o := range c.carries {
				s.busy[o.shard]--
			}
		})
	}
	slices.SortStableFunc(events, func(a, b event) int { return int(a.at - b.at) })
	polls := slices.Clone(v.polls)
	slices.SortFunc(polls, func(a, b pollCall) int { return int(a.at - b.at) })

	s := &state{queued: map[*offer]bool{}, waiting: map[*offer]bool{}, busy: map[int]int{}}
	for i := 0; i < len(events); {
		now := events[i].at
		if now >= v.timeUp {
			break
		}
		for len(polls) > 0 && polls[0].at <= now {
			if polls[0].at < now { // at the same moment it may be either state
				v.sameStats(s, polls[0])
			}
			polls = polls[1:]
		}
		for ; i < len(events) && events[i].at == now; i++ {
			if events[i].apply != nil {
				events[i].apply(s)
			}
		}
		next := v.timeUp
		if i < len(events) {
			next = min(next, events[i].at)
		}
		held := s.stats.Queued + s.stats.InFlight
		if held > int64(v.plan.maxItems) || s.bytes > uint64(v.plan.maxBytes) {
			v.faultLocked("promise 4: %d snapshots, %d bytes held", held, s.bytes)
		}
		largest := uint64(0)
		for o := range s.waiting {
			largest = max(largest, o.size)
		}
		if len(s.waiting) > 0 && held < int64(v.plan.maxItems) && s.bytes+largest <= uint64(v.plan.maxBytes) {
			v.faultLocked("promise 4: %d wait at %s for room that is there", len(s.waiting), now)
		}
		if why := v.sendable(s, now); why != "" && next > now {
			v.faultLocked("promise 6: %s, and nothing is sent from %s to %s", why, now, next)
		}
	}
}

// due is when o must be sent at the latest, if it can be.
func (v *verdict) due(o *offer) time.Duration {
	t := o.returned.at + v.plan.batchTimeout
	for _, f := range v.flushes {
		if f.begun.seq > o.returned.seq && f.begun.seq < v.shutdownBegun.seq {
			t = min(t, f.begun.at)
		}
	}
	return min(t, v.shut)
}

// sendable says why an export should have begun by now, if one should.
func (v *verdict) sendable(s *state, now time.Duration) string {
	if s.calls == v.plan.concurrency {
		return ""
	}
	items, bytes := 0, uint64(0)
	for o := range s.queued {
		if s.busy[o.shard] > 0 {
			continue
		}
		if v.due(o) <= now {
			return fmt.Sprintf("a %s is due", o.phase)
		}
		items++
		bytes += o.size
	}
	if items > 0 && len(s.waiting) > 0 {
		return "somebody waits for room"
	}
	full := v.plan.maxBatch
	if s.calls > 0 && v.plan.policy == StartCoalesced && full <= v.plan.maxItems/16 {
		full *= 2 // half of them may be left out
	}
	if items >= full || bytes >= uint64(v.plan.maxBatchBytes) {
		return "a batch is full"
	}
	return ""
}

func (v *verdict) sameStats(s *state, p pollCall) {
	a, b := s.stats, p.stats
	if a.Offered != b.Offered || a.Exported != b.Exported || a.Coalesced != b.Coalesced ||
		a.Dropped != b.Dropped || a.Queued != b.Queued || a.InFlight != b.InFlight {
		v.faultLocked("promise 2: Stats at %s is %+v, expected %+v", p.at, b, a)
	}
}
