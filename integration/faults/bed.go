package main

import (
	"context"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/Shopify/toxiproxy/v2"
	"github.com/rs/zerolog"

	"github.com/otelsgp/otelsgp/sgpexporter/sgptest"
)

// bed is what is around a service: a proxy that makes the network worse, a server that
// does not answer as its backend does, and the backend, SGP's or a collector.
type bed struct {
	sgp      *sgptest.Server // nil for the peer
	spans    delivered
	proxy    *toxiproxy.Proxy
	silencer *sgptest.Silencer
	server   *httptest.Server
	folder   string

	mu     sync.Mutex // guards fault
	fault  http.HandlerFunc
	ctx    context.Context // ends with the bed: what hangs ends with it
	cancel context.CancelFunc
}

// newBed makes one, with TLS and so HTTP/2 if secure.
func newBed(peer, secure bool) (*bed, error) {
	b := new(bed)
	b.ctx, b.cancel = context.WithCancel(context.Background())
	var backend http.Handler
	if peer {
		backend = collectorHandler(&b.spans)
	} else {
		b.sgp = sgptest.NewUnstartedServer(sgptest.WithAPIKey(apiKey), sgptest.WithMaxRequests(0))
		b.sgp.OnStored(func(spans []sgptest.Span) {
			for i := range spans {
				if spans[i].Completed() {
					b.spans.add(spans[i].TraceID+spans[i].ID, spans[i].EndTimestamp, lateAfter)
				}
			}
		})
		backend = b.sgp
	}
	b.server = httptest.NewUnstartedServer(b.handler(backend))
	b.server.Config.ErrorLog = log.New(io.Discard, "", 0)
	b.silencer = sgptest.NewSilencer(b.server.Listener)
	b.server.Listener = b.silencer
	if secure {
		b.server.EnableHTTP2 = true
		b.server.StartTLS()
	} else {
		b.server.Start()
	}
	var err error
	if b.folder, err = os.MkdirTemp("", "faults"); err != nil {
		return nil, err
	}
	if secure {
		cert := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: b.server.Certificate().Raw})
		if err := os.WriteFile(b.certificates(), cert, 0o600); err != nil {
			return nil, err
		}
	}
	toxic := toxiproxy.NewServer(toxiproxy.NewMetricsContainer(nil), zerolog.Nop())
	b.proxy = toxiproxy.NewProxy(toxic, "faults", "127.0.0.1:0", b.server.Listener.Addr().String())
	return b, b.proxy.Start()
}

func (b *bed) certificates() string { return filepath.Join(b.folder, "cert.pem") }

// url is where the service sends its spans.
func (b *bed) url() string {
	scheme, _, _ := strings.Cut(b.server.URL, ":")
	return scheme + "://" + b.proxy.Listen
}

func (b *bed) close() {
	b.cancel()
	b.proxy.Stop()
	b.server.CloseClientConnections() // a silent one does not end by itself, nor what is answered on it
	if b.sgp != nil {
		b.sgp.Close()
	}
	b.server.Close()
	_ = os.RemoveAll(b.folder)
}

// handler answers as the fault says, if there is one, or as the backend does.
func (b *bed) handler(backend http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		fault := b.fault
		b.mu.Unlock()
		if fault == nil {
			backend.ServeHTTP(w, r)
			return
		}
		// A client that still writes might not see the answer.
		_, _ = io.Copy(io.Discard, r.Body)
		fault(w, r)
	})
}

// answer makes the server answer with a fault from now on; nil ends that.
func (b *bed) answer(fault http.HandlerFunc) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fault = fault
}

// refuse makes SGP refuse items; a collector knows no such thing.
func (b *bed) refuse(fault func(*sgptest.Request) sgptest.Fault) {
	if b.sgp != nil {
		b.sgp.SetFault(fault)
	}
}

// latency delays each answer of SGP and of the collector alike: it is the network's.
func (b *bed) latency(d time.Duration) error {
	return b.toxic(`{"name":"latency","type":"latency","stream":"downstream","attributes":{"latency":` + itoa(d.Milliseconds()) + `}}`)
}

// toxic makes the network worse, in the words of toxiproxy.
func (b *bed) toxic(toxic string) error {
	_, err := b.proxy.Toxics.AddToxicJson(strings.NewReader(toxic))
	return err
}

// heal makes the network good again, also for connections that are open.
func (b *bed) heal() { b.proxy.Toxics.ResetToxics(context.Background()) }

// cut closes all connections and refuses new ones, until connect.
func (b *bed) cut() error     { b.proxy.Stop(); return nil }
func (b *bed) connect() error { return b.proxy.Start() }

// wait waits, unless the bed is closed.
func (b *bed) wait(d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-b.ctx.Done():
	}
}

// hang answers nothing.
func (b *bed) hang(_ http.ResponseWriter, r *http.Request) {
	select {
	case <-r.Context().Done():
	case <-b.ctx.Done():
	}
	panic(http.ErrAbortHandler)
}

// status answers with a status, SGP's way.
func status(code int, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(code)
		_, _ = io.WriteString(w, `{"detail":"a fault"}`)
	}
}

// page answers with a page for people.
func page(code int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(code)
		_, _ = io.WriteString(w, "<!doctype html><title>Hello</title>")
	}
}
