package collector

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"go.opentelemetry.io/collector/component"
	"go.opentelemetry.io/collector/component/componenttest"
	"go.opentelemetry.io/collector/config/configoptional"
	"go.opentelemetry.io/collector/exporter"
	"go.opentelemetry.io/collector/exporter/exporterhelper"
	"go.opentelemetry.io/collector/exporter/exportertest"
	"go.opentelemetry.io/collector/pdata/pcommon"
	"go.opentelemetry.io/collector/pdata/ptrace"
	"go.uber.org/goleak"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	zapobserver "go.uber.org/zap/zaptest/observer"

	"github.com/otelsgp/otelsgp/internal/testenv"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

func TestMain(m *testing.M) {
	testenv.Clear()
	goleak.VerifyTestMain(m)
}

const key = "sk-0123456789abcdef"

var began = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// pipeline is an exporter in a Collector, without the Collector.
type pipeline struct {
	traces exporter.Traces
	logs   exporter.Logs
	sgp    *sgptest.Server
	log    *zapobserver.ObservedLogs
	meters *componenttest.Telemetry
	stop   func()
}

// withoutQueue makes ConsumeTraces return what became of the spans.
func withoutQueue(c *Config) { c.Queue = configoptional.None[exporterhelper.QueueBatchConfig]() }

// newPipeline returns a started exporter in front of a server. At the end of the test the
// server says whether every request kept to the contract.
func newPipeline(t *testing.T, server []sgptest.Option, except []sgptest.ViolationKind, change ...func(*Config)) *pipeline {
	t.Helper()
	return newPipelineOn(t, componenttest.NewNopHost(), server, except, change...)
}

// newPipelineOn is newPipeline in a Collector with extensions.
func newPipelineOn(t *testing.T, host component.Host, server []sgptest.Option, except []sgptest.ViolationKind, change ...func(*Config)) *pipeline {
	t.Helper()
	p := &pipeline{sgp: sgptest.NewServer(server...), meters: componenttest.NewTelemetry()}
	factory := NewFactory()
	cfg := factory.CreateDefaultConfig().(*Config)
	cfg.Endpoint, cfg.APIKey = p.sgp.URL, key
	cfg.Retry.InitialInterval = time.Millisecond
	for _, f := range change {
		f(cfg)
	}
	require.NoError(t, cfg.Validate())
	set := exportertest.NewNopSettings(Type)
	set.ID = component.NewID(Type)
	set.TelemetrySettings = p.meters.NewTelemetrySettings()
	var core zapcore.Core
	core, p.log = zapobserver.New(zap.WarnLevel)
	set.Logger = zap.New(core)
	var err error
	p.traces, err = factory.CreateTraces(t.Context(), set, cfg)
	require.NoError(t, err)
	p.logs, err = factory.CreateLogs(t.Context(), set, cfg)
	require.NoError(t, err)
	require.NoError(t, p.traces.Start(t.Context(), host))
	require.NoError(t, p.logs.Start(t.Context(), host))
	stopped := false
	p.stop = func() {
		if !stopped {
			stopped = true
			assert.NoError(t, p.traces.Shutdown(context.Background()))
			assert.NoError(t, p.logs.Shutdown(context.Background()))
		}
	}
	t.Cleanup(func() {
		p.stop()
		assert.NoError(t, p.meters.Shutdown(context.Background()))
		p.sgp.Close()
		assert.NoError(t, p.sgp.Check(except...))
	})
	return p
}

// names are the names of the server's spans.
func (p *pipeline) names() []string {
	names := []string{}
	for _, s := range p.sgp.Spans() {
		names = append(names, s.Name)
	}
	return names
}

// counter returns the sum of a counter.
func (p *pipeline) counter(t *testing.T, name string) int64 {
	t.Helper()
	m, err := p.meters.GetMetric(name)
	if err != nil {
		return 0 // nothing was counted
	}
	return sum(m)
}

// spansOf returns one request with ended spans of one trace: their names are "span 1" and so
// on, their ids the same numbers.
func spansOf(n int, change ...func(i int, s ptrace.Span)) ptrace.Traces {
	td := ptrace.NewTraces()
	spans := td.ResourceSpans().AppendEmpty().ScopeSpans().AppendEmpty().Spans()
	for i := 1; i <= n; i++ {
		s := spans.AppendEmpty()
		s.SetTraceID(pcommon.TraceID{15: 1})
		s.SetSpanID(pcommon.SpanID{6: byte(i >> 8), 7: byte(i)})
		s.SetName(fmt.Sprintf("span %d", i))
		s.SetStartTimestamp(pcommon.NewTimestampFromTime(began))
		s.SetEndTimestamp(pcommon.NewTimestampFromTime(began.Add(time.Second)))
		for _, f := range change {
			f(i, s)
		}
	}
	return td
}

var _ component.Config = (*Config)(nil)
