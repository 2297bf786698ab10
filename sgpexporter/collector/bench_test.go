package collector

import (
	"encoding/binary"
	"runtime"
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelsgp/otelsgp/sgpexporter/internal/mapping"
)

// cpu is the time that this process has used, in nanoseconds.
func cpu(b *testing.B) int64 {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
}

// What is remembered of a span, while it is, in memory: bytes, beside those on disk.
//
//	go test -run ^$ -bench Remembered -benchtime 1x ./sgpexporter/collector
func BenchmarkRememberedSpan(b *testing.B) {
	const spans = 1_000_000
	relations := make([]mapping.Relation, spans)
	for i := range relations {
		r := mapping.Relation{Uses: i%3 == 0}
		binary.BigEndian.PutUint64(r.TraceID[:], uint64(i/3+1))
		binary.BigEndian.PutUint64(r.SpanID[:], uint64(i+1))
		binary.BigEndian.PutUint64(r.ParentSpanID[:], uint64(i/3*3+1))
		relations[i] = r
	}
	for b.Loop() {
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		m := mapping.New(mapping.Config{MaxRelations: spans})
		m.Recall(relations)
		runtime.GC()
		runtime.ReadMemStats(&after)
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/spans, "bytes/span")
		runtime.KeepAlive(m)
	}
	b.ReportMetric(float64(len(appendRelation(nil, relations[1]))), "disk-bytes/span")
}

// A span with five GenAI attributes: what it costs before the queue, and from the queue to
// the items of a request. Requests and a queue on disk come on top.
//
//	go test -run ^$ -bench Span ./sgpexporter/collector
func BenchmarkSpan(b *testing.B) {
	const spans = 1000
	td := spansOf(spans, func(_ int, s ptrace.Span) {
		s.Attributes().PutStr("gen_ai.operation.name", "chat")
		s.Attributes().PutStr("gen_ai.request.model", "gpt-4o")
		s.Attributes().PutStr("gen_ai.conversation.id", "conversation-1")
		s.Attributes().PutInt("gen_ai.usage.input_tokens", 100)
		s.Attributes().PutInt("gen_ai.usage.output_tokens", 10)
	})
	var all exporters
	e, err := all.of(exportertest.NewNopSettings(Type), NewFactory().CreateDefaultConfig().(*Config))
	require.NoError(b, err)
	run := func(name string, f func()) {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				f()
			}
			b.ReportMetric(float64(cpu(b)-before)/float64(b.N*spans), "cpu-ns/span")
		})
	}
	observe := func(batch *batch) {
		w := e.mapper.Writer()
		w.Observe(batch.inputs)
		w.Close()
	}
	run("arrival", func() {
		batch := e.read(td)
		observe(batch)
		batch.release()
	})
	var buf []byte
	run("items", func() {
		batch := e.read(td)
		observe(batch)
		w := e.mapper.Writer()
		buf = buf[:0]
		for i := range batch.inputs {
			buf, _, _ = w.Append(buf, &batch.inputs[i])
		}
		w.Close()
		batch.release()
	})
	b.Logf("%d bytes a span", len(buf)/spans)
}
