//go:build !race

// The race detector takes memory of its own.

package bounds

import (
	"context"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/attribute"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// A service that has 200,000 spans open takes no more than a fifth more memory than with
// BatchSpanProcessor, which knows nothing of spans that run.
func TestMemoryOfSpansThatAreOpen(t *testing.T) {
	const spans = 200_000
	open := func(t *testing.T, p sdktrace.SpanProcessor) (held int64) {
		before := heap()
		tp := newProvider(p)
		tr := tp.Tracer("bounds")
		all := make([]trace.Span, 0, spans)
		for i := range spans {
			_, s := tr.Start(context.Background(), "request", trace.WithAttributes(
				attribute.String("http.request.method", "GET"), attribute.String("url.path", "/v1/answer"),
				attribute.Int("http.response.status_code", 200), attribute.Bool("cache.hit", true), attribute.Float64("score", 0.75)))
			all = append(all, s)
			if i%1000 == 0 {
				time.Sleep(10 * time.Millisecond) // 100,000 a second
			}
		}
		time.Sleep(3 * time.Second)
		held = heap() - before
		runtime.KeepAlive(all)
		require.NoError(t, tp.Shutdown(t.Context()))
		return held
	}
	var bsp, ours int64
	synctest.Test(t, func(t *testing.T) { bsp = open(t, sdktrace.NewBatchSpanProcessor(discard{})) })
	synctest.Test(t, func(t *testing.T) {
		ours = open(t, newProcessor(t, &backend{took: 5 * time.Millisecond}))
	})
	t.Logf("%d spans open: %d MiB, with BatchSpanProcessor %d MiB", spans, ours>>20, bsp>>20)
	assert.LessOrEqual(t, float64(ours), 1.2*float64(bsp))
}

type discard struct{}

func (discard) ExportSpans(context.Context, []sdktrace.ReadOnlySpan) error { return nil }
func (discard) Shutdown(context.Context) error                             { return nil }

// Spans that never end, and get 20 KB each after their START, while SGP is down: what is held
// of them, two seconds later, is within the bound of 64 MiB and what the processor takes itself.
func TestMemoryOfSpansThatNeverEnd(t *testing.T) {
	const (
		spans = 30_000
		bound = 64 << 20
		fixed = 12 << 20 // the index, logs, and the bodies of eight requests
	)
	synctest.Test(t, func(t *testing.T) {
		before := heap()
		p := newProcessor(t, &backend{down: func() bool { return true }})
		tr := newProvider(p).Tracer("bounds")
		var peak int64
		for i := range spans {
			_, s := tr.Start(context.Background(), "forgotten")
			s.SetAttributes(attribute.String("payload", strings.Repeat("p", 20<<10)))
			if i%10 == 9 {
				time.Sleep(10 * time.Millisecond) // 1,000 a second
			}
			if i%3000 == 2999 {
				peak = max(peak, heap()-before)
			}
		}
		time.Sleep(3 * time.Second)
		held := heap() - before
		t.Logf("%d spans that never end: %.1f MiB held, %.1f MiB at the most while they are made at 1,000/s; %+v",
			spans, float64(held)/(1<<20), float64(peak)/(1<<20), p.Stats())
		assert.LessOrEqual(t, held, int64(bound+fixed))
		_ = p.Shutdown(t.Context()) // nothing can be delivered
	})
}

// heap returns the bytes of what is reachable.
func heap() int64 {
	runtime.GC()
	runtime.GC() // what pools have held through the first
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}
