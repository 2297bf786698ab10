// Command quickstart is the program of the README: an HTTP service that is traced to SGP
// and ends properly on SIGTERM and on Ctrl-C.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"

	"go.opentelemetry.io/otel"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"

	"github.com/otelsgp/otelsgp/asyncprocessor"
	"github.com/otelsgp/otelsgp/sgpexporter"
)

func main() {
	if err := run("127.0.0.1:8080", os.Stdout); err != nil {
		log.Fatal(err) // run has returned: what it defers is done
	}
}

func run(addr string, out io.Writer) (err error) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	exp, err := sgpexporter.New() // SGP_API_KEY, SGP_ACCOUNT_ID, SGP_CLIENT_BASE_URL
	if err != nil {
		return err
	}
	proc := asyncprocessor.New(exp, sgpexporter.ProcessorOptionsFromEnv()...)
	tp := sdktrace.NewTracerProvider(sdktrace.WithSpanProcessor(proc)) // OTEL_SERVICE_NAME
	otel.SetTracerProvider(tp)
	defer func() { err = errors.Join(err, tp.Shutdown(context.Background())) }() // at most 30 s
	return serve(ctx, addr, out)
}

// serve answers requests, each with a span, until ctx is done.
func serve(ctx context.Context, addr string, out io.Writer) error {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return err
	}
	server := http.Server{Handler: http.HandlerFunc(hello), ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan error, 1)
	context.AfterFunc(ctx, func() { ended <- server.Shutdown(context.Background()) })
	_, _ = fmt.Fprintf(out, "listening on http://%s\n", listener.Addr())
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-ended // the spans of these requests have ended too
}

func hello(w http.ResponseWriter, r *http.Request) {
	_, span := otel.Tracer("quickstart").Start(r.Context(), "hello")
	defer span.End()
	_, _ = io.WriteString(w, "hello\n")
}
