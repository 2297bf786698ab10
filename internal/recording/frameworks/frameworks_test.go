package frameworks_test

import (
	"os"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/sdk/trace/tracetest"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/internal/recording"
	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
	"github.com/otelsgp/otelsgp/internal/testenv"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

func TestRecordings(t *testing.T) {
	type counts struct{ spans, running, traces, records int }
	want := map[string]counts{
		"adk":                {spans: 11, traces: 2, records: 16},
		"adk-nocapture":      {spans: 11, traces: 2, records: 16},
		"adk-workflow":       {spans: 4, traces: 1, records: 3},
		"agent-framework-go": {spans: 26, traces: 5},
		"braintrust":         {spans: 15, running: 1, traces: 7},
		"eino-apmplus":       {spans: 24, traces: 4},
		"genkit":             {spans: 22, traces: 3},
		"langsmith-go":       {spans: 15, traces: 7},
		"mcp-go":             {spans: 14, traces: 1},
		"openinference":      {spans: 11, traces: 6},
		"openllmetry":        {spans: 4, traces: 1},
		"temporal":           {spans: 12, traces: 2},
		"trpc-agent-go":      {spans: 16, traces: 4},
	}
	got := map[string]counts{}
	for _, framework := range frameworks.All {
		r, err := framework.Recording()
		require.NoError(t, err, framework.Name)
		spans := tracetest.NewSpanRecorder()
		require.NoError(t, r.Replay(t.Context(), recording.WithTracerProviderOptions(sdktrace.WithSpanProcessor(spans))))
		got[framework.Name] = counts{
			len(spans.Ended()), len(spans.Started()) - len(spans.Ended()), len(r.TraceIDs()), r.Records(),
		}
		for _, s := range spans.Ended() {
			assert.Zero(t, s.DroppedAttributes(), "%s: %s", framework.Name, s.Name())
			assert.False(t, s.EndTime().Before(s.StartTime()), "%s: %s", framework.Name, s.Name())
		}
	}
	assert.Equal(t, want, got)

	folders, err := os.ReadDir("testdata")
	require.NoError(t, err)
	for _, folder := range folders {
		if folder.IsDir() {
			assert.Contains(t, want, folder.Name(), "a folder that All does not name")
		}
	}
}
