package docs

import (
	"testing"

	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.opentelemetry.io/otel/trace/noop"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const smallGOROOT = "testdata/goroot"

// buildSmall returns an index of the small GOROOT, and the spans that it makes.
func buildSmall(t *testing.T) (*Index, *tracetest.SpanRecorder) {
	t.Helper()
	recorder := tracetest.NewSpanRecorder()
	provider := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(recorder))
	index, err := Build(t.Context(), smallGOROOT, provider)
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, index.Close()) })
	return index, recorder
}

// buildReal returns an index of the Go installation that runs the test.
func buildReal(t *testing.T) *Index {
	t.Helper()
	goroot, err := FindGOROOT(t.Context(), "")
	require.NoError(t, err)
	index, err := Build(t.Context(), goroot, noop.NewTracerProvider())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, index.Close()) })
	return index
}

func symbols(passages []Passage) []string {
	var out []string
	for _, p := range passages {
		out = append(out, string(p.Kind)+" "+p.Symbol)
	}
	return out
}
