package integration

import (
	"crypto/sha256"
	"net/http"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/integration/internal/producer"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// TestOutage: a server that answers 503 for a minute costs nothing. The minute
// is the client's: with the default waits between attempts (0.4 s, doubling, up
// to 20 s) the ninth is made after 65 s; here they are as many, and shorter.
func TestOutage(t *testing.T) {
	const attemptsInAMinute = 9
	srv := newSGP(t, sgptest.WithAccountID(""))
	var mu sync.Mutex
	over := false
	attempts := map[[sha256.Size]byte]int{}
	srv.SetFault(func(r *sgptest.Request) sgptest.Fault {
		mu.Lock()
		defer mu.Unlock()
		body := sha256.Sum256(r.Body)
		attempts[body]++
		over = over || attempts[body] >= attemptsInAMinute
		if over {
			return sgptest.Fault{}
		}
		return sgptest.Status(http.StatusServiceUnavailable)
	})
	p := produce(t, producer.Config{Traces: 40, Hold: true, RetryMax: 50 * time.Millisecond}, srv.URL)
	p.until(producer.Holding, 1)
	p.until(producer.Failed, 1)
	p.goOn()
	result := p.results()[0]
	assert.Len(t, result.Spans, 440)
	checkDelivered(t, srv, result)

	assert.GreaterOrEqual(t, len(p.events.of(producer.Failed)), attemptsInAMinute-1)
	stored := map[[sha256.Size]byte]bool{}
	for _, request := range srv.Requests() {
		stored[sha256.Sum256(request.Body)] = stored[sha256.Sum256(request.Body)] || request.Stored
	}
	for body := range attempts {
		assert.True(t, stored[body], "a request that was refused is sent again, byte for byte, until it is stored")
	}
}

// TestServerComesLate: what is exported before there is a server arrives when
// there is one.
func TestServerComesLate(t *testing.T) {
	address, listen := reserve(t)
	p := produce(t, producer.Config{Traces: 40, Hold: true}, "http://"+address)
	p.until(producer.Holding, 1)
	assert.Contains(t, p.until(producer.Failed, 3)[0].Error, "connection refused")
	p.goOn()

	srv := sgptest.NewUnstartedServer(sgptest.WithAPIKey(apiKey))
	server := &http.Server{Handler: srv}
	listener := listen()
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = server.Serve(listener) // it ends with Close
	}()
	result := p.results()[0]
	srv.Close()
	require.NoError(t, server.Close())
	<-served
	assert.Len(t, result.Spans, 440)
	checkDelivered(t, srv, result)
}

// TestServerFaults: connections that are reset, before a request takes effect
// and after it did, and answers that are cut off, cost nothing and no order.
func TestServerFaults(t *testing.T) {
	srv := newSGP(t, sgptest.WithAccountID(""))
	faults := []sgptest.Fault{
		sgptest.ResetConnection(), sgptest.ResetConnection().Stored(), sgptest.Truncate(0), sgptest.Truncate(20),
		sgptest.Status(http.StatusTooManyRequests).Header("Retry-After", "0"), sgptest.Status(http.StatusBadGateway).Stored(), {},
	}
	for range 10 {
		srv.Inject(faults...)
	}
	p := produce(t, producer.Config{QueueSize: 256, Blocking: true, BatchSize: 16}, srv.URL)
	waitForStored(t, srv, 100)
	p.enough()
	checkDelivered(t, srv, p.results()[0])
	seen := map[string]int{}
	for _, request := range srv.Requests() {
		seen[request.Fault]++
	}
	delete(seen, "")
	assert.Equal(t, map[string]int{
		"reset": 10, "reset, stored": 10, "truncate to 0 bytes": 10, "truncate to 20 bytes": 10,
		"status 429": 10, "status 502, stored": 10,
	}, seen)
}

// TestBadSpans: a span that the server refuses costs itself only, one that is too large its payload.
func TestBadSpans(t *testing.T) {
	srv := newRefusingSGP(t, sgptest.WithAccountID(""), sgptest.WithMaxBodyBytes(64<<10))
	p := produce(t, producer.Config{
		Traces: 20, BatchTimeout: 20 * time.Millisecond,
		NoTraceID: "job 7, step 3, part",
		Bloated:   "job 11, step 1", BloatedBytes: 100 << 10,
	}, srv.URL)
	result := p.results()[0]
	assert.Len(t, result.Spans, 220)

	stored := map[string]bool{}
	for _, span := range srv.Spans() {
		assert.True(t, span.Completed(), span.Name)
		stored[span.Name] = true
	}
	var lost []string
	for _, span := range result.Spans {
		if !stored[span.Name] {
			lost = append(lost, span.Name)
		}
	}
	assert.Equal(t, []string{"job 7, step 3, part"}, lost, "what is too large goes without its payload")
	assert.Len(t, stored, 219)
	require.NoError(t, srv.CheckOrder())

	// Each is named once for each of its writes that went out, and counted.
	stats := result.Stats
	assert.Equal(t, uint64(440), stats.Offered)
	assert.Equal(t, stats.Offered, stats.Exported+stats.Coalesced+stats.Dropped)
	rejected := stats.DroppedBy["rejected"]
	assert.Equal(t, stats.Dropped, rejected)
	assert.True(t, rejected >= 1 && rejected <= 2, "an END, and a START if it was not coalesced: %d", rejected)
	said := p.stderr.String()
	assert.Contains(t, said, `"job 7, step 3, part"`)
	assert.NotContains(t, said, "xxxx", "payloads show in no report")
}

// TestKilled: what was answered before a crash is stored, and nothing is stored
// by half.
func TestKilled(t *testing.T) {
	srv := newSGP(t, sgptest.WithAccountID(""))
	p := produce(t, producer.Config{QueueSize: 512, Blocking: true, Payload: 2000}, srv.URL)
	waitForStored(t, srv, 50)
	p.signal(syscall.SIGKILL)
	require.Equal(t, -1, p.wait())

	stored := map[producer.Write]bool{}
	for _, write := range srv.Writes() {
		stored[producer.Write{TraceID: write.TraceID, ID: write.ID, Completed: write.Completed}] = true
	}
	answered := 0
	for _, event := range p.events.of(producer.Answered) {
		for _, write := range event.Writes {
			answered++
			assert.True(t, stored[write], "answered, and not stored: %v", write)
		}
	}
	assert.Positive(t, answered)
	running := 0
	for _, span := range srv.Spans() {
		if !span.Completed() {
			running++
			assert.Empty(t, span.Status)
		} else {
			assert.Equal(t, "SUCCESS", span.Status)
		}
		attributes, ok := span.Metadata["attributes"].(map[string]any)
		require.True(t, ok)
		assert.Len(t, attributes["payload"], 2000)
	}
	assert.Positive(t, running, "the producer was killed at its work")
	checkOrderAndContract(t, srv)
}
