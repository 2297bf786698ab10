package bounds

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/trace"
)

// running are spans that end some ticks after they started.
type running struct {
	open [][]trace.Span // by the tick of their end
	made []trace.Span
}

func newRunning(ticks int) *running { return &running{open: make([][]trace.Span, ticks)} }

// tick ends those that are due and starts n.
func (r *running) tick(i int, n int, start func() trace.Span) {
	due := &r.open[i%len(r.open)]
	for _, s := range *due {
		s.End()
	}
	*due = (*due)[:0]
	for range n {
		s := start()
		*due = append(*due, s)
		r.made = append(r.made, s)
	}
}

// end ends all that are open.
func (r *running) end() {
	for _, spans := range r.open {
		for _, s := range spans {
			s.End()
		}
	}
}

// lost returns how many of the spans have no END at a backend.
func (r *running) lost(b *backend) int {
	n := 0
	for _, s := range r.made {
		if !b.hasEnded(s.SpanContext().SpanID().String()) {
			n++
		}
	}
	return n
}

// An outage of a minute, at 500 spans a second, loses no END: neither of short spans nor of
// such as are written twice.
func TestAnOutageOfAMinuteLosesNoEND(t *testing.T) {
	for name, ticks := range map[string]int{"spans of 10 ms": 1, "spans of 2 s": 200} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				b := &backend{took: 5 * time.Millisecond, down: func() bool {
					at := time.Since(began)
					return at > 10*time.Second && at < 70*time.Second
				}}
				p := newProcessor(t, b)
				tr := newProvider(p).Tracer("bounds")
				spans := newRunning(ticks)
				for i := range 90 * 100 {
					spans.tick(i, 5, func() trace.Span { _, s := tr.Start(context.Background(), "request"); return s })
					time.Sleep(10 * time.Millisecond)
				}
				spans.end()
				require.NoError(t, p.Shutdown(t.Context()))
				t.Logf("%d spans, %d without their END; %+v", len(spans.made), spans.lost(b), p.Stats())
				assert.Zero(t, spans.lost(b))
			})
		})
	}
}

// One trace id that is used for 4,000 spans a second takes nothing from 1,500 spans a second of
// other traces, while a request takes half a second.
func TestATraceWithTooMuchCostsOthersNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &backend{took: 500 * time.Millisecond}
		p := newProcessor(t, b)
		tr := newProvider(p).Tracer("bounds")
		one, root := tr.Start(context.Background(), "root")
		hot, others := newRunning(1), newRunning(1)
		for i := range 25 * 100 {
			hot.tick(i, 40, func() trace.Span { _, s := tr.Start(one, "hot"); return s })
			others.tick(i, 15, func() trace.Span { _, s := tr.Start(context.Background(), "other"); return s })
			time.Sleep(10 * time.Millisecond)
		}
		hot.end()
		others.end()
		root.End()
		_ = p.Shutdown(t.Context()) // of the one trace there is more than 30 s can take
		t.Logf("others: %d spans, %d without their END; the one trace: %d, %d; %+v",
			len(others.made), others.lost(b), len(hot.made), hot.lost(b), p.Stats())
		assert.Zero(t, others.lost(b))
	})
}
