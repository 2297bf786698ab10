package handover

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/otel/propagation"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.uber.org/goleak"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// task is what the second process is told, in its environment.
type task struct {
	URL     string
	Headers map[string]string // with the trace
}

const taskVariable = "HANDOVER_TASK"

func TestMain(m *testing.M) {
	if text := os.Getenv(taskVariable); text != "" {
		if err := secondProcess(text); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

func newProvider(url string) (*sdktrace.TracerProvider, error) {
	exp, err := sgpexporter.New(sgpexporter.WithBaseURL(url), sgpexporter.WithAPIKey("key"))
	if err != nil {
		return nil, err
	}
	return sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(asyncprocessor.New(exp))), nil
}

// secondProcess makes two spans below the one that it was given, and delivers them at once.
func secondProcess(text string) error {
	var t task
	if err := json.Unmarshal([]byte(text), &t); err != nil {
		return err
	}
	tp, err := newProvider(t.URL)
	if err != nil {
		return err
	}
	ctx := propagation.TraceContext{}.Extract(context.Background(), propagation.MapCarrier(t.Headers))
	ctx, agent := tp.Tracer("second").Start(ctx, "invoke_agent researcher")
	_, tool := tp.Tracer("second").Start(ctx, "execute_tool search")
	tool.End()
	agent.End()
	return tp.Shutdown(context.Background())
}

// A process flushes before it hands its trace to another one: nothing of that one is stored before its
// parents, though both write on their own and the parents still run. SGP answers late, and refuses for a while.
func TestNothingOfTheSecondProcessPrecedesItsParents(t *testing.T) {
	srv := sgptest.NewServer(sgptest.WithLatency(20 * time.Millisecond))
	defer srv.Close()
	tp, err := newProvider(srv.URL)
	require.NoError(t, err)
	for round := range 20 {
		if round%4 == 0 {
			srv.Inject(sgptest.Status(503).Times(2))
		}
		ctx, request := tp.Tracer("first").Start(t.Context(), "request")
		ctx, planner := tp.Tracer("first").Start(ctx, "invoke_agent planner")
		require.NoError(t, tp.ForceFlush(ctx))
		handed := task{URL: srv.URL, Headers: map[string]string{}}
		propagation.TraceContext{}.Inject(ctx, propagation.MapCarrier(handed.Headers))
		runSecond(t, handed)
		planner.End()
		request.End()
	}
	require.NoError(t, tp.Shutdown(context.Background()))

	first := map[string]uint64{} // when a span was first stored
	for _, w := range srv.Writes() {
		if first[w.ID] == 0 {
			first[w.ID] = w.Seq
		}
	}
	require.Len(t, srv.Spans(), 80)
	for _, s := range srv.Spans() {
		assert.True(t, s.Completed(), s.Name)
		if s.ParentID != "" {
			assert.Less(t, first[s.ParentID], first[s.ID], "%s is stored before its parent", s.Name)
		}
	}
	assert.NoError(t, srv.Check())
}

func runSecond(t *testing.T, handed task) {
	t.Helper()
	text, err := json.Marshal(handed)
	require.NoError(t, err)
	command := exec.CommandContext(t.Context(), os.Args[0])
	command.Env = append(os.Environ(), taskVariable+"="+string(text), "GORACE=atexit_sleep_ms=0")
	out, err := command.CombinedOutput()
	require.NoError(t, err, "%s", out)
}
