package sgpexporter_test

import (
	"context"
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// TestRecipe is the recipe of docs/recipes.md for a test of one's own code, on a laptop
// whose shell has tracing switched off.
func TestRecipe(t *testing.T) {
	t.Setenv("DISABLE_SCALE_TRACING", "1")
	t.Run("TestAsk", testAsk)
}

func testAsk(t *testing.T) {
	t.Setenv("DISABLE_SCALE_TRACING", "") // as if it were unset: a laptop's shell may have it
	server := sgptest.NewServer()
	t.Cleanup(server.Close)
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(server.URL), sgpexporter.WithAPIKey("any key"))
	require.NoError(t, err)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp)))
	t.Cleanup(func() { _ = tp.Shutdown(context.Background()) }) // t.Context() has ended by then

	require.NoError(t, ask(t.Context(), tp.Tracer("test"), "why?"))

	require.NoError(t, tp.ForceFlush(t.Context())) // instead of sleeping
	require.Len(t, server.Spans(), 1)
	require.Equal(t, "COMPLETION", server.Spans()[0].Type)
	require.NoError(t, server.Check()) // nothing against the API or the order
}
