package collector

import (
	"context"
	"net/http"
	"os"
	"os/exec"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// fleet is load balancers before gateways before SGP.
type fleet struct {
	sgp       *sgptest.Server
	gateways  []*process
	balancers []*process
}

func newFleet(t *testing.T, gateways, balancers int) *fleet {
	t.Helper()
	f := &fleet{sgp: sgptest.NewServer(sgptest.WithMaxSpans(1_000_000), sgptest.WithMaxRequests(1_000_000))}
	t.Cleanup(f.sgp.Close)
	for range gateways {
		f.gateways = append(f.gateways, newProcess(t, "gateway.yaml", "SGP_CLIENT_BASE_URL="+f.sgp.URL, "SGP_API_KEY=key"))
	}
	for range balancers {
		f.balancers = append(f.balancers, newProcess(t, "loadbalancer.yaml", gatewaysOf(f.gateways)...))
	}
	return f
}

// gatewaysOf is the environment of a load balancer before three gateways, or fewer.
func gatewaysOf(gateways []*process) []string {
	var env []string
	for i, name := range []string{"GATEWAY_0", "GATEWAY_1", "GATEWAY_2"} {
		env = append(env, name+"="+gateways[min(i, len(gateways)-1)].otlp)
	}
	return env
}

// run starts services, which send to the load balancers in turn.
func (f *fleet) run(t *testing.T, services int, load workload) (wait func()) {
	t.Helper()
	var running []*exec.Cmd
	for i := range services {
		running = append(running, startService(t, "http://"+f.balancers[i%len(f.balancers)].http, load))
	}
	return func() {
		for _, service := range running {
			assert.NoError(t, service.Wait())
		}
	}
}

// outage is how long SGP is away: FLEET_OUTAGE, by default three seconds.
func outage(t *testing.T) time.Duration {
	t.Helper()
	d, err := time.ParseDuration(cmpOr(os.Getenv("FLEET_OUTAGE"), "3s"))
	require.NoError(t, err)
	return d
}

func cmpOr(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// Twenty processes, two load balancers, three gateways; SGP is away for some time, and
// meanwhile one gateway is killed and comes back: every span ends up in SGP, a trace's in
// their order, and is billed once.
func TestAFleetLosesNothing(t *testing.T) {
	const services = 20
	away := outage(t)
	load := workload{pace: 250 * time.Millisecond, step: 2 * exportInterval}
	load.traces = int((away + 10*time.Second) / load.pace)
	f := newFleet(t, 3, 2)
	wait := f.run(t, services, load)

	ctx, cancel := context.WithTimeout(t.Context(), away+2*time.Minute)
	defer cancel()
	some := func(n int) {
		require.NoError(t, f.sgp.WaitFor(ctx, func(spans []sgptest.Span) bool { return len(spans) >= n }))
	}
	some(300)
	f.sgp.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(http.StatusServiceUnavailable) })
	began := time.Now()
	failed := len(f.sgp.Requests())
	require.NoError(t, f.sgp.WaitForRequests(ctx, func(r []sgptest.Request) bool { return len(r) >= failed+10 }))
	f.gateways[0].kill(t) // with spans on its disk that SGP does not have
	f.gateways[0].start(t)
	time.Sleep(away - time.Since(began))
	f.sgp.ClearFaults()
	wait()
	all := services * load.traces * spansPerTrace
	some(all)
	t.Logf("%d spans, SGP was away for %v", all, away)

	spans := f.sgp.Spans()
	require.Len(t, spans, all)
	byTrace := map[string]int{}
	twice, misbilled := 0, 0
	for _, s := range spans {
		byTrace[s.TraceID]++
		assert.True(t, s.Completed())
		if len(s.Writes) > 1 {
			twice++
		}
	}
	require.Len(t, byTrace, services*load.traces)
	for id, n := range byTrace {
		assert.Equal(t, spansPerTrace, n)
		if f.sgp.BilledUsage(id).InputTokens != tokensPerTrace {
			misbilled++
		}
	}
	t.Logf("%d spans were written more than once, %d traces out of order", twice, outOfOrder(spans))
	assert.Zero(t, misbilled, "traces that are not billed what their calls used")
	assert.NoError(t, f.sgp.Check(sgptest.ChildBeforeParentEnd))
}

// outOfOrder counts traces whose agent was written before one of its calls.
func outOfOrder(spans []sgptest.Span) (n int) {
	agents, last := map[string]uint64{}, map[string]uint64{}
	for _, s := range spans {
		if s.ParentID == "" {
			agents[s.TraceID] = s.Writes[0].Seq
		} else {
			last[s.TraceID] = max(last[s.TraceID], s.Writes[0].Seq)
		}
	}
	for id, agent := range agents {
		if agent < last[id] {
			n++
		}
	}
	return n
}
