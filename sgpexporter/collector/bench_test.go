package collector

import (
	"syscall"
	"testing"

	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/ptrace"
)

// cpu is the time that this process has used, in nanoseconds.
func cpu(b *testing.B) int64 {
	var usage syscall.Rusage
	require.NoError(b, syscall.Getrusage(syscall.RUSAGE_SELF, &usage))
	return usage.Utime.Nano() + usage.Stime.Nano()
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
