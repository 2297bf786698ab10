package sgptest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"time"
)

// ErrClosed is what waiting for something ends with when the server is closed.
var ErrClosed = errors.New("sgptest: server closed")

// Server is an SGP-compatible server. [NewServer] makes one that listens;
// [NewUnstartedServer] makes one that is only an [http.Handler], to be mounted
// on a server of your own. All methods may be called concurrently, and those
// that read also after Close.
type Server struct {
	// URL is the base URL of the API, of the form http://127.0.0.1:PORT without a
	// path: spans are written to URL + "/v5/spans/batch". It is "" until the
	// server listens.
	URL string

	cfg config

	// ctx ends with Close: whatever waits in a request ends with it.
	ctx    context.Context
	cancel context.CancelFunc
	// active counts the requests being answered and the goroutines of OnStored.
	active sync.WaitGroup

	http     *http.Server
	silencer *Silencer     // the listener
	served   chan struct{} // closed when http.Serve has returned; nil if not started
	client   *http.Client

	mu         sync.Mutex
	closed     bool
	apiKey     string
	store      store
	requests   []*Request
	reqBytes   int64
	violations []Violation
	stats      Stats
	faults     faultScript
	// news is closed, and replaced, whenever the store or a request changes.
	news chan struct{}
}

// NewServer starts a server on a free port of 127.0.0.1. Close must be called
// when it is no longer needed. Like httptest.NewServer it panics if it cannot
// listen, and for nothing else.
func NewServer(opts ...Option) *Server {
	s := NewUnstartedServer(opts...)
	s.Start()
	return s
}

// NewUnstartedServer makes a server that does not listen. Use it as an
// [http.Handler], or Start it. Close must be called in either case. As a handler
// it can be served on any listener, also on one after another, so that a test
// has a server that is away for a while or comes late, and keeps its spans.
func NewUnstartedServer(opts ...Option) *Server {
	cfg := newConfig(opts)
	s := &Server{
		cfg:    cfg,
		apiKey: cfg.apiKey,
		store:  store{global: cfg.olderStore, maxSpans: cfg.maxSpans, maxBytes: cfg.maxBytes},
		faults: faultScript{latency: cfg.latency},
		news:   make(chan struct{}),
	}
	s.store.reset()
	s.ctx, s.cancel = context.WithCancel(context.Background())
	return s
}

// Start listens, and sets URL. It panics if the server cannot listen, was
// started before, or is closed.
func (s *Server) Start() {
	if s.served != nil || s.ctx.Err() != nil {
		panic("sgptest: Start of a server that was started or closed")
	}
	transport := &http.Transport{}
	if s.cfg.inMemory {
		network := newMemoryNetwork()
		s.silencer, s.URL = NewSilencer(network), "http://sgptest.invalid"
		transport.DialContext = network.dial
	} else {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			panic(fmt.Sprintf("sgptest: cannot listen on 127.0.0.1: %v", err))
		}
		s.silencer, s.URL = NewSilencer(listener), "http://"+listener.Addr().String()
	}
	s.client = &http.Client{Transport: transport}
	s.http = &http.Server{
		Handler:           s,
		ReadHeaderTimeout: time.Minute,
		ErrorLog:          log.New(io.Discard, "", 0),
	}
	s.served = make(chan struct{})
	go func() {
		defer close(s.served)
		_ = s.http.Serve(s.silencer) // http.ErrServerClosed, by Close
	}()
}

// Client returns a client for a server that listens, nil for another. Close
// closes the connections that it keeps. Any other client reaches the server
// too, unless it was made [WithInMemoryNetwork].
func (s *Server) Client() *http.Client { return s.client }

// closeGrace is how long Close waits for requests that are being answered.
const closeGrace = time.Second

// Close ends latencies, hangs and what else waits in a request, whose clients
// see their connection closed; lets requests that are being answered finish, for
// up to a second; closes all connections; and returns when no request and no
// function of OnStored is left. The goroutines of net/http end with their
// connections. What was recorded can still be read. A second Close does nothing.
//
// Close must not be called by a function that the server calls. Where the server
// is mounted on a server of your own, close this one first: the other may wait
// for a request that hangs here.
func (s *Server) Close() {
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return
	}
	s.closed = true
	s.mu.Unlock()

	s.cancel()
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.active.Wait()
	}()
	if s.served != nil {
		_ = s.silencer.Close()
		grace := time.NewTimer(closeGrace)
		defer grace.Stop()
		select {
		case <-done:
		case <-grace.C:
		}
		_ = s.http.Close()
		<-s.served
		s.client.CloseIdleConnections()
	}
	<-done
}

// begin counts a user of the server in, unless it is closed. The user must call
// s.active.Done.
func (s *Server) begin() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return false
	}
	s.active.Add(1)
	return true
}

// SetAPIKey changes what [WithAPIKey] set, for requests from now on.
func (s *Server) SetAPIKey(key string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.apiKey = key
}
