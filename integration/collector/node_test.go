//go:build node

package collector

import (
	"context"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// The recipe for JavaScript in docs/collector.md: a Node service with the environment alone,
// a load balancer, a gateway. "make collector-node" installs what it needs.
func TestANodeServiceWithConfigurationAlone(t *testing.T) {
	f := newFleet(t, 1, 1)
	cmd := exec.CommandContext(t.Context(), "node", "--require", "@opentelemetry/auto-instrumentations-node/register", "app.js")
	cmd.Dir = "node"
	cmd.Env = append(os.Environ(), "OTEL_SERVICE_NAME=my-agent", "OTEL_EXPORTER_OTLP_ENDPOINT=http://"+f.balancers[0].http,
		"OTEL_TRACES_EXPORTER=otlp", "OTEL_LOGS_EXPORTER=otlp", "OTEL_METRICS_EXPORTER=none",
		"OTEL_NODE_RESOURCE_DETECTORS=env,host,process") // the others ask clouds for where they are
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, "%s", out)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, f.sgp.WaitFor(ctx, func(spans []sgptest.Span) bool { return len(spans) >= 4 }))
	byName := map[string]sgptest.Span{}
	spans := f.sgp.Spans()
	for _, s := range spans {
		byName[s.Name] = s
		assert.Equal(t, spans[0].TraceID, s.TraceID)
		assert.True(t, s.Completed())
		assert.Equal(t, "my-agent", s.Metadata["service_name"])
	}
	call, agent := byName["chat gpt-4o"], byName["invoke_agent planner"]
	assert.Equal(t, "COMPLETION", call.Type)
	assert.Equal(t, agent.ID, call.ParentID)
	assert.Contains(t, call.Input, "messages")
	assert.Equal(t, "AGENT_WORKFLOW", agent.Type)
	assert.Equal(t, "c1", call.GroupID)
	assert.Contains(t, byName, "GET") // the request's, of its client and its server
	assert.Equal(t, int64(120), f.sgp.BilledUsage(call.TraceID).InputTokens)
	assert.NoError(t, f.sgp.Check(sgptest.ChildBeforeParentEnd))
}
