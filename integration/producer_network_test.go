package integration

import (
	"context"
	"net/url"
	"strings"
	"testing"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"
	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/otelsgp/otelsgp/integration/internal/producer"
	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// wire is what lies between a producer and the server.
type wire struct {
	t     *testing.T
	proxy *toxiproxy.Proxy
}

func newWire(t *testing.T, srv *sgptest.Server) *wire {
	t.Helper()
	upstream, err := url.Parse(srv.URL)
	require.NoError(t, err)
	toxic := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	n := &wire{t: t, proxy: toxiproxy.NewProxy(toxic, t.Name(), "127.0.0.1:0", upstream.Host)}
	n.connect()
	t.Cleanup(n.proxy.Stop)
	return n
}

func (n *wire) url() string { return "http://" + n.proxy.Listen }

// cut closes all connections, and refuses new ones until connect.
func (n *wire) cut() { n.proxy.Stop() }

func (n *wire) connect() {
	n.t.Helper()
	require.NoError(n.t, n.proxy.Start())
}

// add makes the network worse, in the words of toxiproxy.
func (n *wire) add(toxic string) {
	n.t.Helper()
	_, err := n.proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
	require.NoError(n.t, err)
}

// heal makes it good again, also for connections that are open.
func (n *wire) heal() { n.proxy.Toxics.ResetToxics(context.Background()) }

// TestNetworkCut: a network that is away again and again, in the middle of
// requests and of answers, costs neither spans nor order.
func TestNetworkCut(t *testing.T) {
	srv := newSGP(t, sgptest.WithAccountID(""))
	wire := newWire(t, srv)
	p := produce(t, producer.Config{QueueSize: 256, Blocking: true, Payload: 1000}, wire.url())
	for range 5 {
		waitForStored(t, srv, int(srv.Stats().Stored)+20)
		failed := len(p.events.of(producer.Failed))
		wire.cut()
		p.until(producer.Failed, failed+3)
		wire.connect()
	}
	p.enough()
	checkDelivered(t, srv, p.results()[0])
}

// TestNetworkFaults: what a network does to single connections, for as long as
// several requests have failed.
func TestNetworkFaults(t *testing.T) {
	for name, toxic := range map[string]string{
		"request reset":          `{"type":"reset_peer","stream":"upstream"}`,
		"answer reset":           `{"type":"reset_peer","stream":"downstream"}`,
		"request cut in two":     `{"type":"limit_data","stream":"upstream","attributes":{"bytes":2000}}`,
		"answer's head cut":      `{"type":"limit_data","stream":"downstream","attributes":{"bytes":40}}`,
		"no answer, then closed": `{"type":"timeout","stream":"downstream","attributes":{"timeout":20}}`,
	} {
		t.Run(name, func(t *testing.T) {
			srv := newSGP(t, sgptest.WithAccountID(""))
			wire := newWire(t, srv)
			wire.add(toxic)
			p := produce(t, producer.Config{Traces: 20, Payload: 500, Hold: true}, wire.url())
			p.until(producer.Holding, 1)
			p.goOn()
			p.until(producer.Failed, 6)
			wire.heal()
			result := p.results()[0]
			assert.Len(t, result.Spans, 220)
			checkDelivered(t, srv, result)
		})
	}
}

// TestNetworkSlow: a slow network that delivers in small pieces.
func TestNetworkSlow(t *testing.T) {
	srv := newSGP(t, sgptest.WithAccountID(""))
	wire := newWire(t, srv)
	wire.add(`{"type":"slicer","stream":"upstream","attributes":{"average_size":700,"size_variation":300,"delay":100}}`)
	wire.add(`{"type":"bandwidth","stream":"upstream","attributes":{"rate":400}}`)
	wire.add(`{"type":"latency","stream":"downstream","attributes":{"latency":20,"jitter":15}}`)
	p := produce(t, producer.Config{Traces: 30}, wire.url())
	result := p.results()[0]
	assert.Len(t, result.Spans, 330)
	checkDelivered(t, srv, result)
}
