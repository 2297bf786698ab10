// Command kubernetes is a recipe: a service that on SIGTERM (or Ctrl-C) lets requests end,
// then delivers their spans, within the grace period of docs/kubernetes.yaml.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/contrib/instrumentation/net/http/otelhttp"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

// From SIGTERM on, one after the other. Their sum has to be less than
// terminationGracePeriodSeconds less the time of the preStop hook: then
// Kubernetes sends SIGKILL, and what is queued is gone and in nobody's count, and what still ran
// shows as running for ever.
const (
	requestsTimeout = 10 * time.Second
	spansTimeout    = 25 * time.Second
)

func main() {
	if err := run(context.Background(), ":8080", os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// run serves until a signal comes; a second one ends the process at once.
func run(ctx context.Context, addr string, out io.Writer) error {
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, os.Interrupt)
	defer stop()
	context.AfterFunc(ctx, stop)

	exporter, err := sgpexporter.New()
	if err != nil {
		return err
	}
	// The resource is the SDK's default: service and pod are in the manifest's environment.
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(
		asyncprocessor.New(exporter, sgpexporter.ProcessorOptionsFromEnv()...)))

	server := http.Server{
		Handler:           otelhttp.NewHandler(http.HandlerFunc(hello), "hello", otelhttp.WithTracerProvider(tp)),
		ReadHeaderTimeout: 5 * time.Second,
	}
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return errors.Join(err, shutdown(tp.Shutdown, spansTimeout))
	}
	_, _ = fmt.Fprintf(out, "listening on %s\n", listener.Addr())
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()

	select {
	case <-ctx.Done():
	case err = <-served:
	}
	// Requests first: the spans that they still make are to be delivered too.
	return errors.Join(err,
		shutdown(server.Shutdown, requestsTimeout),
		shutdown(tp.Shutdown, spansTimeout)) // its error has the number of what was not delivered
}

// shutdown is not given the context of run: that has ended.
func shutdown(f func(context.Context) error, timeout time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return f(ctx)
}

func hello(w http.ResponseWriter, r *http.Request) {
	_, _ = io.Copy(io.Discard, r.Body) // as long as the client likes
	_, _ = io.WriteString(w, "hello\n")
}
