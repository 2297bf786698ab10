package asyncprocessor_test

import (
	"context"
	"errors"
	"math"
	"testing"
	"testing/synctest"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
)

func TestDefaults(t *testing.T) {
	assert.Equal(t, 65_536, asyncprocessor.DefaultMaxQueueSize)
	assert.Equal(t, 67_108_864, asyncprocessor.DefaultMaxQueueBytes)
	assert.Equal(t, 512, asyncprocessor.DefaultMaxExportBatchSize)
	assert.Equal(t, 1_048_576, asyncprocessor.DefaultMaxExportBatchBytes)
	assert.Equal(t, 500*time.Millisecond, asyncprocessor.DefaultBatchTimeout)
	assert.Equal(t, 5*time.Minute, asyncprocessor.DefaultExportTimeout)
	assert.Equal(t, 30*time.Second, asyncprocessor.DefaultShutdownTimeout)
	assert.Equal(t, 8, asyncprocessor.DefaultConcurrency)
	assert.Equal(t, "StartCoalesced", asyncprocessor.StartPolicy(0).String())
}

// checkDefaults tries that p, which delivers to exp, works with the defaults.
func checkDefaults(t *testing.T, p *asyncprocessor.Processor, exp *recorder) {
	t.Helper()
	var deadlines []time.Duration
	exp.export = func(ctx context.Context, _ int, _ []asyncprocessor.Snapshot) error {
		deadline, ok := ctx.Deadline()
		require.True(t, ok)
		exp.mu.Lock()
		defer exp.mu.Unlock()
		deadlines = append(deadlines, time.Until(deadline))
		return nil
	}
	begin := time.Now()
	_, span := start(t.Context(), p, "short")
	end(p, span)
	time.Sleep(2 * time.Second)
	require.Equal(t, []string{"END short"}, exp.names(), "coalesced")
	assert.Equal(t, 500*time.Millisecond, exp.calls()[0].at.Sub(begin))
	assert.Equal(t, []time.Duration{5 * time.Minute}, deadlines)

	release := make(chan struct{})
	exp.export = func(context.Context, int, []asyncprocessor.Snapshot) error { <-release; return nil }
	for range 64 { // so many that 8 of them do not share a turn
		offerTrace(p, 1024)
	}
	synctest.Wait()
	assert.Equal(t, 8, exp.atOnce)
	assert.Equal(t, int64(4096), balanced(t, p).InFlight)
	offerEnd(p, "one too many")
	assert.Equal(t, map[asyncprocessor.DropReason]uint64{"queue_full": 1}, balanced(t, p).DroppedBy)
	begin = time.Now()
	require.Error(t, p.Shutdown(context.Background()))
	assert.Equal(t, 30*time.Second, time.Since(begin))
	close(release)
}

func TestDefaultsAreInForce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		checkDefaults(t, newProcessor(t, exp), exp)
	})
}

func TestInvalidOptionsAreReported(t *testing.T) {
	tests := []struct {
		want   string
		option asyncprocessor.Option
	}{
		{"WithMaxQueueSize(0)", asyncprocessor.WithMaxQueueSize(0)},
		{"WithMaxQueueSize(-1)", asyncprocessor.WithMaxQueueSize(-1)},
		{"WithMaxQueueBytes(0)", asyncprocessor.WithMaxQueueBytes(0)},
		{"WithMaxQueueBytes(-9223372036854775808)", asyncprocessor.WithMaxQueueBytes(math.MinInt64)},
		{"WithMaxExportBatchSize(0)", asyncprocessor.WithMaxExportBatchSize(0)},
		{"WithMaxExportBatchSize(-7)", asyncprocessor.WithMaxExportBatchSize(-7)},
		{"WithMaxExportBatchBytes(0)", asyncprocessor.WithMaxExportBatchBytes(0)},
		{"WithMaxExportBatchBytes(-1)", asyncprocessor.WithMaxExportBatchBytes(-1)},
		{"WithBatchTimeout(0s)", asyncprocessor.WithBatchTimeout(0)},
		{"WithBatchTimeout(-1ns)", asyncprocessor.WithBatchTimeout(-1)},
		{"WithExportTimeout(-1s)", asyncprocessor.WithExportTimeout(-time.Second)},
		{"WithShutdownTimeout(0s)", asyncprocessor.WithShutdownTimeout(0)},
		{"WithShutdownTimeout(-1s)", asyncprocessor.WithShutdownTimeout(-time.Second)},
		{"WithConcurrency(0)", asyncprocessor.WithConcurrency(0)},
		{"WithConcurrency(-8)", asyncprocessor.WithConcurrency(-8)},
		{"WithStartPolicy(StartPolicy(9))", asyncprocessor.WithStartPolicy(9)},
	}
	for _, tt := range tests {
		t.Run(tt.want, func(t *testing.T) {
			log := collectReports(t)
			exp := new(recorder)
			p := newProcessor(t, exp, tt.option)
			errs := log.take()
			require.Len(t, errs, 1)
			assert.ErrorIs(t, errs[0], asyncprocessor.ErrInvalidOption)
			assert.ErrorContains(t, errs[0], tt.want)
			offerEnd(p, "a")
			require.NoError(t, p.ForceFlush(t.Context()))
			assert.Equal(t, []string{"END a"}, exp.names())
		})
	}
}

func TestInvalidOptionsLeaveTheDefaultsInForce(t *testing.T) {
	collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		checkDefaults(t, newProcessor(t, exp,
			asyncprocessor.WithMaxQueueSize(0),
			asyncprocessor.WithMaxQueueBytes(-1),
			asyncprocessor.WithMaxExportBatchSize(0),
			asyncprocessor.WithMaxExportBatchBytes(-1),
			asyncprocessor.WithBatchTimeout(0),
			asyncprocessor.WithExportTimeout(-1),
			asyncprocessor.WithShutdownTimeout(0),
			asyncprocessor.WithConcurrency(-1),
			asyncprocessor.WithStartPolicy(3),
		), exp)
	})
}

func TestInvalidOptionsAreAllNamed(t *testing.T) {
	log := collectReports(t)
	exp := new(recorder)
	newProcessor(t, exp,
		asyncprocessor.WithMaxQueueSize(-1),
		asyncprocessor.WithConcurrency(-2),
		asyncprocessor.WithMaxExportBatchSize(1),
	)
	err := errors.Join(log.take()...)
	assert.ErrorIs(t, err, asyncprocessor.ErrInvalidOption)
	assert.ErrorContains(t, err, "WithMaxQueueSize(-1)")
	assert.ErrorContains(t, err, "WithConcurrency(-2)")
	assert.NotContains(t, err.Error(), "WithMaxExportBatchSize")
}

func TestNilOptionIsIgnored(t *testing.T) {
	log := collectReports(t)
	exp := new(recorder)
	p := newProcessor(t, exp, nil, asyncprocessor.WithStartPolicy(asyncprocessor.StartNever), nil)
	offerEnd(p, "a")
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, []string{"END a"}, exp.names())
	assert.Empty(t, log.take())
}

func TestNilMeterProviderStandsForTheDefault(t *testing.T) {
	log := collectReports(t)
	exp := new(recorder)
	p := newProcessor(t, exp, asyncprocessor.WithMeterProvider(nil))
	offerEnd(p, "a")
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Equal(t, []string{"END a"}, exp.names())
	assert.Empty(t, log.take())
}

// What is as large as can be neither allocates for it nor overflows.
func TestHugeValues(t *testing.T) {
	log := collectReports(t)
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp,
			asyncprocessor.WithMaxQueueSize(math.MaxInt),
			asyncprocessor.WithMaxQueueBytes(math.MaxInt64),
			asyncprocessor.WithMaxExportBatchSize(math.MaxInt),
			asyncprocessor.WithMaxExportBatchBytes(math.MaxInt64),
			asyncprocessor.WithExportTimeout(math.MaxInt64),
			asyncprocessor.WithShutdownTimeout(math.MaxInt64),
		)
		offerEnds(p, 1000)
		time.Sleep(time.Second)
		require.Len(t, exp.calls(), 1)
		assert.Len(t, exp.names(), 1000)
		offerEnd(p, "last")
		require.NoError(t, p.Shutdown(context.Background()))
		assert.Equal(t, uint64(1001), balanced(t, p).Exported)
	})
	assert.Empty(t, log.take())
}

func TestHugeConcurrency(t *testing.T) {
	exp := new(recorder)
	require.NotPanics(t, func() {
		p := newProcessor(t, exp, asyncprocessor.WithConcurrency(math.MaxInt))
		offerEnd(p, "a")
		require.NoError(t, p.ForceFlush(t.Context()))
	})
	assert.Equal(t, []string{"END a"}, exp.names())
}

// A batch timeout that never comes must not come at once either, again and again:
// the fake clock would then stand still.
func TestHugeBatchTimeout(t *testing.T) {
	watchdog := time.AfterFunc(30*time.Second, func() { panic("the dispatcher spins, so the fake clock stands still") })
	defer watchdog.Stop()
	synctest.Test(t, func(t *testing.T) {
		exp := new(recorder)
		p := newProcessor(t, exp, asyncprocessor.WithBatchTimeout(math.MaxInt64))
		time.Sleep(time.Hour)
		offerEnd(p, "a")
		time.Sleep(24 * time.Hour)
		assert.Empty(t, exp.names())
		require.NoError(t, p.ForceFlush(t.Context()))
		assert.Equal(t, []string{"END a"}, exp.names())
	})
}

func TestNilExporter(t *testing.T) {
	for name, p := range map[string]*asyncprocessor.Processor{
		"New(nil)":   asyncprocessor.New(nil),
		"zero value": {},
	} {
		t.Run(name, func(t *testing.T) {
			tp := provider(p)
			_, span := tp.Tracer("t").Start(t.Context(), "a")
			span.End()
			p.OnStart(t.Context(), span.(sdktrace.ReadWriteSpan))
			p.OnEnd(span.(sdktrace.ReadOnlySpan))
			require.NoError(t, p.ForceFlush(t.Context()))
			require.NoError(t, p.Shutdown(t.Context()))
			require.NoError(t, tp.Shutdown(t.Context()))
			require.NoError(t, p.ForceFlush(t.Context()))
			assert.Equal(t, asyncprocessor.Stats{DroppedBy: map[asyncprocessor.DropReason]uint64{}}, p.Stats())
		})
	}
}

// switchable is an exporter that says whether it is switched off.
type switchable struct {
	recorder
	off bool
}

func (e *switchable) Disabled() bool { return e.off }

func TestDisabledExporter(t *testing.T) {
	for _, off := range []bool{true, false} {
		exp := &switchable{off: off}
		p := asyncprocessor.New(exp)
		exp.off = !off // it is asked once
		offerEnd(p, "a")
		require.NoError(t, p.ForceFlush(t.Context()))
		require.NoError(t, p.Shutdown(t.Context()))
		if off {
			assert.Empty(t, exp.names())
			assert.Equal(t, asyncprocessor.Stats{DroppedBy: reasons{}}, p.Stats())
		} else {
			assert.Equal(t, []string{"END a"}, exp.names())
		}
	}
}

func TestNilSpanIsIgnored(t *testing.T) {
	p := newProcessor(t, new(recorder))
	p.OnStart(t.Context(), nil)
	p.OnEnd(nil)
	assert.Zero(t, p.Stats().Offered)
}

// recordOnly is a sampler whose spans are recorded and not sampled.
type recordOnly struct{}

func (recordOnly) ShouldSample(sdktrace.SamplingParameters) sdktrace.SamplingResult {
	return sdktrace.SamplingResult{Decision: sdktrace.RecordOnly}
}

func (recordOnly) Description() string { return "recordOnly" }

func TestUnsampledSpansAreIgnored(t *testing.T) {
	exp := new(recorder)
	p := newProcessor(t, exp)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSampler(recordOnly{}), sdktrace.WithSpanProcessor(p))
	_, span := tp.Tracer("t").Start(t.Context(), "a")
	require.True(t, span.IsRecording())
	span.End()
	require.NoError(t, p.ForceFlush(t.Context()))
	assert.Empty(t, exp.names())
	assert.Zero(t, balanced(t, p).Offered)
}
