package asyncprocessor_test

import (
	"testing"
	"testing/synctest"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// A span of the service that an exporter's request calls, as when a test's server is in the same process, has one parent
// from its start to its end: that which the SDK gives it.
func TestASpanBelowOneOfAnExporterKeepsItsParent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, asyncprocessor.WithStartPolicy(asyncprocessor.StartAlways))
		ctx, request := byHand.Start(t.Context(), "an exporter's request")
		p.OnStart(asyncprocessor.SuppressContext(t.Context()), request.(sdktrace.ReadWriteSpan))
		_, served := start(ctx, p, "served")
		end(p, request)
		end(p, served)
		require.NoError(t, p.ForceFlush(t.Context()))
		assert.Equal(t, []string{"START served", "END served"}, exp.names())
		assert.Equal(t, request.SpanContext(), exp.snapshot(t, "START served").Parent())
		assert.Equal(t, request.SpanContext(), exp.snapshot(t, "END served").Parent())
	})
}
