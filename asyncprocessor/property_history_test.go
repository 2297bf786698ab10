package asyncprocessor

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
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

	ids       sync.Mutex
	lastTrace uint64

	mu      sync.Mutex // guards the rest; never held while anything waits
	seq     int
	offers  []*offer
	bySpan  map[lifeKey]*[3]*offer // by phase
	calls   []*exportCall
	active  map[trace.TraceID]*exportCall // that has snapshots of the trace
	open    int                           // calls under way
	flushes []flushCall
	polls   []pollCall
	faults  []string

	shutdownBegun, shutdownReturned mark
	shutdownErr                     error
	shutdownOver                    chan struct{}
	exporterShut                    []mark
	exporterCalled                  chan struct{} // closed when its Shutdown is called
	frozen, final                   Stats         // after Shutdown, before and after late results
}

// mark is a moment: its place in the order of all moments, and its time.
type mark struct {
	seq int
	at  time.Duration
}

// lifeKey is a span, and how often its id started before, which its name says.
type lifeKey struct {
	spanKey
	life int
}

const replayed = "replayed "

func lifeOf(s sdktrace.ReadOnlySpan) lifeKey {
	key := lifeKey{spanKey: keyOf(s.SpanContext())}
	if life, ok := strings.CutPrefix(s.Name(), replayed); ok {
		key.life, _ = strconv.Atoi(life)
	}
	return key
}

// offer is a snapshot that the SDK handed to the processor.
type offer struct {
	key             lifeKey
	parent          spanKey
	phase           Phase
	size            uint64
	want            string // the span as it was then
	begun, returned mark
	door            DropReason // why it was not accepted
	remains         *offer     // of an END that was too large: what remains of it, which is offered as well

	call      *exportCall // that carried it last, nil for none, or if it failed for now
	retried   *exportCall // that it failed in for now last
	index     int
	got       Snapshot
	coalesced *offer // the END that took its place
}

func (o *offer) accepted() bool { return o.door == "" }

// exportCall is a call of ExportSnapshots.
type exportCall struct {
	carries         []*offer
	bytes           uint64
	lost            map[int]DropReason
	told            map[int]bool // said to be delivered by Progress
	toldAt          mark         // and when
	begun, returned mark         // returned.seq is 0 until then
}

// retry stands, among the reasons of a call's losses, for what failed for now.
const retryReason DropReason = "(for now)"

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
		bySpan:       make(map[lifeKey]*[3]*offer),
		active:       make(map[trace.TraceID]*exportCall),
		shutdownOver: make(chan struct{}), exporterCalled: make(chan struct{}),
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
		if o.returned.seq != 0 && o.remains == nil {
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
		} else {
			confirmed += uint64(len(c.told))
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
	o := &offer{
		key:    lifeOf(s),
		parent: spanKey{s.Parent().TraceID(), s.Parent().SpanID()},
		phase:  phase,
		size:   estimateOf(phase, s),
		want:   describe(s),
	}
	if h.plan.serial {
		h.turn <- struct{}{}
		defer func() { <-h.turn }()
	}
	h.mu.Lock()
	o.begun = h.nowLocked()
	if phase == PhaseEnd && o.size > uint64(h.plan.maxBytes) { // what remains goes in its place
		whole := *o
		whole.door, whole.remains = ReasonTooLarge, o
		h.offers = append(h.offers, &whole)
		whole.returned = whole.begun
		o.size = uint64(endBytes + len(s.Name()) + len(s.Status().Description))
		o.want = describeStripped(s)
	}
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

// refusals returns what was refused for want of room, or as a replay, so far, when the plan is
// serial: then a change is about the one offer that was made.
func (h *history) refusals() map[DropReason]uint64 {
	if !h.plan.serial {
		return nil
	}
	by := h.processor.Stats().DroppedBy
	return map[DropReason]uint64{ReasonStartRefused: by[ReasonStartRefused], ReasonQueueFull: by[ReasonQueueFull], ReasonTraceShare: by[ReasonTraceShare],
		ReasonAlreadyEnded: by[ReasonAlreadyEnded]}
}

// estimateOf is the documented estimate, for the attributes, links and events that
// this test makes.
func estimateOf(phase Phase, s sdktrace.ReadOnlySpan) uint64 {
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
		n = startBytes
	}
	n += len(s.Name()) + attrs(s.Attributes()) + len(s.Status().Description)
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

// describeStripped renders what must remain of an END that is larger than the queue.
func describeStripped(s sdktrace.ReadOnlySpan) string {
	return fmt.Sprint(s.Name(), s.SpanContext().SpanID(), s.Parent().SpanID(), s.SpanKind(), s.StartTime().UnixNano(),
		s.EndTime().IsZero(), []attribute.KeyValue(nil), []sdktrace.Link(nil), []sdktrace.Event(nil), s.Status(),
		s.DroppedAttributes()+len(s.Attributes()), s.DroppedEvents()+len(s.Events()), s.DroppedLinks()+len(s.Links()),
		s.ChildSpanCount())
}
