package asyncprocessor

import (
	"context"
	"runtime"
	"slices"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/internal/sdkspan"
)

// Processor is an OpenTelemetry span processor that delivers every sampled span
// at its start and at its end, in order, from a bounded queue. Use [New] to make
// one; the zero value does nothing. All methods may be called concurrently.
type Processor struct {
	// queue is nil when there is no exporter: then every method does nothing.
	queue      *queue
	dispatcher *dispatcher
	seed       shardSeed
	homes      homes
	ignored    ignoredSpans
	noStarts   bool
	cfg        config

	cancelExports context.CancelFunc // ends the exports' contexts

	shuttingDown atomic.Bool   // Shutdown was called
	shutdownDone chan struct{} // closed when the first Shutdown is over
	shutdownErr  error         // its result, to be read after shutdownDone
}

var _ sdktrace.SpanProcessor = (*Processor)(nil)

// New returns a Processor that delivers to exporter, and starts its background
// goroutine, which ends with Shutdown. With a nil exporter it does nothing, and
// neither with one that has a method Disabled() bool which returns true now: so
// one that is switched off costs nothing and counts nothing as lost.
//
// An option that is out of range is reported to the global OpenTelemetry error
// handler, as an error that wraps [ErrInvalidOption], and its default is used.
//
// Register it after processors that enrich spans in OnStart, so that STARTs have what
// they add, and before a BatchSpanProcessor, so that its END does not wait behind
// another processor's work. The price of that: TracerProvider.Shutdown calls its
// processors one after the other with one context. With its backend down this one can
// use all of the deadline; the next is not called then, and the provider returns the
// context's error instead of the [*ShutdownError]. Call [Processor.Shutdown] before
// the provider's, with a deadline of its own: the provider's is told its result at once.
func New(exporter Exporter, opts ...Option) *Processor {
	cfg, err := newConfig(opts)
	if err != nil {
		otel.Handle(err)
	}
	if disabled(exporter) {
		return &Processor{cfg: cfg}
	}
	ctx, cancel := context.WithCancel(markExport(context.Background()))
	q := newQueue(cfg, numLanes(runtime.GOMAXPROCS(0)))
	lag, err := instrument(cfg, q)
	if err != nil {
		otel.Handle(err)
	}
	p := &Processor{
		queue:        q,
		dispatcher:   newDispatcher(cfg, q, exporter, ctx, lag),
		seed:         newShardSeed(),
		homes:        homes{lanes: len(q.lanes)},
		noStarts:     cfg.startPolicy == StartNever,
		cfg:          cfg,
		shutdownDone: make(chan struct{}),

		cancelExports: cancel,
	}
	go p.dispatcher.run()
	return p
}

func disabled(exporter Exporter) (is bool) {
	if exporter == nil {
		return true
	}
	e, ok := exporter.(interface{ Disabled() bool })
	if !ok {
		return false
	}
	// A typed nil may panic here, in the application's start-up. As an exporter it then
	// fails in the background, where that is counted.
	defer func() {
		if recover() != nil {
			is = false
		}
	}()
	return e.Disabled()
}

// OnStart takes the span's START, unless the policy is [StartNever]. It waits for
// nothing but a short lock, or for room under [WithBlocking]. Spans that are not
// sampled, and those that an exporter makes, are ignored.
func (p *Processor) OnStart(parent context.Context, s sdktrace.ReadWriteSpan) {
	if p.queue == nil || s == nil {
		return
	}
	live := sdkspan.PeekLive(s)
	if live != nil {
		p.start(parent, s, live, &live.SpanContext)
		return
	}
	sc := sdkspan.CopyContext(s.SpanContext()) // not the SDK's own, or of a version that is not known
	p.start(parent, s, nil, &sc)
}

// start takes the START of s, which is live, if that is not nil.
func (p *Processor) start(parent context.Context, s sdktrace.ReadOnlySpan, live *sdkspan.Live, sc *sdkspan.SpanContext) {
	if !sc.TraceFlags.IsSampled() {
		return
	}
	if isExport(parent) {
		p.ignored.add(sc)
		return
	}
	if p.noStarts {
		return
	}
	var start startSpan
	start.fix(s, live)
	p.queue.offerStart(&start, newEntry(PhaseStart, nil, sc, p.seed, start.size()), p.homes.lane())
}

// OnEnd takes the span's END. It waits for nothing but a short lock, or for room
// under [WithBlocking]. Spans that are not sampled, and those that an exporter
// makes, are ignored.
func (p *Processor) OnEnd(s sdktrace.ReadOnlySpan) {
	if p.queue == nil || s == nil {
		return
	}
	if ended := sdkspan.PeekEnded(s); ended != nil {
		p.end(s, ended)
		return
	}
	sc := s.SpanContext()
	if !sc.IsSampled() {
		return
	}
	ended := sdkspan.Ended{ // not the SDK's own, or of a version that is not known
		SpanContext: sdkspan.CopyContext(sc),
		Name:        s.Name(),
		Attributes:  s.Attributes(),
		Events:      s.Events(),
		Links:       s.Links(),
		Status:      s.Status(),
	}
	if _, ok := s.(*startSpan); ok { // another processor's: not ours to release
		s = &endSpan{ReadOnlySpan: s}
	}
	p.end(s, &ended)
}

// end takes the END s, of which ended says what is to be known of it here.
func (p *Processor) end(s sdktrace.ReadOnlySpan, ended *sdkspan.Ended) {
	sc := &ended.SpanContext
	if !sc.TraceFlags.IsSampled() || p.ignored.remove(sc) {
		return
	}
	if len(ended.Links) > 0 {
		s = &endSpan{ReadOnlySpan: s, links: ownLinks(slices.Clone(ended.Links))}
	}
	p.queue.offer(newEntry(PhaseEnd, s, sc, p.seed, endSize(ended)), anyLane)
}

// Stats returns a consistent view of the counts. It takes the queue's locks for a
// moment.
func (p *Processor) Stats() Stats {
	if p.queue == nil {
		return Stats{DroppedBy: map[DropReason]uint64{}}
	}
	return p.queue.stats()
}
