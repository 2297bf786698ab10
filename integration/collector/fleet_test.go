package collector

import (
	"context"
	"net/http"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// Twenty processes, two load balancers, three gateways; one gateway is killed and comes
// back, and SGP is away for some time: every span ends up in SGP, and is billed once.
func TestAFleetLosesNothing(t *testing.T) {
	const services, traces = 20, 50
	// After kill -9 what was under way is written again; children end before their parents.
	except := []sgptest.ViolationKind{sgptest.ChildBeforeParentEnd}
	sgp := sgptest.NewServer()
	defer sgp.Close()

	var gateways []*process
	var addresses []string
	for i := range 3 {
		gateways = append(gateways, newProcess(t, "gateway.yaml", "SGP_CLIENT_BASE_URL="+sgp.URL, "SGP_API_KEY=key"))
		addresses = append(addresses, "GATEWAY_"+string(rune('0'+i))+"="+gateways[i].otlp)
	}
	balancers := []*process{
		newProcess(t, "loadbalancer.yaml", addresses...),
		newProcess(t, "loadbalancer.yaml", addresses...),
	}
	var running []*exec.Cmd
	for i := range services {
		running = append(running, startService(t, "http://"+balancers[i%2].http, traces, 100*time.Millisecond))
	}

	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	some := func(n int) {
		require.NoError(t, sgp.WaitFor(ctx, func(spans []sgptest.Span) bool { return len(spans) >= n }))
	}
	some(100)
	sgp.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(http.StatusServiceUnavailable) })
	failed := len(sgp.Requests())
	require.NoError(t, sgp.WaitForRequests(ctx, func(r []sgptest.Request) bool { return len(r) >= failed+10 }))
	gateways[0].kill(t) // with spans on its disk that SGP does not have
	gateways[0].start(t)
	sgp.ClearFaults()
	some(services * traces * spansPerTrace)

	for _, service := range running {
		assert.NoError(t, service.Wait())
	}
	byTrace := map[string]int{}
	for _, s := range sgp.Spans() {
		byTrace[s.TraceID]++
		assert.True(t, s.Completed())
	}
	require.Len(t, byTrace, services*traces)
	for id, spans := range byTrace {
		assert.Equal(t, spansPerTrace, spans)
		assert.Equal(t, int64(tokensPerTrace), sgp.BilledUsage(id).InputTokens)
	}
	assert.NoError(t, sgp.Check(except...))
}
