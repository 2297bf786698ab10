/*
Package spanadapter puts any sdktrace.SpanExporter (OTLP, stdout, a vendor's)
behind the ordered, bounded queue of package asyncprocessor.

	otlp, err := otlptracehttp.New(ctx)
	proc := asyncprocessor.New(
		spanadapter.New(otlp, spanadapter.WithConcurrentCalls()),
		asyncprocessor.WithStartPolicy(asyncprocessor.StartNever))
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))

	tracer.Start, span.End ─► Processor ─► adapter ─► ExportSpans(ctx, spans)
	                                       ENDs only, or STARTs too

A SpanExporter knows no phases: it expects spans that have ended. So the adapter
leaves STARTs out; [asyncprocessor.StartNever], which costs less, keeps them from
being taken in the first place. For a backend that takes a span in progress and
replaces it by the ended one, see [WithInProgressSpans].

What it has over sdktrace.BatchSpanProcessor: a bound in bytes, order within a
trace, with [WithConcurrentCalls] several exports at once, and a count, under a
reason, of all that is lost.
*/
package spanadapter
