package asyncprocessor

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.opentelemetry.io/otel"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
	"pgregory.net/rapid"
)

// The property: whatever the application, the exporter and the configuration do,
// the promises on order, conservation, snapshots, bounds, loss, coalescing, flush
// and shutdown hold. A plan is drawn, run through the SDK, and its history is
// judged by the property_*_test.go beside it.
//
// -rapid.checks sets the number of plans. In a failing run the seed is printed,
// and the smallest plan that still fails.

// TestPropertyVirtualTime runs plans in a synctest bubble: time stands still while
// anybody can go on, so that the model knows all states exactly, and hours pass in
// no time.
func TestPropertyVirtualTime(t *testing.T) {
	for name, w := range map[string]weather{"Calm": calm, "Overload": overload, "Blocking": blocking, "Hostile": hostile} {
		t.Run(name, rapid.MakeCheck(func(t *rapid.T) { checkVirtual(t, drawPlan(t, w)) }))
	}
}

// TestPropertyRealTimeConcurrentSafe runs plans on real time, which is what
// brings real interleavings; the race detector watches when it is on.
func TestPropertyRealTimeConcurrentSafe(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		p := drawPlan(t, rapid.SampledFrom([]weather{calm, overload, blocking, hostile}).Draw(t, "weather"))
		p.exporterShutdown = max(0, p.exporterShutdown) // its grace does not scale
		for range runsPerPlan {
			h := newHistory(p, false)
			h.run()
			h.judge(t)
		}
	})
}

// FuzzProcessor is the property in virtual time under Go's fuzzer, for as long as
// wanted. Runs interleave differently each time, so that minimizing an input is in
// vain: use -fuzzminimizetime 1x, or the fuzzer does little else.
func FuzzProcessor(f *testing.F) {
	for seed := range uint64(8) {
		rng := rand.New(rand.NewPCG(seed, 0))
		var bits []byte
		for range 6_000 {
			bits = binary.LittleEndian.AppendUint64(bits, rng.Uint64())
		}
		f.Add(bits)
	}
	f.Fuzz(rapid.MakeFuzz(func(t *rapid.T) {
		checkVirtual(t, drawPlan(t, rapid.SampledFrom([]weather{calm, overload, blocking, hostile}).Draw(t, "weather")))
	}))
}

// runsPerPlan is how often each plan is run: the goroutines of one moment
// interleave differently each time.
const runsPerPlan = 5

func checkVirtual(t *rapid.T, p plan) {
	for range runsPerPlan {
		rapid.SyncTest(t, func(t *rapid.T) {
			h := newHistory(p, true)
			h.run()
			h.judge(t)
		})
	}
}

// weather is the kind of run that a plan is drawn for.
type weather int

const (
	calm     weather = iota // room for all, an exporter that answers
	overload                // tight bounds, an exporter that answers, well or not
	blocking                // the same, and the application waits
	hostile                 // all that can go wrong
)

// plan is all that is random in a run. It is drawn before the run, since
// goroutines cannot draw.
type plan struct {
	maxItems, maxBatch, concurrency int
	maxBytes, maxBatchBytes         int64
	batchTimeout, exportTimeout     time.Duration
	policy                          StartPolicy
	blocking                        bool

	serial       bool          // offers are made one at a time, so that the fate of each is known
	handlerDelay time.Duration // how long the OpenTelemetry error handler takes
	instrumented bool          // the exporter makes spans itself

	spans   []spanPlan
	calls   []callPlan // the n-th call of the exporter does as calls[n%len] says
	flushes []flushPlan
	polls   []time.Duration // when Stats is called

	shutdownAt, shutdownTimeout time.Duration
	shutdownHow                 shutdownHow
	secondAfter, secondTimeout  time.Duration // a second Shutdown
	exporterShutdown            time.Duration // what the exporter's Shutdown takes; hang for ever if negative
}

// spanPlan is a span, on a goroutine of its own, and the short children that it
// has one after the other.
type spanPlan struct {
	parent          int // its place among the plan's spans; -1 for the first of a trace
	after, lasts    time.Duration
	leaves, payload int
	pause           time.Duration // between leaves
	replays         int           // leaves that start again with the id of the one before
	mutate          bool          // change all that can be changed before the end
	kind            rootKind
}

type rootKind int

const (
	localRoot rootKind = iota
	remoteParent
	unsampled
)

type callPlan struct {
	outcome  callOutcome
	attempts []time.Duration // the latency of each; the call stays open between them
	heeds    bool            // ends when its context does
	mask     uint64          // the snapshots it loses
	tells    bool            // it tells the progress of what it does not lose before the last attempt is over
	reasons  [2]DropReason
}

type callOutcome int

const (
	delivers callOutcome = iota
	losesSome
	losesSomeWrapped
	losesSomeJoined
	failsJoined // with an error that says nothing of single snapshots
	fails
	panics
	exits       // ends its goroutine
	failsForNow // some of it, of each trace all from there on
	hangs       // until its context ends
	hangsForEver
)

type flushPlan struct {
	at, timeout time.Duration // no timeout if 0
	provider    bool          // through the TracerProvider
}

type shutdownHow int

const (
	byDeadline shutdownHow = iota
	byProvider
	byCancel
	byOption
)

var (
	moments = []time.Duration{0, 0, 10 * time.Microsecond, time.Millisecond, 3 * time.Millisecond, 20 * time.Millisecond, 150 * time.Millisecond, 2 * time.Second}
	// Virtual time must pass in a call, so that what happens at one moment has
	// one order.
	latencies = []time.Duration{time.Microsecond, 10 * time.Microsecond, time.Millisecond, 7 * time.Millisecond, 40 * time.Millisecond, 300 * time.Millisecond}
)

// The nanoseconds by which the moments of a plan differ, since all else in it is
// whole microseconds: no two of these fall together, nor on something else.
const (
	pollOffset     = 100
	flushOffset    = 200
	shutdownOffset = 300
	timeoutOffset  = 50
)

func drawPlan(t *rapid.T, w weather) plan {
	one := func(label string, from []int) int { return rapid.SampledFrom(from).Draw(t, label) }
	moment := func(label string, from ...time.Duration) time.Duration {
		return rapid.SampledFrom(from).Draw(t, label)
	}
	flip := func(label string) bool { return rapid.Bool().Draw(t, label) }

	p := plan{
		maxItems:      100_000,
		maxBytes:      64 << 20,
		maxBatch:      one("maxBatch", []int{1, 2, 3, 8, 32, 512}),
		maxBatchBytes: int64(one("maxBatchBytes", []int{1, 2_000, 6_000, 4 << 20})),
		concurrency:   one("concurrency", []int{1, 2, 3, 8}),
		batchTimeout:  moment("batchTimeout", 10*time.Microsecond, time.Millisecond, 15*time.Millisecond, 500*time.Millisecond, time.Hour),
		exportTimeout: moment("exportTimeout", 0, 5*time.Millisecond, time.Second, 5*time.Minute),
		policy:        rapid.SampledFrom([]StartPolicy{StartCoalesced, StartCoalesced, StartAlways, StartNever}).Draw(t, "policy"),
		instrumented:  flip("instrumented"),

		shutdownAt:       moment("shutdownAt", 0, time.Millisecond, 10*time.Millisecond, 70*time.Millisecond, time.Second, 4*time.Second, 30*time.Second) + shutdownOffset,
		shutdownTimeout:  moment("shutdownTimeout", 0, 100*time.Microsecond, 9*time.Millisecond, 200*time.Millisecond, 5*time.Second) + timeoutOffset,
		shutdownHow:      rapid.SampledFrom([]shutdownHow{byDeadline, byProvider, byCancel, byOption}).Draw(t, "shutdownHow"),
		secondAfter:      moment("secondAfter", moments...),
		secondTimeout:    moment("secondTimeout", time.Microsecond, 4*time.Millisecond, time.Minute),
		exporterShutdown: moment("exporterShutdown", 0, 2*time.Millisecond),
	}
	outcomes := []callOutcome{delivers}
	if w != calm {
		p.maxItems = one("maxItems", []int{1, 2, 4, 7, 16, 50, 100_000})
		p.maxBytes = int64(one("maxBytes", []int{800, 2_500, 9_000, 60_000, 64 << 20}))
		p.blocking = w == blocking || flip("blocking")
		p.serial = !p.blocking && one("serial", []int{1, 1, 0}) == 1
		outcomes = append(outcomes, delivers, losesSome, losesSomeWrapped, losesSomeJoined, failsJoined, fails, failsForNow, failsForNow)
	}
	if w == hostile {
		p.handlerDelay = moment("handlerDelay", 0, 0, 500*time.Microsecond, 30*time.Millisecond)
		p.exporterShutdown = moment("exporterShutdownHangs", 0, 2*time.Millisecond, -1)
		outcomes = append(outcomes, delivers, delivers, panics, exits, hangs, hangsForEver)
	}
	p.maxBatch = min(p.maxBatch, p.maxItems) // as documented

	for i := range rapid.IntRange(1, 16).Draw(t, "spans") {
		s := spanPlan{
			parent:  rapid.IntRange(-1, i-1).Draw(t, "parent"),
			after:   moment("after", moments...),
			lasts:   moment("lasts", moments...),
			leaves:  one("leaves", []int{0, 0, 1, 3, 25}),
			pause:   moment("pause", 0, 0, 10*time.Microsecond, 4*time.Millisecond),
			replays: one("replays", []int{0, 0, 0, 1, 4}),
			payload: one("payload", []int{0, 0, 300, 3_000}),
			mutate:  flip("mutate"),
		}
		if s.parent < 0 {
			s.kind = rapid.SampledFrom([]rootKind{localRoot, localRoot, remoteParent, unsampled}).Draw(t, "root")
		}
		p.spans = append(p.spans, s)
	}
	reasons := []DropReason{"", ReasonRejected, ReasonFiltered, ReasonExportFailed, "made_up"}
	for range rapid.IntRange(1, 6).Draw(t, "calls") {
		p.calls = append(p.calls, callPlan{
			outcome:  rapid.SampledFrom(outcomes).Draw(t, "outcome"),
			attempts: rapid.SliceOfN(rapid.SampledFrom(latencies), 1, 3).Draw(t, "attempts"),
			heeds:    flip("heeds"),
			mask:     rapid.Uint64().Draw(t, "mask"),
			tells:    w != calm && flip("tells"),
			reasons: [2]DropReason{
				rapid.SampledFrom(reasons).Draw(t, "reason"),
				rapid.SampledFrom(reasons).Draw(t, "reason"),
			},
		})
	}
	if p.exportTimeout > 0 && slices.ContainsFunc(p.calls, func(c callPlan) bool { return c.outcome == failsForNow }) {
		p.exportTimeout = 5 * time.Minute // longer than the run: nothing is given up
	}
	for i := range rapid.IntRange(0, 4).Draw(t, "flushes") {
		p.flushes = append(p.flushes, flushPlan{
			at:       moment("flushAt", moments...) + flushOffset + time.Duration(i),
			timeout:  moment("flushTimeout", 0, 0, 100*time.Microsecond, 10*time.Millisecond, time.Second),
			provider: flip("provider"),
		})
	}
	for range rapid.IntRange(0, 12).Draw(t, "polls") {
		p.polls = append(p.polls, moment("pollAt", moments...)+
			time.Duration(rapid.IntRange(0, 400).Draw(t, "pollAfter"))*50*time.Microsecond+pollOffset)
	}
	return p
}

// realTimeScale is by how much real time is shorter than a plan's.
const realTimeScale = 2000

func (h *history) scaled(d time.Duration) time.Duration {
	if h.virtual || d < 0 {
		return d
	}
	return (d + realTimeScale - 1) / realTimeScale
}

func (h *history) sleep(d time.Duration) { time.Sleep(h.scaled(d)) }

func (h *history) sleepUntil(d time.Duration) { time.Sleep(h.scaled(d) - time.Since(h.epoch)) }

// run carries the plan out, from New until the last goroutine is done.
func (h *history) run() {
	p := h.plan
	otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {
		if p.handlerDelay > 0 {
			h.sleep(p.handlerDelay)
		}
	}))
	defer otel.SetErrorHandler(otel.ErrorHandlerFunc(func(error) {}))

	opts := []Option{
		WithMaxQueueSize(p.maxItems), WithMaxQueueBytes(p.maxBytes),
		WithMaxExportBatchSize(p.maxBatch), WithMaxExportBatchBytes(p.maxBatchBytes),
		WithBatchTimeout(h.scaled(p.batchTimeout)), WithExportTimeout(h.scaled(p.exportTimeout)),
		WithConcurrency(p.concurrency), WithStartPolicy(p.policy),
		WithShutdownTimeout(h.scaled(p.shutdownTimeout)),
		// What the processor makes itself has a property test of its own.
		WithMaxTrackedSpans(0), WithUnfinishedSpans(false),
	}
	if p.blocking {
		opts = append(opts, WithBlocking())
	}
	h.processor = New(&randomExporter{h}, opts...)
	h.provider = sdktrace.NewTracerProvider(
		sdktrace.WithSpanProcessor(&recorder{h}),
		sdktrace.WithSampler(sdktrace.ParentBased(rootSampler{})),
		sdktrace.WithIDGenerator(&idGenerator{h: h, last: make(map[trace.TraceID]uint64)}),
	)
	h.tracer = h.provider.Tracer("property")

	var wg sync.WaitGroup
	started := make([]chan context.Context, len(p.spans))
	for i := range p.spans {
		started[i] = make(chan context.Context, len(p.spans))
	}
	for i, s := range p.spans {
		wg.Go(func() { h.runSpan(i, s, started) })
	}
	for _, f := range p.flushes {
		wg.Go(func() { h.runFlush(f) })
	}
	for _, at := range p.polls {
		wg.Go(func() { h.sleepUntil(at); h.poll() })
	}
	wg.Go(h.runSecondShutdown)
	h.sleepUntil(p.shutdownAt)
	h.runShutdown()

	producers := make(chan struct{})
	go func() { wg.Wait(); close(producers) }()
	select {
	case <-producers:
	case <-time.After(h.scaled(time.Hour)):
		h.fault("goroutines are still blocked long after Shutdown")
	}
	h.frozen = h.poll()
	close(h.release) // what hung returns now, too late
	h.calling.Wait()
	if h.virtual { // late results settle, and timers end
		time.Sleep(time.Hour)
		synctest.Wait()
	}
	h.final = h.poll()
}

func (h *history) runSpan(i int, s spanPlan, started []chan context.Context) {
	ctx := context.Background()
	switch {
	case s.parent >= 0:
		ctx = <-started[s.parent]
	case s.kind == remoteParent:
		ctx = trace.ContextWithRemoteSpanContext(ctx, trace.NewSpanContext(trace.SpanContextConfig{
			TraceID: h.newTraceID(), SpanID: trace.SpanID{7: 0xfe}, TraceFlags: trace.FlagsSampled, Remote: true,
		}))
	}
	h.sleep(s.after)
	linked := []attribute.KeyValue{attribute.String("link", "as it was")}
	ctx, span := h.tracer.Start(ctx, fmt.Sprintf("span-%d", i),
		trace.WithAttributes(attribute.String("state", "started"), attribute.String("payload", strings.Repeat("x", s.payload)),
			attribute.Bool("unsampled", s.kind == unsampled)),
		trace.WithLinks(trace.Link{SpanContext: trace.SpanContextFromContext(ctx), Attributes: linked}))
	for range started {
		started[i] <- ctx
	}
	for range s.leaves {
		_, leaf := h.tracer.Start(ctx, "leaf")
		h.sleep(s.pause)
		leaf.End()
	}
	again := ctx
	for life := range s.replays {
		leafCtx, leaf := h.tracer.Start(again, fmt.Sprint(replayed, life))
		h.sleep(s.pause)
		leaf.End()
		again = context.WithValue(ctx, replayKey{}, trace.SpanContextFromContext(leafCtx).SpanID())
	}
	if s.mutate {
		linked[0] = attribute.String("link", "changed")
		span.SetName("renamed")
		span.SetAttributes(attribute.String("state", "changed"), attribute.Int("more", i))
		span.AddEvent("event")
	}
	h.sleep(s.lasts)
	span.End()
}

func (h *history) runFlush(f flushPlan) {
	h.sleepUntil(f.at)
	ctx, ends := context.Background(), time.Duration(-1)
	if f.timeout > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, h.scaled(f.timeout+timeoutOffset))
		defer cancel()
		ends = f.at + f.timeout + timeoutOffset
	}
	force := h.processor.ForceFlush
	if f.provider {
		force = h.provider.ForceFlush
	}
	call := flushCall{ends: ends, before: h.poll(), begun: h.now()}
	call.err = force(ctx)
	call.returned = h.now()
	call.after = h.poll()
	h.mu.Lock()
	h.flushes = append(h.flushes, call)
	h.mu.Unlock()
}

func (h *history) runShutdown() {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	timeout := h.scaled(h.plan.shutdownTimeout)
	force := h.processor.Shutdown
	switch h.plan.shutdownHow {
	case byProvider:
		force = h.provider.Shutdown
		fallthrough
	case byDeadline:
		ctx, cancel = context.WithTimeout(ctx, timeout)
		defer cancel()
	case byCancel:
		// The deadline is there so that the option does not count.
		ctx, cancel = context.WithTimeout(ctx, time.Hour)
		defer cancel()
		timer := time.AfterFunc(timeout, cancel)
		defer timer.Stop()
	case byOption:
	}
	h.shutdownBegun = h.now()
	err := force(ctx)
	if !h.processor.shuttingDown.Load() { // the provider does not reach it when ctx has ended
		err = h.processor.Shutdown(ctx)
	}
	h.shutdownReturned = h.now()
	h.shutdownErr = err
	select { // on a busy machine its goroutine may be late
	case <-h.exporterCalled:
	case <-time.After(10 * time.Second):
	}
	close(h.shutdownOver)
}

// runSecondShutdown calls Shutdown while the first one is under way or over. It
// waits for the first, within its own context, and returns the same.
func (h *history) runSecondShutdown() {
	h.sleepUntil(h.plan.shutdownAt)
	for !h.processor.shuttingDown.Load() {
		h.sleep(time.Microsecond)
	}
	h.sleep(h.plan.secondAfter)
	ctx, cancel := context.WithTimeout(context.Background(), h.scaled(h.plan.secondTimeout))
	defer cancel()
	err := h.processor.Shutdown(ctx)
	if ctx.Err() != nil && errors.Is(err, ctx.Err()) {
		return
	}
	select {
	case <-h.processor.shutdownDone:
	default:
		h.fault("the second Shutdown returned %v before the first, and before its context ended", err)
		return
	}
	<-h.shutdownOver
	var lost, firstLost *ShutdownError
	errors.As(err, &lost)
	errors.As(h.shutdownErr, &firstLost)
	if lost != firstLost || (err == nil) != (h.shutdownErr == nil) {
		h.fault("the second Shutdown returned %v, the first %v", err, h.shutdownErr)
	}
}

// replayKey is the key, in a context, of the id that the next span gets.
type replayKey struct{}

// rootSampler leaves out the roots that say so.
type rootSampler struct{}

func (rootSampler) ShouldSample(p sdktrace.SamplingParameters) sdktrace.SamplingResult {
	for _, a := range p.Attributes {
		if a.Key == "unsampled" && a.Value.AsBool() {
			return sdktrace.SamplingResult{Decision: sdktrace.RecordOnly}
		}
	}
	return sdktrace.SamplingResult{Decision: sdktrace.RecordAndSample}
}

func (rootSampler) Description() string { return "rootSampler" }

// idGenerator makes span ids that are unique within their trace only. A context can ask for the
// id of a span that ran before.
type idGenerator struct {
	h    *history
	mu   sync.Mutex
	last map[trace.TraceID]uint64
}

func (g *idGenerator) NewIDs(ctx context.Context) (trace.TraceID, trace.SpanID) {
	id := g.h.newTraceID()
	return id, g.NewSpanID(ctx, id)
}

func (g *idGenerator) NewSpanID(ctx context.Context, id trace.TraceID) trace.SpanID {
	if again, ok := ctx.Value(replayKey{}).(trace.SpanID); ok {
		return again
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.last[id]++
	var span trace.SpanID
	binary.LittleEndian.PutUint64(span[:], g.last[id])
	return span
}

// newTraceID returns an id that differs from others in few bits.
func (h *history) newTraceID() (id trace.TraceID) {
	h.ids.Lock()
	defer h.ids.Unlock()
	h.lastTrace++
	binary.BigEndian.PutUint64(id[8:], h.lastTrace)
	return id
}
