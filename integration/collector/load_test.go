package collector

import (
	"context"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// What a span costs at each station, for docs/collector.md: the log has the CPU time of
// each process, which is to be divided by the spans.
func TestLoad(t *testing.T) {
	const services, traces = 2, 10_000
	sgp := sgptest.NewServer(sgptest.WithMaxRequests(0))
	defer sgp.Close()
	gateway := newProcess(t, "gateway.yaml", "SGP_CLIENT_BASE_URL="+sgp.URL, "SGP_API_KEY=key")
	balancer := newProcess(t, "loadbalancer.yaml", gatewaysOf([]*process{gateway}))
	var running []*exec.Cmd
	for range services {
		running = append(running, startService(t, "http://"+balancer.http, workload{traces: traces}))
	}
	for _, service := range running {
		assert.NoError(t, service.Wait())
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, sgp.WaitFor(ctx, func(spans []sgptest.Span) bool { return len(spans) >= services*traces*spansPerTrace }))
	assert.Len(t, sgp.Spans(), services*traces*spansPerTrace)
	t.Logf("%d bytes of JSON a span", sgp.Stats().Bytes/int64(services*traces*spansPerTrace))
}
