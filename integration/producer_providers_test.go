package integration

import (
	"compress/gzip"
	"encoding/hex"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
	collectortrace "go.opentelemetry.io/proto/otlp/collector/trace/v1"
	"google.golang.org/protobuf/proto"

	"github.com/otelsgp/otelsgp/integration/internal/producer"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// TestInstrumentedClient: the exporter's HTTP client records spans with the
// provider whose spans it exports. They do not feed it, and where the processor
// waits for room they do not make it wait for itself.
func TestInstrumentedClient(t *testing.T) {
	for _, test := range []struct {
		name   string
		config producer.Config
	}{
		{name: "dropping", config: producer.Config{Traces: 20}},
		{name: "blocking", config: producer.Config{Traces: 20, Blocking: true, QueueSize: 4, BatchSize: 2}},
	} {
		t.Run(test.name, func(t *testing.T) {
			srv := newSGP(t, sgptest.WithAccountID(""))
			srv.Inject(sgptest.Status(http.StatusServiceUnavailable).Times(5))
			test.config.Instrumented = true
			p := produce(t, test.config, srv.URL)
			result := p.results()[0]
			assert.Len(t, result.Spans, 220)
			checkDelivered(t, srv, result)
			assert.Len(t, srv.Requests(), result.ClientSpans, "each request made a span")
			assert.Greater(t, result.ClientSpans, 5)
		})
	}
}

// TestTwoProviders: each delivers its own spans to its own server, and the
// shutdown of one is nothing to the other.
func TestTwoProviders(t *testing.T) {
	first, second := newSGP(t, sgptest.WithAccountID("")), newSGP(t, sgptest.WithAccountID(""))
	p := produce(t, producer.Config{Traces: 10, Targets: []producer.Target{
		{Service: "first", BaseURL: first.URL, APIKey: apiKey},
		{Service: "second", BaseURL: second.URL, APIKey: apiKey},
	}})
	results := p.results()
	assert.Len(t, results[0].Spans, 110)
	assert.Len(t, results[1].Spans, 121)
	checkDelivered(t, first, results[0])
	checkDelivered(t, second, results[1])
	for name, srv := range map[string]*sgptest.Server{"first": first, "second": second} {
		for _, span := range srv.Spans() {
			resource := span.Metadata["resource"].(map[string]any)["attributes"].(map[string]any)
			assert.Equal(t, name, resource["service.name"])
		}
	}
}

// TestBesideOTLP: a BatchSpanProcessor with OTLP beside ours on one provider
// exports the same spans.
func TestBesideOTLP(t *testing.T) {
	srv := newSGP(t, sgptest.WithAccountID(""))
	otlp := newCollector(t)
	p := produce(t, producer.Config{Traces: 20, OTLP: otlp.url + "/v1/traces"}, srv.URL)
	result := p.results()[0]
	checkDelivered(t, srv, result)
	otlp.mu.Lock()
	defer otlp.mu.Unlock()
	require.Len(t, otlp.spans, 220)
	for _, span := range result.Spans {
		assert.True(t, otlp.spans[span], "OTLP lacks %v", span)
	}
}

// collector is an OTLP endpoint that keeps what spans it was sent.
type collector struct {
	url   string
	mu    sync.Mutex
	spans map[producer.Span]bool
}

func newCollector(t *testing.T) *collector {
	t.Helper()
	c := &collector{spans: map[producer.Span]bool{}}
	server := httptest.NewServer(c)
	t.Cleanup(server.Close)
	c.url = server.URL
	return c
}

func (c *collector) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var request collectortrace.ExportTraceServiceRequest
	if err := decodeOTLP(r, &request); err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, resource := range request.GetResourceSpans() {
		for _, scope := range resource.GetScopeSpans() {
			for _, span := range scope.GetSpans() {
				c.spans[producer.Span{
					TraceID: hex.EncodeToString(span.GetTraceId()), ID: hex.EncodeToString(span.GetSpanId()),
					ParentID: hex.EncodeToString(span.GetParentSpanId()), Name: span.GetName(),
				}] = true
			}
		}
	}
	w.Header().Set("Content-Type", "application/x-protobuf")
}

func decodeOTLP(r *http.Request, request proto.Message) error {
	var body io.Reader = r.Body
	if r.Header.Get("Content-Encoding") == "gzip" {
		reader, err := gzip.NewReader(body)
		if err != nil {
			return err
		}
		body = reader
	}
	data, err := io.ReadAll(body)
	if err != nil {
		return err
	}
	return proto.Unmarshal(data, request)
}
