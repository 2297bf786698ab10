package sgpexporter

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

// call is one call of an exporter that only takes notes.
type call struct {
	at     time.Duration // since the first span
	phases []asyncprocessor.Phase
}

type notes struct {
	mu      sync.Mutex
	began   time.Time
	calls   []call
	running int
	most    int // calls at once
}

func (n *notes) ExportSnapshots(_ context.Context, snapshots []asyncprocessor.Snapshot) error {
	n.mu.Lock()
	c := call{at: time.Since(n.began)}
	for _, s := range snapshots {
		c.phases = append(c.phases, s.Phase)
	}
	n.calls = append(n.calls, c)
	n.running++
	n.most = max(n.most, n.running)
	n.mu.Unlock()
	<-time.After(time.Minute)
	n.mu.Lock()
	defer n.mu.Unlock()
	n.running--
	return nil
}

func (*notes) Shutdown(context.Context) error { return nil }

// throughProcessor runs spans that take a second, each a trace of its own, through a
// processor with these variables, and returns what its exporter saw.
func throughProcessor(t *testing.T, spans int, pairs ...string) (*notes, asyncprocessor.Stats) {
	t.Helper()
	n := &notes{began: time.Now()}
	proc := asyncprocessor.New(n, processorOptions(envOf(pairs...))...)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc))
	for range spans {
		_, span := tp.Tracer("").Start(t.Context(), "span")
		defer span.End()
	}
	<-time.After(time.Second)
	stats := proc.Stats()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Hour)
		defer cancel()
		assert.NoError(t, tp.Shutdown(ctx))
	})
	return n, stats
}

func TestProcessorOptionsFromEnv(t *testing.T) {
	const all = 600
	for name, c := range map[string]struct {
		env   []string
		check func(t *testing.T, n *notes, stats asyncprocessor.Stats)
	}{
		"defaults": {nil, func(t *testing.T, n *notes, _ asyncprocessor.Stats) {
			assert.Len(t, n.calls[0].phases, 512)
			assert.Equal(t, asyncprocessor.PhaseStart, n.calls[0].phases[0])
			assert.Equal(t, 500*time.Millisecond, n.calls[1].at)
		}},
		"batch size": {[]string{"AGENTEX_SPAN_QUEUE_BATCH_SIZE", "7"}, func(t *testing.T, n *notes, _ asyncprocessor.Stats) {
			assert.Len(t, n.calls[0].phases, 7)
		}},
		"linger": {[]string{"AGENTEX_SPAN_QUEUE_LINGER_MS", "50"}, func(t *testing.T, n *notes, _ asyncprocessor.Stats) {
			assert.Equal(t, 50*time.Millisecond, n.calls[1].at)
		}},
		"no linger": {[]string{"AGENTEX_SPAN_QUEUE_LINGER_MS", "0"}, func(t *testing.T, n *notes, _ asyncprocessor.Stats) {
			assert.Equal(t, time.Millisecond, n.calls[1].at)
		}},
		"max size": {[]string{"AGENTEX_SPAN_QUEUE_MAX_SIZE", "100"}, func(t *testing.T, _ *notes, stats asyncprocessor.Stats) {
			assert.EqualValues(t, all-75, stats.DroppedBy[asyncprocessor.ReasonStartRefused])
		}},
		"unbounded is the default": {[]string{"AGENTEX_SPAN_QUEUE_MAX_SIZE", "0"}, func(t *testing.T, _ *notes, stats asyncprocessor.Stats) {
			assert.Zero(t, stats.Dropped)
		}},
		"concurrency": {[]string{"AGENTEX_SPAN_QUEUE_CONCURRENCY", "2", "AGENTEX_SPAN_QUEUE_BATCH_SIZE", "10"}, func(t *testing.T, n *notes, _ asyncprocessor.Stats) {
			assert.Equal(t, 2, n.most)
		}},
		"no starts": {[]string{"AGENTEX_TRACING_SKIP_SPAN_START", "1"}, func(t *testing.T, n *notes, stats asyncprocessor.Stats) {
			assert.Zero(t, stats.Offered)
			for _, c := range n.calls { // of spans that have ended since
				assert.NotContains(t, c.phases, asyncprocessor.PhaseStart)
			}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				errs := Handled(t)
				n, stats := throughProcessor(t, all, c.env...)
				synctest.Wait() // for the processor's reports
				n.mu.Lock()
				defer n.mu.Unlock()
				c.check(t, n, stats)
				for _, err := range errs.All() {
					assert.NotErrorIs(t, err, ErrInvalidEnvironment)
				}
			})
		})
	}
}

func TestSkipSpanStartSpellings(t *testing.T) {
	for value, options := range map[string]int{
		"": 0, "0": 0, "false": 0, "False": 0, "no": 0, "\toff\n": 0,
		"1": 1, "true": 1, "yes": 1, "anything": 1,
	} {
		assert.Len(t, processorOptions(envOf("AGENTEX_TRACING_SKIP_SPAN_START", value)), options, "%q", value)
	}
}

func TestBadEnvironmentIsNamed(t *testing.T) {
	for _, name := range []string{
		"AGENTEX_SPAN_QUEUE_BATCH_SIZE", "AGENTEX_SPAN_QUEUE_LINGER_MS",
		"AGENTEX_SPAN_QUEUE_MAX_SIZE", "AGENTEX_SPAN_QUEUE_CONCURRENCY",
	} {
		for _, value := range []string{"-1", "many", "1.5", "99999999999", "1_000"} {
			errs := Handled(t)
			assert.Empty(t, processorOptions(envOf(name, value)))
			require.Len(t, errs.All(), 1)
			require.ErrorIs(t, errs.All()[0], ErrInvalidEnvironment)
			assert.ErrorContains(t, errs.All()[0], name+`="`+value+`": must be a whole number from `)
		}
	}
	errs := Handled(t)
	processorOptions(envOf("AGENTEX_SPAN_QUEUE_BATCH_SIZE", "0"))
	require.Len(t, errs.All(), 1)
	assert.ErrorContains(t, errs.All()[0], "must be a whole number from 1; using the default")
}

func TestProcessorOptionsFromEnvReadsTheEnvironment(t *testing.T) {
	t.Setenv("AGENTEX_SPAN_QUEUE_BATCH_SIZE", "7")
	t.Setenv("AGENTEX_TRACING_SKIP_SPAN_START", "true")
	assert.Len(t, ProcessorOptionsFromEnv(), 2)
}
