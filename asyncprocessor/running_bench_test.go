package asyncprocessor_test

import (
	"context"
	"runtime"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// BenchmarkRunning is what 100,000 running spans of five attributes cost, one of each in a trace of its own, that
// change all the time: the memory that they hold, above what the SDK holds of them, and the CPU of 20 seconds.
//
//	go test -run '^$' -bench Running -benchtime 1x ./asyncprocessor
func BenchmarkRunning(b *testing.B) {
	const spans, seconds = 100_000, 20
	for _, bench := range []struct {
		name    string
		changes bool
	}{{"unchanged", false}, {"changing", true}} {
		b.Run(bench.name, func(b *testing.B) {
			for b.Loop() {
				_, sdk := holdRunning(b, nothing{}, spans)
				proc := asyncprocessor.New(discard{}, asyncprocessor.WithMaxTrackedSpans(spans), asyncprocessor.WithMaxQueueSize(4*spans),
					asyncprocessor.WithMaxQueueBytes(1<<30), asyncprocessor.WithBlocking())
				running, held := holdRunning(b, proc, spans)
				before, longest := proc.Stats(), time.Duration(0)
				var total time.Duration
				for second := range seconds {
					begun := cpuTime(b)
					if bench.changes {
						for _, s := range running {
							s.SetAttributes(attribute.Int("second", second))
						}
					}
					changing := cpuTime(b) - begun
					time.Sleep(time.Second)
					used := cpuTime(b) - begun - changing
					total, longest = total+used, max(longest, used)
				}
				b.ReportMetric(float64(held-sdk)/spans, "B/span")
				b.ReportMetric(float64(total.Milliseconds())/seconds, "cpu-ms/s")
				b.ReportMetric(float64(longest.Milliseconds()), "cpu-ms/longest-s")
				b.ReportMetric(float64(proc.Stats().Exported-before.Exported)/seconds, "writes/s")
				require.Equal(b, int64(spans), proc.Stats().Tracked)
				runtime.KeepAlive(running)
				require.NoError(b, proc.Shutdown(context.Background()))
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// holdRunning starts spans that run on, and returns how much memory is in use then.
func holdRunning(b *testing.B, proc sdktrace.SpanProcessor, n int) (running []trace.Span, bytes int64) {
	before := heapInUse()
	tracer := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)).Tracer("bench")
	running = make([]trace.Span, n)
	for i := range running {
		_, running[i] = tracer.Start(context.Background(), "span", trace.WithAttributes(benchAttributes...))
	}
	require.NoError(b, proc.ForceFlush(context.Background()))
	time.Sleep(3 * time.Second) // two passes
	return running, heapInUse() - before
}

func heapInUse() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// cpuTime is what the process has used so far.
func cpuTime(b *testing.B) time.Duration {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano())
}

// BenchmarkReading is what it costs the application that its span is read: the next SetAttributes copies what the
// span has, here ten attributes. It is the difference of the two.
//
//	go test -run '^$' -bench Reading ./asyncprocessor
func BenchmarkReading(b *testing.B) {
	for _, bench := range []struct {
		name string
		read func(sdktrace.ReadOnlySpan)
	}{
		{"SetAttributes", func(sdktrace.ReadOnlySpan) {}},
		{"read before SetAttributes", func(s sdktrace.ReadOnlySpan) { s.Attributes(); s.Events(); s.Status(); s.Name(); s.EndTime() }},
	} {
		b.Run(bench.name, func(b *testing.B) {
			b.ReportAllocs()
			_, span := provider().Tracer("bench").Start(context.Background(), "span", trace.WithAttributes(benchAttributes...),
				trace.WithAttributes(attribute.Int("a", 1), attribute.Int("b", 1), attribute.Int("c", 1), attribute.Int("d", 1), attribute.Int("e", 1)))
			for i := 0; b.Loop(); i++ {
				bench.read(span.(sdktrace.ReadOnlySpan))
				span.SetAttributes(attribute.Int("a", i))
				span.(sdktrace.ReadOnlySpan).Name()
			}
		})
	}
}
