package asyncprocessor

import (
	"fmt"
	"path"
	"slices"

	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// WithSpanFilter leaves out the spans for which keep returns false: neither their START nor
// their END is offered, and they count nowhere. It keeps SQL, health checks and scrapes
// out. See [WithoutScopes] and [WithoutNames] for ready ones. Given several times, a span is
// kept that all of them keep. The default, and nil, keeps all.
//
// keep is called in OnStart, on the application's goroutine, where the name, the kind, the parent and
// the instrumentation scope are known; attributes are known only if they were given to Start.
// If it panics, the span is kept, and the panic is reported to the global OpenTelemetry error
// handler.
//
// A child of a span that is left out hangs on the nearest ancestor that is kept. For this the
// processor remembers the last 8,192 spans that were left out. If one is forgotten, as
// when it runs on while so many others are left out, its END is delivered, and children that start or
// end later name it as their parent.
func WithSpanFilter(keep func(sdktrace.ReadOnlySpan) bool) Option {
	return func(c *config) {
		if keep != nil {
			c.filters = append(c.filters, keep)
		}
	}
}

// WithoutScopes returns a filter, for [WithSpanFilter], that leaves out the spans of
// instrumentation scopes (the names of tracers, mostly import paths) with one of the names.
func WithoutScopes(names ...string) func(sdktrace.ReadOnlySpan) bool {
	return func(s sdktrace.ReadOnlySpan) bool {
		return !slices.Contains(names, s.InstrumentationScope().Name)
	}
}

// WithoutNames returns a filter, for [WithSpanFilter], that leaves out the spans whose name
// when they start matches one of the patterns, in the syntax of [path.Match]: "GET /healthz", "sql.*". A pattern
// that is malformed matches its own text alone.
func WithoutNames(patterns ...string) func(sdktrace.ReadOnlySpan) bool {
	return func(s sdktrace.ReadOnlySpan) bool {
		name := s.Name()
		return !slices.ContainsFunc(patterns, func(pattern string) bool {
			matched, err := path.Match(pattern, name)
			return matched || err != nil && pattern == name
		})
	}
}

// keeps reports whether all filters keep s.
func (p *Processor) keeps(s sdktrace.ReadOnlySpan) (keep bool) {
	defer func() {
		if v := recover(); v != nil {
			keep = true
			p.queue.reporter.warn(fmt.Errorf("asyncprocessor: WithSpanFilter: the filter panicked, and the span is kept: %v", v))
		}
	}()
	for _, filter := range p.cfg.filters {
		if !filter(s) {
			return false
		}
	}
	return true
}
