package collector

import (
	"cmp"
	"context"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
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
	for i := range gateways {
		f.gateways = append(f.gateways, newProcess(t, "gateway.yaml",
			"SGP_CLIENT_BASE_URL="+f.sgp.URL, "SGP_API_KEY=key", "SGP_ACCOUNT_ID="+gatewayName(i)))
	}
	for range balancers {
		f.balancers = append(f.balancers, newProcess(t, "loadbalancer.yaml", gatewaysOf(f.gateways)))
	}
	return f
}

// gatewayName is the account that gateway i names, by which its requests are known.
func gatewayName(i int) string { return "gateway-" + strconv.Itoa(i) }

// gatewaysOf tells a load balancer which gateways there are.
func gatewaysOf(gateways []*process) string {
	var addresses []string
	for _, gateway := range gateways {
		addresses = append(addresses, gateway.otlp)
	}
	return "GATEWAYS=[" + strings.Join(addresses, ", ") + "]"
}

// run starts services, which send to the addresses in turn.
func run(t *testing.T, services int, load workload, addresses ...string) (wait func()) {
	t.Helper()
	var running []*exec.Cmd
	for i := range services {
		running = append(running, startService(t, addresses[i%len(addresses)], load))
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
	d, err := time.ParseDuration(cmp.Or(os.Getenv("FLEET_OUTAGE"), "3s"))
	require.NoError(t, err)
	return d
}

// history is what SGP got of a trace.
type history struct {
	spans    int
	gateways map[string]bool // those that wrote them
	ordered  bool            // the agent's span came after its calls'
	billed   int64
}

func (f *fleet) histories(t *testing.T) map[string]*history {
	t.Helper()
	gateway := map[uint64]string{}
	for _, r := range f.sgp.Requests() {
		gateway[r.Seq] = r.Header.Get("X-Selected-Account-Id")
	}
	traces, agents, calls := map[string]*history{}, map[string]uint64{}, map[string]uint64{}
	for _, s := range f.sgp.Spans() {
		assert.True(t, s.Completed())
		h := traces[s.TraceID]
		if h == nil {
			h = &history{gateways: map[string]bool{}, billed: f.sgp.BilledUsage(s.TraceID).InputTokens}
			traces[s.TraceID] = h
		}
		h.spans++
		for _, w := range s.Writes {
			h.gateways[gateway[w.Request]] = true
		}
		if s.ParentID == "" {
			agents[s.TraceID] = s.Writes[0].Seq
		} else {
			calls[s.TraceID] = max(calls[s.TraceID], s.Writes[0].Seq)
		}
	}
	for id, h := range traces {
		h.ordered = calls[id] < agents[id]
	}
	return traces
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
	wait := run(t, services, load, "http://"+f.balancers[0].http, "http://"+f.balancers[1].http)

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

	traces := f.histories(t)
	assert.Len(t, traces, services*load.traces)
	for id, h := range traces {
		assert.Equal(t, spansPerTrace, h.spans)
		assert.Equal(t, int64(tokensPerTrace), h.billed, "%s by %v", id, h.gateways)
		assert.Len(t, h.gateways, 1)
		// A gateway that was killed puts what was under way behind what waited.
		assert.True(t, h.ordered || h.gateways[gatewayName(0)], "%s by %v", id, h.gateways)
	}
	assert.NoError(t, f.sgp.Check(sgptest.ChildBeforeParentEnd))
}
