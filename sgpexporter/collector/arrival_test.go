package collector

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"

	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
)

// calling is a span with usage, span 2 below span 1.
func calling(id byte) ptrace.Traces {
	return spansOf(1, func(_ int, s ptrace.Span) {
		s.SetSpanID(pcommon.SpanID{7: id})
		if id > 1 {
			s.SetParentSpanID(pcommon.SpanID{7: id - 1})
		}
		s.Attributes().PutInt("gen_ai.usage.input_tokens", 100)
	})
}

// A roll-up that passes the call below it in the queue is not billed beside it.
func TestBillingGoesByTheOrderOfArrival(t *testing.T) {
	p := newPipeline(t, nil, nil, func(c *Config) { c.Queue.Get().Batch.Get().FlushTimeout = time.Hour })
	require.NoError(t, p.traces.ConsumeTraces(t.Context(), calling(2))) // waits in the queue
	require.NoError(t, p.traces.(*arrival).exp.pushTraces(t.Context(), calling(1)))
	p.stop()
	require.Len(t, p.names(), 2)
	assert.Equal(t, frameworks.Tokens{Input: 100}, frameworks.Billed(p.sgp))
}
