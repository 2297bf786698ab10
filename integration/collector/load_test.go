package collector

import (
	"context"
	"os"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// What a span costs at each station, for docs/collector.md, in CPU time and in bytes; the
// log has it. Spans have four to six attributes, requests of services 512 spans.
func TestLoad(t *testing.T) {
	const services, traces = 2, 10_000
	const all = services * traces * spansPerTrace
	f := newFleet(t, 1, 1)
	address, sent := behindProxy(t, f.balancers[0])
	gatewayBefore, balancerBefore := f.gateways[0].cpu(t), f.balancers[0].cpu(t)
	began := time.Now()
	run(t, services, workload{traces: traces}, address)()
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	require.NoError(t, f.sgp.WaitForRequests(ctx, func([]sgptest.Request) bool { return f.sgp.Stats().Spans >= all }))
	t.Logf("%.0f spans/s through one load balancer and one gateway, with the services on the same machine", all/time.Since(began).Seconds())
	assert.Len(t, f.sgp.Spans(), all)
	t.Logf("load balancer: %v of CPU a span", (f.balancers[0].cpu(t)-balancerBefore)/all)
	t.Logf("gateway: %v of CPU a span", (f.gateways[0].cpu(t)-gatewayBefore)/all)
	t.Logf("%d bytes of OTLP a span, %d bytes of JSON, %d spans a request to SGP",
		sent.Load()/all, f.sgp.Stats().Bytes/all, all/len(f.sgp.Requests()))
}

// cpu is the time that the process has used so far. It reads Linux's /proc.
func (p *process) cpu(t *testing.T) time.Duration {
	t.Helper()
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(p.cmd.Process.Pid) + "/stat")
	require.NoError(t, err)
	// After the name, in parentheses, field 3 and on; utime and stime are 14 and 15.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	var ticks time.Duration
	for _, field := range fields[11:13] {
		n, err := strconv.Atoi(field)
		require.NoError(t, err)
		ticks += time.Duration(n)
	}
	return ticks * time.Second / userHZ
}

// userHZ is the number of ticks of /proc in a second.
const userHZ = 100

// written is what the process has written to disks, once it has ended.
func (p *process) written() int64 {
	usage, _ := p.cmd.ProcessState.SysUsage().(*syscall.Rusage)
	return usage.Oublock * 512
}
