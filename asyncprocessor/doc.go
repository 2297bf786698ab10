/*
Package asyncprocessor provides an OpenTelemetry span processor that hands every
sampled span to an exporter twice, when it starts and when it ends, in order, from
a bounded queue that is drained in the background.

	exp := ...                                  // an Exporter
	proc := asyncprocessor.New(exp)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
	defer tp.Shutdown(ctx)                      // drains the queue

The SDK's BatchSpanProcessor exports ended spans only, promises no order between
batches, and drops silently when its queue is full. This package is for backends
that show a span while it runs.

# The way of a span

	tracer.Start ─► OnStart ─► snapshot ─┐
	                                     ├─► queue ─► dispatcher ─► batch ─► Exporter
	span.End ─────► OnEnd ───► snapshot ─┘   (bounded, a queue          (up to WithConcurrency at once)
	                                          for each trace)

A trace has one export in flight at a time: what follows of it waits. So a retry holds up its own trace
only, and the others go on.

A span that runs on is written again when it has changed, at most once in [WithUpdateInterval], and what
still runs at Shutdown is written as unfinished, so that it does not show as running. This needs a Shutdown that has
time for it, and a span within [WithMaxTrackedSpans] and the byte bound: [Stats].Untracked counts the others.

# Promises

Order: a span's START is delivered before its END, or not at all. Nothing of a child
is delivered before its parent's START, or the END or update that took its place, unless that
START was refused, dropped, or never made (by [StartNever] or in another process). A START of a span whose
END waits or is in flight is a replay, and dropped as [ReasonAlreadyEnded]; later it is a new life.

This holds for exports that were answered. One that is abandoned, by a Shutdown that
runs out of time, may still take effect later.

Conservation: every value of [Processor.Stats] adds up; see [Stats]. Nothing is lost
without being counted under a [DropReason], and losses are reported to the global
OpenTelemetry error handler (see otel.SetErrorHandler), at most every 10 seconds.

Bounds: the snapshots that wait and those in flight are bounded together, in number
and in bytes. From three quarters of either bound STARTs are refused, so that ENDs,
which are complete in themselves, find room, and a trace that holds more than half of it finds none. What is
queued is never evicted. What fails for now keeps its place and is tried again.
OnStart and OnEnd never wait, unless [WithBlocking] asks for it.

One write for a short span, two for a long one: see [StartPolicy].

Spans that the exporter makes itself, with an instrumented HTTP client for example,
are not exported: the contexts of exports carry a mark by which the processor knows
them.

# Metrics

With a MeterProvider (see [WithMeterProvider]) the processor reports the SDK's
self-observability metrics: otel.sdk.processor.span.processed and .queue.size, which
count spans, that is ENDs, and .queue.capacity, which is the bound of
[WithMaxQueueSize] in snapshots; and under this package's own scope, in snapshots:
asyncprocessor.snapshot.exported, .coalesced, .dropped (by error.type, which is the
[DropReason]), .queued and .inflight, asyncprocessor.queue.bytes and .bytes.capacity,
and asyncprocessor.delivery.lag, from a span's end to its delivery. Of running spans:
asyncprocessor.span.tracked, how many there are, .untracked, how many ran without being tracked,
and .oldest_age, how long the oldest of the tracked ones has run, looked at once a second.

A counter has one series for each error.type. Of .dropped those of this package's
reasons are there from the beginning, at 0. A reason of an exporter's own, and an
error.type of .processed, gets its series with its first event, as with other
OpenTelemetry components: Prometheus's rate() and increase() miss that first increment.

# Environment

The package reads no environment variables. In particular OTEL_BSP_* is left to the
BatchSpanProcessor that may be registered beside it.
*/
package asyncprocessor
