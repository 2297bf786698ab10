package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	"go.opentelemetry.io/otel/propagation"
)

// unwind is how long requests may take to end once they are cancelled.
const unwind = 3 * time.Second

// server is the service's HTTP server.
type server struct {
	http *http.Server
	addr net.Addr
	// cancel ends the requests in flight.
	cancel context.CancelFunc
	served chan error
}

// listen opens the service's port.
func listen(ctx context.Context, addr string, port int) (net.Listener, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", net.JoinHostPort(addr, strconv.Itoa(port)))
	if errors.Is(err, syscall.EADDRINUSE) {
		return nil, fmt.Errorf("port %d of %s is in use by another program: choose one with -port, or a free one with -port 0 (%w)", port, addr, err)
	}
	if err != nil {
		return nil, fmt.Errorf("listen on the address of -addr and -port: %w", err)
	}
	return listener, nil
}

// startServer serves the app on listener.
func startServer(listener net.Listener, a *app) *server {
	ctx, cancel := context.WithCancel(context.Background())
	s := &server{
		http: &http.Server{
			Handler:           routes(a),
			ReadHeaderTimeout: 10 * time.Second,
			BaseContext:       func(net.Listener) context.Context { return ctx },
		},
		addr:   listener.Addr(),
		cancel: cancel,
		served: make(chan error, 1),
	}
	s.http.RegisterOnShutdown(a.page.Close)
	go func() { s.served <- s.http.Serve(listener) }()
	return s
}

// url is where the service is.
func (s *server) url() string { return "http://" + s.addr.String() }

// routes are the service's paths. Only questions are traced: the page at / asks
// for traces, and would be most of what it shows.
func routes(a *app) http.Handler {
	mux := http.NewServeMux()
	if a.lead != nil {
		ask := otelhttp.NewHandler(askHandler{a.lead}, "ask",
			otelhttp.WithTracerProvider(a.telemetry.provider),
			otelhttp.WithPropagators(propagation.TraceContext{}),
			otelhttp.WithSpanNameFormatter(func(_ string, r *http.Request) string { return r.Pattern }))
		// A website in the same browser must not ask in the user's name.
		mux.Handle("POST /ask", http.NewCrossOriginProtection().Handler(ask))
	}
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain")
		_, _ = w.Write([]byte("ok\n"))
	})
	mux.Handle("GET /metrics", a.telemetry.metrics.handler)
	if a.telemetry.embedded != nil {
		// The same port as the page's, so that a service's settings hold for the next
		// run too; the server's own is another each time.
		sgp := http.NewCrossOriginProtection().Handler(a.telemetry.embedded)
		mux.Handle("PUT /v5/spans/batch", sgp)
		mux.Handle("POST /v5/spans/search", sgp) // with WithSpool: what a killed process left running
	}
	mux.Handle("/", a.page.Handler())
	return mux
}

// stop accepts nothing more, lets requests in flight go on for as long as grace,
// then cancels them, and returns when they have ended, so that their spans have
// too.
func (s *server) stop(grace time.Duration) error {
	defer s.cancel()
	ctx, done := context.WithTimeout(context.Background(), grace)
	defer done()
	err := s.http.Shutdown(ctx)
	if err != nil {
		s.cancel()
		ctx, done := context.WithTimeout(context.Background(), unwind)
		defer done()
		if err = s.http.Shutdown(ctx); err != nil {
			err = errors.Join(fmt.Errorf("requests did not end: %w", err), s.http.Close())
		}
	}
	if served := <-s.served; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}
