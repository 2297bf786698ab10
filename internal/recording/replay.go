package recording

import (
	"context"
	"slices"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/log"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Option configures [Recording.Replay].
type Option func(*player)

// WithTracerProviderOptions adds options of the TracerProvider that spans are started
// with, span processors first of all. Without any the spans go nowhere. The resource
// and the id generator are the recording's.
func WithTracerProviderOptions(opts ...sdktrace.TracerProviderOption) Option {
	return func(p *player) { p.tracerOptions = append(p.tracerOptions, opts...) }
}

// WithLoggerProviderOptions adds options of the LoggerProvider that log records are
// emitted with. Without any they go nowhere. The resource is the recording's.
func WithLoggerProviderOptions(opts ...sdklog.LoggerProviderOption) Option {
	return func(p *player) { p.loggerOptions = append(p.loggerOptions, opts...) }
}

// WithPace calls wait before each step of the replay with the recorded time since the
// step before it. [time.Sleep] makes the replay last as long as what was recorded did,
// also on the clock of a testing/synctest bubble. By default nothing waits.
func WithPace(wait func(d time.Duration)) Option {
	return func(p *player) { p.wait = wait }
}

// WithStart moves all times so that the replay begins at start. By default they are as
// recorded.
func WithStart(start time.Time) Option {
	return func(p *player) { p.start = start }
}

// WithStretch makes everything last factor times as long, times of spans, events and
// records included: with 600, two seconds of an agent are twenty minutes. What a span got within
// 5 ms of its start it gets as soon then too. The default is 1.
func WithStretch(factor float64) Option {
	return func(p *player) { p.stretch = factor }
}

// Replay makes the recorded spans and log records again, in the order of their times,
// on the caller's goroutine. It returns the error of ctx if that is done first, and otherwise nil.
//
// It shuts no provider down and flushes none: the processors are the caller's, who
// can look at what still runs and shut them down.
func (r *Recording) Replay(ctx context.Context, opts ...Option) error {
	p := &player{
		wait:    func(time.Duration) {},
		stretch: 1,
		tracers: map[attribute.Distinct]*sdktrace.TracerProvider{},
		loggers: map[attribute.Distinct]*sdklog.LoggerProvider{},
		spans:   map[spanKey]trace.Span{},
	}
	for _, opt := range opts {
		opt(p)
	}
	p.recorded = r.began()
	if p.start.IsZero() {
		p.start = p.recorded
	}
	last := p.start
	for _, step := range r.steps(p) {
		now := step.when(p)
		p.wait(now.Sub(last))
		last = now
		if err := ctx.Err(); err != nil {
			return err
		}
		step.play(p)
	}
	return nil
}

// player is one replay.
type player struct {
	tracerOptions []sdktrace.TracerProviderOption
	loggerOptions []sdklog.LoggerProviderOption
	wait          func(time.Duration)
	start         time.Time // of the replay
	recorded      time.Time // what it was when it was recorded
	stretch       float64

	ids     recordedID
	tracers map[attribute.Distinct]*sdktrace.TracerProvider // by resource
	loggers map[attribute.Distinct]*sdklog.LoggerProvider
	spans   map[spanKey]trace.Span // started by now, those that have ended included
}

// recordedID is an IDGenerator that gives the id of the span that is about to start.
type recordedID struct{ trace.SpanContext }

func (id *recordedID) NewIDs(context.Context) (trace.TraceID, trace.SpanID) {
	return id.TraceID(), id.SpanID()
}

func (id *recordedID) NewSpanID(context.Context, trace.TraceID) trace.SpanID { return id.SpanID() }

// moved is what a recorded time is in the replay.
func (p *player) moved(t time.Time) time.Time {
	since := t.Sub(p.recorded)
	if p.stretch != 1 { // a float64 may not have room for every nanosecond
		since = time.Duration(float64(since) * p.stretch)
	}
	return p.start.Add(since)
}

func (p *player) timestamp(t time.Time) trace.SpanEventOption { return trace.WithTimestamp(p.moved(t)) }

func (p *player) tracer(s *span) trace.Tracer {
	provider := p.tracers[s.resource.Equivalent()]
	if provider == nil {
		opts := append(slices.Clone(p.tracerOptions),
			sdktrace.WithResource(s.resource), sdktrace.WithIDGenerator(&p.ids))
		provider = sdktrace.NewTracerProvider(opts...)
		p.tracers[s.resource.Equivalent()] = provider
	}
	return provider.Tracer(s.scope.Name, trace.WithInstrumentationVersion(s.scope.Version),
		trace.WithSchemaURL(s.scope.SchemaURL), trace.WithInstrumentationAttributes(s.scope.Attributes.ToSlice()...))
}

func (p *player) startSpan(s *span) {
	ctx := trace.ContextWithSpanContext(context.Background(), s.parent)
	if parent := p.spans[keyOf(s.parent)]; parent != nil && !s.parent.IsRemote() {
		ctx = trace.ContextWithSpan(ctx, parent)
	}
	p.ids.SpanContext = s.context
	_, span := p.tracer(s).Start(ctx, s.nameAtStart, p.timestamp(s.start), trace.WithSpanKind(s.kind),
		trace.WithAttributes(s.atStart...), trace.WithLinks(s.links...))
	p.spans[keyOf(s.context)] = span
}

func (p *player) setState(s *span, name string, attributes []attribute.KeyValue) {
	span := p.spans[keyOf(s.context)]
	span.SetName(name)
	span.SetAttributes(attributes...)
}

func (p *player) addEvent(s *span, e event) {
	p.spans[keyOf(s.context)].AddEvent(e.name, p.timestamp(e.time), trace.WithAttributes(e.attributes...))
}

func (p *player) endSpan(s *span) {
	p.setState(s, s.name, s.attributes)
	span := p.spans[keyOf(s.context)]
	span.SetStatus(s.status, s.description)
	span.End(p.timestamp(s.end))
}

func (p *player) logger(res *resource.Resource, r *record) log.Logger {
	provider := p.loggers[res.Equivalent()]
	if provider == nil {
		opts := append(slices.Clone(p.loggerOptions), sdklog.WithResource(res))
		provider = sdklog.NewLoggerProvider(opts...)
		p.loggers[res.Equivalent()] = provider
	}
	return provider.Logger(r.scope.Name, log.WithInstrumentationVersion(r.scope.Version),
		log.WithSchemaURL(r.scope.SchemaURL), log.WithInstrumentationAttributes(r.scope.Attributes.ToSlice()...))
}

func (p *player) emit(r *record) {
	var made log.Record
	if !r.time.IsZero() {
		made.SetTimestamp(p.moved(r.time))
	}
	if !r.observed.IsZero() {
		made.SetObservedTimestamp(p.moved(r.observed))
	}
	made.SetSeverity(log.Severity(r.severity))
	made.SetSeverityText(r.severityText)
	made.SetEventName(r.eventName)
	made.SetBody(r.body)
	made.AddAttributes(r.attributes...)
	p.logger(r.resource, r).Emit(trace.ContextWithSpanContext(context.Background(), r.context), made)
}
