package collector

import (
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"sync/atomic"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// A third gateway comes: the load balancer is started again with a longer list, under
// load. Every span is stored. Traces that were under way and have another gateway from then
// on are cut, and those of them whose calls are all before the cut are billed twice: by
// the calls, and by the agent's span. No other trace suffers.
func TestAChangeOfTheRingCutsTraces(t *testing.T) {
	const services = 10
	load := workload{traces: 60, pace: 100 * time.Millisecond, step: 3 * exportInterval}
	f := newFleet(t, 3, 1)
	f.balancers[0].restart(t, gatewaysOf(f.gateways[:2]))
	address, _ := behindProxy(t, f.balancers[0])
	wait := run(t, services, load, address)

	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	some := func(n int) {
		require.NoError(t, f.sgp.WaitFor(ctx, func(spans []sgptest.Span) bool { return len(spans) >= n }))
	}
	all := services * load.traces * spansPerTrace
	some(all / 3)
	f.balancers[0].restart(t, gatewaysOf(f.gateways))
	wait()
	some(all)

	cut, twice := 0, 0
	traces := f.histories(t)
	assert.Len(t, traces, services*load.traces)
	for id, h := range traces {
		assert.Equal(t, spansPerTrace, h.spans)
		switch {
		case h.billed == 2*tokensPerTrace:
			twice++
			assert.Len(t, h.gateways, 2, "%s is billed twice, by %v", id, h.gateways)
		default:
			assert.Equal(t, int64(tokensPerTrace), h.billed)
		}
		if len(h.gateways) > 1 {
			cut++
			assert.True(t, h.gateways[gatewayName(2)], "only the new gateway takes traces from others")
		}
	}
	assert.Positive(t, cut)
	assert.Positive(t, twice)
	t.Logf("of %d traces %d were cut, and %d of these billed twice", len(traces), cut, twice)
	assert.NoError(t, f.sgp.Check(sgptest.ChildBeforeParentEnd))
}

// behindProxy returns an address that answers 503 while the load balancer is away, so that
// services send again, and counts the bytes that are sent to it.
func behindProxy(t *testing.T, balancer *process) (address string, sent *atomic.Int64) {
	t.Helper()
	target, err := url.Parse("http://" + balancer.http)
	require.NoError(t, err)
	proxy := httputil.NewSingleHostReverseProxy(target)
	proxy.ErrorHandler = func(w http.ResponseWriter, _ *http.Request, _ error) { w.WriteHeader(http.StatusServiceUnavailable) }
	sent = new(atomic.Int64)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		sent.Add(r.ContentLength)
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	return srv.URL, sent
}
