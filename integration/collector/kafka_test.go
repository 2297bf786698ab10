package collector

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	"github.com/twmb/franz-go/pkg/kfake"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// Through Kafka, by a broker that speaks its protocol (franz-go's kfake): the reader is
// killed while SGP is away, and another one goes on from what was not delivered.
func TestThroughKafkaNothingIsLost(t *testing.T) {
	const services, traces = 4, 20
	broker, err := kfake.NewCluster(kfake.NumBrokers(1), kfake.SeedTopics(3, "otlp_spans", "otlp_logs"))
	require.NoError(t, err)
	defer broker.Close()
	sgp := sgptest.NewServer()
	defer sgp.Close()
	sgp.SetFault(func(*sgptest.Request) sgptest.Fault { return sgptest.Status(http.StatusServiceUnavailable) })

	kafka := "KAFKA_BROKER=" + broker.ListenAddrs()[0]
	in := newProcess(t, "kafka-in.yaml", kafka)
	out := newProcess(t, "kafka-out.yaml", kafka, "SGP_CLIENT_BASE_URL="+sgp.URL, "SGP_API_KEY=key")
	for range services {
		service := startService(t, "http://"+in.http, workload{traces: traces, pace: 10 * time.Millisecond})
		defer func() { assert.NoError(t, service.Wait()) }()
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	require.NoError(t, sgp.WaitForRequests(ctx, func(r []sgptest.Request) bool { return len(r) >= 3 }))
	out.kill(t)
	sgp.ClearFaults()
	out.start(t)
	require.NoError(t, sgp.WaitFor(ctx, func(spans []sgptest.Span) bool { return len(spans) >= services*traces*spansPerTrace }))
	for _, s := range sgp.Spans() {
		assert.True(t, s.Completed())
		assert.Equal(t, int64(tokensPerTrace), sgp.BilledUsage(s.TraceID).InputTokens)
	}
	assert.NoError(t, sgp.Check(sgptest.ChildBeforeParentEnd))
}
