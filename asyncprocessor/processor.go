package asyncprocessor

import (
	"context"
	"sync/atomic"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// Processor is an OpenTelemetry span processor that delivers every sampled span
// at its start and at its end, in order, from a bounded queue. Use [New] to make
// one; the zero value does nothing. All methods may be called concurrently.
type Processor struct {
	// queue is nil when there is no exporter: then every method does nothing.
	queue      *queue
	dispatcher *dispatcher
	ignored    ignoredSpans
	cfg        config

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
// An exporter may have a method BatchTimeout() time.Duration. If it returns a positive value now, a
// snapshot waits no longer for its batch than that, whatever [WithBatchTimeout] says.
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
	cfg.limitBatchTimeout(exporter)
	q := newQueue(cfg)
	lag, err := instrument(cfg, q)
	if err != nil {
		otel.Handle(err)
	}
	p := &Processor{queue: q, dispatcher: newDispatcher(cfg, q, exporter, lag), cfg: cfg, shutdownDone: make(chan struct{})}
	p.ignored.filtering = len(cfg.filters) > 0
	go p.dispatcher.run()
	return p
}

func disabled(exporter Exporter) bool {
	e, ok := exporter.(interface{ Disabled() bool })
	return exporter == nil || ok && answer(e.Disabled)
}

// answer returns what an exporter's method says when the Processor is made. A typed nil may panic here, in the
// application's start-up, and says nothing then: as an exporter it fails in the background, where that is counted.
func answer[T any](method func() T) (says T) {
	defer func() { _ = recover() }()
	return method()
}

// OnStart takes the span's START, unless the policy is [StartNever]. It waits for
// nothing but a short lock, or for room under [WithBlocking]. Spans that are not
// sampled, those that an exporter makes, and those that [WithSpanFilter] leaves out are
// ignored.
func (p *Processor) OnStart(parent context.Context, s sdktrace.ReadWriteSpan) {
	if p.queue == nil || s == nil {
		return
	}
	sc := s.SpanContext()
	if !sc.IsSampled() {
		return
	}
	if isExport(parent) || p.ignored.filtering && !p.keeps(s) {
		p.ignored.add(keyOf(sc), s.Parent())
		return
	}
	if p.cfg.StartPolicy == StartNever {
		return
	}
	e := entry{span: s, key: keyOf(sc), phase: PhaseStart}
	var size int
	e.start, size = readStart(s, sc, p.ignored.keptParent(s))
	e.bytes = bounded(size)
	p.queue.offer(&e)
}

// OnEnd takes the span's END. What is said of waiting and of spans that are ignored at [Processor.OnStart] holds.
func (p *Processor) OnEnd(s sdktrace.ReadOnlySpan) {
	if p.queue == nil || s == nil {
		return
	}
	sc := s.SpanContext()
	if !sc.IsSampled() || p.ignored.ended(keyOf(sc)) {
		return
	}
	s, size := readEnd(s, sc, p.ignored.keptParent(s))
	p.queue.offer(&entry{span: s, key: keyOf(sc), bytes: bounded(size), phase: PhaseEnd})
}

// Stats returns a consistent view of the counts. It takes the queue's locks for a
// moment.
func (p *Processor) Stats() Stats {
	if p.queue == nil {
		return Stats{DroppedBy: map[DropReason]uint64{}}
	}
	return p.queue.stats()
}
