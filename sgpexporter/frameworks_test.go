package sgpexporter_test

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdklog "go.opentelemetry.io/otel/sdk/log"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/recording"
	"github.com/otelsgp/otelsgp/internal/recording/frameworks"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// replayed is the server that has the spans of a framework's recording.
func replayed(t *testing.T, framework frameworks.Framework, opts ...asyncprocessor.Option) *sgptest.Server {
	t.Helper()
	srv, exp := newExporter(t, nil)
	replayTo(t, framework, exp, opts...)
	return srv
}

// replayTo replays a framework's recording through the SDK, both processors and an exporter.
func replayTo(t *testing.T, framework frameworks.Framework, exp *sgpexporter.Exporter, opts ...asyncprocessor.Option) {
	t.Helper()
	proc := asyncprocessor.New(exp, opts...)
	r, err := framework.Recording()
	require.NoError(t, err)
	require.NoError(t, r.Replay(t.Context(),
		recording.WithTracerProviderOptions(sdktrace.WithSpanProcessor(proc)),
		recording.WithLoggerProviderOptions(sdklog.WithProcessor(exp.LogProcessor()))))
	require.NoError(t, proc.ForceFlush(t.Context()))
	t.Cleanup(func() { assert.NoError(t, proc.Shutdown(context.Background())) })
}

// What SGP bills is what the models used, whatever a framework repeats on its way and
// wherever it says it.
func TestEveryFrameworkIsBilledWhatItsModelsUsed(t *testing.T) {
	for _, framework := range frameworks.All {
		t.Run(framework.Name, func(t *testing.T) {
			assert.Equal(t, framework.Used, frameworks.Billed(replayed(t, framework)))
		})
		t.Run(framework.Name+" without STARTs", func(t *testing.T) {
			srv, exp := newExporterBut(t, []sgptest.ViolationKind{sgptest.ChildBeforeParentEnd}, nil)
			proc := asyncprocessor.New(exp, asyncprocessor.WithStartPolicy(asyncprocessor.StartNever))
			r, err := framework.Recording()
			require.NoError(t, err)
			require.NoError(t, r.Replay(t.Context(), recording.WithTracerProviderOptions(sdktrace.WithSpanProcessor(proc))))
			require.NoError(t, proc.Shutdown(t.Context()))
			assert.Equal(t, framework.Used, frameworks.Billed(srv))
		})
	}
}

// At the pace at which it was recorded every span that runs for a second is seen while
// it runs, half a second after its start at the latest, and all writes are in order.
func TestEveryFrameworkIsSeenLive(t *testing.T) {
	for _, framework := range frameworks.All {
		t.Run(framework.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				srv := sgptest.NewServer(sgptest.WithInMemoryNetwork())
				defer srv.Close()
				exp, err := sgpexporter.New(sgpexporter.WithBaseURL(srv.URL), sgpexporter.WithAPIKey(key), sgpexporter.WithHTTPClient(srv.Client()))
				require.NoError(t, err)
				proc := asyncprocessor.New(exp)
				r, err := framework.Recording()
				require.NoError(t, err)
				require.NoError(t, r.Replay(t.Context(), recording.WithPace(time.Sleep), recording.WithStart(time.Now()),
					recording.WithTracerProviderOptions(sdktrace.WithSpanProcessor(proc)),
					recording.WithLoggerProviderOptions(sdklog.WithProcessor(exp.LogProcessor()))))
				require.NoError(t, proc.Shutdown(t.Context()))
				for _, s := range srv.Spans() {
					if s.Duration() >= time.Second {
						first := s.Writes[0]
						assert.False(t, first.Completed, s.Name)
						assert.LessOrEqual(t, first.Time.Sub(s.StartTimestamp), 500*time.Millisecond, s.Name)
					}
				}
				assert.Equal(t, framework.Used, frameworks.Billed(srv))
				assert.NoError(t, srv.Check())
			})
		})
	}
}

// shows is how many spans of a recording have what.
type shows struct{ spans, typed, input, output, usage, group, failed, unfinished int }

func showsOf(srv *sgptest.Server) (n shows) {
	for _, s := range srv.Spans() {
		n.spans++
		for _, has := range []struct {
			count *int
			it    bool
		}{
			{&n.typed, s.Type != "STANDALONE"},
			{&n.input, len(s.Input) > 0},
			{&n.output, len(s.Output) > 0 && (len(s.Output) > 1 || s.Output["usage"] == nil)},
			{&n.usage, s.Output["usage"] != nil},
			{&n.group, s.GroupID != ""},
			{&n.failed, s.Status == "ERROR"},
			{&n.unfinished, !s.Completed()},
		} {
			if has.it {
				*has.count++
			}
		}
	}
	return n
}

func TestWhatShowsOfEachFramework(t *testing.T) {
	got := map[string]shows{}
	for _, framework := range frameworks.All {
		got[framework.Name] = showsOf(replayed(t, framework))
	}
	assert.Equal(t, map[string]shows{
		//                spans typed input output usage group failed unfinished
		"adk":                {11, 11, 6, 6, 3, 11, 3, 0},
		"adk-nocapture":      {11, 11, 2, 3, 3, 11, 3, 0},
		"adk-workflow":       {4, 4, 1, 1, 1, 4, 0, 0},
		"agent-framework-go": {26, 26, 11, 0, 4, 20, 2, 0},
		"braintrust":         {16, 12, 12, 10, 8, 0, 0, 1},
		"eino-apmplus":       {24, 24, 24, 17, 5, 24, 7, 0},
		"genkit":             {22, 22, 19, 16, 3, 0, 6, 0},
		"langsmith-go":       {15, 15, 14, 11, 7, 12, 3, 0},
		"mcp-go":             {14, 13, 0, 0, 0, 0, 5, 0},
		"openinference":      {11, 11, 11, 5, 3, 11, 2, 0},
		"openllmetry":        {4, 4, 2, 2, 2, 4, 0, 0},
		"temporal":           {12, 12, 0, 0, 2, 12, 2, 0},
		"trpc-agent-go":      {16, 16, 15, 13, 5, 16, 3, 0},
	}, got)
}
