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
	span.End ─────► OnEnd ───► snapshot ─┘   (bounded)   │  ▲                (up to WithConcurrency at once)
	                                                     ▼  │
	                                                    shards, where snapshots wait whose trace
	                                                    is with the exporter, or the batch full

OnStart and OnEnd fix a [Snapshot] and append it to the queue under one short lock.
One goroutine, the dispatcher, fills one batch after the other, in the order of
arrival, but for what belongs to a trace of which something is with the exporter:
that waits in the shard of the trace until the export is over. So a trace has one
export in flight at a time, a retry holds up its own shards only, and the others go
on.

# Promises

Order: a span's START is delivered before its END, or not at all. Nothing of a child
is delivered before its parent's START, or the END that took its place, unless that
START was refused, dropped, or never made (by [StartNever] or in another process).

This holds for exports that were answered. One that is abandoned, by a Shutdown that
runs out of time, may still take effect later.

Conservation: every value of [Processor.Stats] adds up; see [Stats]. Nothing is lost
without being counted under a [DropReason], and losses are reported to the global
OpenTelemetry error handler (see otel.SetErrorHandler), at most every 10 seconds, but
for those that the exporter reports itself ([ExportError]).

Bounds: the snapshots that wait and those in flight are bounded together, in number
and in bytes. From three quarters of either bound STARTs are refused, so that ENDs,
which are complete in themselves, find room. What is queued is never evicted.
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
and asyncprocessor.delivery.lag, from a span's end to its delivery.

A counter has one series for each error.type. Of .dropped those of this package's
reasons are there from the beginning, at 0. A reason of an exporter's own, and an
error.type of .processed, gets its series with its first event, as with other
OpenTelemetry components: Prometheus's rate() and increase() miss that first increment.

# Environment

The package reads no environment variables. In particular OTEL_BSP_* is left to the
BatchSpanProcessor that may be registered beside it.
*/
package asyncprocessor
